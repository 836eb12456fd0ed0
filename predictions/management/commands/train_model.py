"""`train_model`: train a release from TRANSBIG or from your own cohort, seal it, put it on record."""

import re
from pathlib import Path
from typing import Any, get_args

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from ml_models import comparison, training
from ml_models.cohort_files import read_cohort, read_symbols
from ml_models.cohorts import Provenance, TrainingData, load_transbig
from ml_models.gating import BlindGateError
from ml_models.manifest import NAME_PATTERN, VERSION_PATTERN, Comparison, Unit
from ml_models.partial_likelihood import NotConvergedError
from ml_models.text_tables import CohortRefused
from predictions import releases

RESEARCH = "Research use only"
NOT_STATED = "not-stated"
# What describes a cohort of one's own, and means nothing without its files.
DESCRIPTIONS = ("genes", "unit", "platform", "cohort_name", "citation", "intended_use")


class Command(BaseCommand):
    help = (
        "Train, evaluate and seal a release of the model, from TRANSBIG or from your own two files "
        "(docs/training.md). activate_model proposes that it go live."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("release_version", metavar="VERSION", help="such as 1.1.0")
        parser.add_argument("--expression", type=Path, help="CSV or TSV of genes and samples, log2 values")
        parser.add_argument("--clinical", type=Path, help="CSV or TSV with a row for each sample")
        parser.add_argument("--name", help="of the release; needed with files of your own")
        parser.add_argument("--genes", type=Path, help="file of the panel's symbols, one in each line")
        parser.add_argument(
            "--unit", choices=get_args(Unit), help="of the values; log2_intensity if not given"
        )
        parser.add_argument("--platform", help="a short name such as illumina-novaseq")
        parser.add_argument("--cohort-name")
        parser.add_argument("--citation", help="where the cohort is published")
        parser.add_argument("--intended-use", help=f"must begin with {RESEARCH!r}")
        parser.add_argument(
            "--compare",
            action="store_true",
            help="compare with other estimators too, for the model card; takes some ten minutes",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        _check_options(options)
        name = options["name"] or training.NAME
        store = releases.store()
        if (name, options["release_version"]) in store.names():
            raise CommandError(f"There is a release {name} {options['release_version']} already.")
        try:
            data = self._read(options) if options["expression"] else load_transbig()
            manifest = training.train_release(
                data,
                releases.keys(),
                store,
                name=name,
                version=options["release_version"],
                comparison=_compare(data) if options["compare"] else None,
            )
        except (
            CohortRefused,
            BlindGateError,
            NotConvergedError,
            training.ManifestTooLargeError,
            OSError,
        ) as error:
            raise CommandError(str(error)) from None
        release = releases.register(
            {"name": manifest.name, "version": manifest.version, "sha256": manifest.sha256}
        )
        self.stdout.write(f"{release} is sealed: {manifest.sha256}")
        self.stdout.write(f"Next: python manage.py activate_model {release} --proposed-by EMAIL")

    def _read(self, options: dict[str, Any]) -> TrainingData:
        genes = read_symbols(options["genes"]) if options["genes"] else None
        own = read_cohort(options["expression"], options["clinical"], _provenance(options), genes)
        for note in own.notes:
            self.stdout.write(note)
        return own.data


def _check_options(options: dict[str, Any]) -> None:
    """Refuse options that contradict each other, all at once.

    Raises
    ------
    CommandError
    """
    own = bool(options["expression"])
    names = {options["name"] or training.NAME, options["platform"] or NOT_STATED}
    intended_use = options["intended_use"] or RESEARCH
    problems = {
        "Give both --expression and --clinical, or neither.": own == bool(options["clinical"]),
        "Name the release with --name.": bool(options["name"]) or not own,
        f"The name {training.NAME} is that of the releases from TRANSBIG; choose another.": not own
        or options["name"] != training.NAME,
        "Name and platform are lower-case letters, digits and hyphens.": all(
            re.fullmatch(NAME_PATTERN, name) for name in names
        ),
        "The version is three numbers, such as 1.0.0.": bool(
            re.fullmatch(VERSION_PATTERN, options["release_version"])
        ),
        f"The intended use must begin with {RESEARCH!r}: this is no medical device.": intended_use.startswith(
            RESEARCH
        ),
        "Options that describe a cohort of your own need its files: --expression and --clinical.": own
        or not any(options[name] for name in (*DESCRIPTIONS, "name")),
    }
    if wrong := [problem for problem, holds in problems.items() if not holds]:
        raise CommandError("\n".join(wrong))


def _provenance(options: dict[str, Any]) -> Provenance:
    cohort = options["cohort_name"] or options["expression"].stem
    return Provenance(
        name=cohort,
        citation=options["citation"] or "Not published.",
        intended_use=options["intended_use"]
        or f"{RESEARCH}. Estimates the risk of distant metastasis of breast cancer in patients like those of "
        f"{cohort}. Not for decisions on treatment.",
        unit=options["unit"] or "log2_intensity",
        platform=options["platform"] or NOT_STATED,
    )


def _compare(data: TrainingData) -> Comparison:
    with tqdm(total=comparison.steps(data), unit="repeat") as bar:

        def report(name: str) -> None:
            bar.set_description(name)
            bar.update()

        return comparison.compare(data, training.SEED, report)
