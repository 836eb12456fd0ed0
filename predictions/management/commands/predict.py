"""`predict`: the same answer as the site's, in the terminal."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actors import Actor
from accounts.arguments import plain_text
from accounts.models import Organisation
from accounts.row_scope import within
from predictions import submission
from predictions.exceptions import PanelRefused, Problem, ReleaseUnavailable
from predictions.facts import facts_of
from predictions.intake.detection import READERS, ReaderUnclear
from predictions.intake.measurements import PanelRequest
from predictions.intake.opening import (
    Sample,
    SeveralSamples,
    only_sample,
    open_table,
    settle_age,
    settle_unit,
    several_samples,
)
from predictions.intake.panel import LONGEST_REFERENCE
from predictions.intake.tables import Choices, PartUnclear
from predictions.intake.whole_numbers import whole_number
from predictions.models import Prediction
from predictions.presentation import for_terminal, terminal_text


class Command(BaseCommand):
    help = "Read the risk from a panel in a file of one sample. It is recorded like any other."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--age", type=whole_number, help="in years; leave it out if it is unknown")
        parser.add_argument(
            "--unit", type=plain_text(), default="", help="log2_intensity unless the file says"
        )
        parser.add_argument("--platform", type=plain_text(), help="another than the model's, with a profile")
        parser.add_argument("--format", choices=READERS, default="", help="where it is not recognised")
        parser.add_argument("--part", type=plain_text(), default="", help="the sheet, strand or layer")
        parser.add_argument(
            "--case", type=plain_text(LONGEST_REFERENCE), default="", help="your reference for the case"
        )
        parser.add_argument(
            "--organisation", type=plain_text(), metavar="SLUG", help="needed where there are several"
        )
        parser.add_argument("--model", type=plain_text(), default="stable")
        parser.add_argument("--accept-former-symbols", action="store_true")
        parser.add_argument("--json", action="store_true", help="print what the API answers")

    def handle(self, *_args: Any, **options: Any) -> None:
        actor = Actor(_organisation(options["organisation"]), "command")
        try:
            with within(actor.organisation.id):
                prediction = _submit(actor, options)
        except PanelRefused as refusal:
            raise CommandError(for_terminal(_refusal_text(refusal.problems))) from None
        except ReaderUnclear as unclear:
            raise CommandError(f"Choose one with --format: {unclear}") from None
        except PartUnclear as unclear:
            raise CommandError(for_terminal(f"Choose one with --part: {unclear}")) from None
        except (ReleaseUnavailable, OSError) as error:
            raise CommandError(for_terminal(str(error))) from None
        facts = facts_of(prediction)
        text = json.dumps(facts, indent=2) if options["json"] else terminal_text(facts)
        self.stdout.write(for_terminal(text))


def _organisation(slug: str | None) -> Organisation:
    organisations = list(Organisation.objects.filter(slug=slug) if slug else Organisation.objects.all()[:2])
    if len(organisations) != 1:
        raise CommandError("Name the organisation with --organisation SLUG.")
    return organisations[0]


def _submit(actor: Actor, options: dict[str, Any]) -> Prediction:
    try:
        sample = _read(options)
    except PanelRefused as refusal:
        submission.record_refusal(refusal, actor, options["case"])
        raise
    unit, contradiction = settle_unit(options["unit"] or sample.unit or "log2_intensity", sample.unit)
    age, other_age = settle_age(options["age"], sample.age)
    request = PanelRequest(
        measurements=sample.measurements,
        unit=unit,
        platform=options["platform"],
        age_years=age,
        case_reference=options["case"],
        sample_id=sample.name,
        model=options["model"],
        accept_former_symbols=options["accept_former_symbols"],
        total=sample.total,
        steps=sample.steps,
        problems=(*sample.problems, *contradiction, *other_age),
    )
    return submission.submit_panel(request, actor)


def _read(options: dict[str, Any]) -> Sample:
    choices = Choices(options["part"], options["format"], options["unit"] or "")
    with options["file"].open("rb") as file:
        try:
            return only_sample(
                open_table(
                    file, options["file"].name, submission.wanted_by_release(options["model"]), choices
                )
            )
        except SeveralSamples:
            raise PanelRefused([several_samples()]) from None


def _refusal_text(problems: tuple[Problem, ...]) -> str:
    lines = [f"The panel is refused: {len(problems)} problem{'s' * (len(problems) != 1)}."]
    for problem in problems:
        where = f"row {problem.row}: " if problem.row else ""
        value = f" [{problem.value}]" if problem.value is not None else ""
        lines.append(f"- {where}{problem.detail}{value} {problem.mend}")
    return "\n".join(lines)
