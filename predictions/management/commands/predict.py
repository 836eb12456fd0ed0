"""`predict`: the same answer as the site's, in the terminal."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actors import Actor
from accounts.arguments import plain_text
from accounts.models import Organisation
from predictions import submission
from predictions.exceptions import PanelRefused, Problem, ReleaseUnavailable
from predictions.facts import facts_of
from predictions.intake.delimited import read_two_columns
from predictions.intake.measurements import PanelRequest
from predictions.intake.panel import LONGEST_REFERENCE
from predictions.intake.whole_numbers import whole_number
from predictions.models import Prediction
from predictions.presentation import for_terminal, terminal_text


class Command(BaseCommand):
    help = "Read the risk from a panel in a CSV or TSV file (gene, value). It is recorded like any other."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--age", type=whole_number, help="in years; leave it out if it is unknown")
        parser.add_argument("--unit", type=plain_text(), default="log2_intensity")
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
            prediction = _submit(actor, options)
        except PanelRefused as refusal:
            raise CommandError(for_terminal(_refusal_text(refusal.problems))) from None
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
    data = options["file"].read_bytes()
    try:
        columns = read_two_columns(data)
    except PanelRefused as refusal:
        submission.record_refusal(refusal, actor, options["case"])
        raise
    request = PanelRequest(
        measurements=columns.measurements,
        unit=options["unit"],
        age_years=options["age"],
        case_reference=options["case"],
        model=options["model"],
        accept_former_symbols=options["accept_former_symbols"],
        steps=columns.steps,
        header=columns.header,
        problems=columns.problems,
    )
    return submission.submit_panel(request, actor)


def _refusal_text(problems: tuple[Problem, ...]) -> str:
    lines = [f"The panel is refused: {len(problems)} problem{'s' * (len(problems) != 1)}."]
    for problem in problems:
        where = f"row {problem.row}: " if problem.row else ""
        value = f" [{problem.value}]" if problem.value is not None else ""
        lines.append(f"- {where}{problem.detail}{value} {problem.mend}")
    return "\n".join(lines)
