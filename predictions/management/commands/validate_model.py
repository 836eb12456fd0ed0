"""`validate_model`: try a stored release on a cohort that it never saw."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ml_models.cohort_files import read_external
from ml_models.text_tables import CohortRefused
from ml_models.training import SEED
from ml_models.validation import Validation, validate
from ml_models.validation_report import as_markdown, calibration_svg
from predictions import releases
from predictions.exceptions import ReleaseUnavailable
from predictions.models import Release


class Command(BaseCommand):
    help = "Validate a release on your own cohort, with the files that train_model takes (docs/training.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("release_version", metavar="VERSION")
        parser.add_argument("--expression", type=Path, required=True)
        parser.add_argument("--clinical", type=Path, required=True)
        parser.add_argument("--cohort-name", help="the name of the expression file if not given")
        parser.add_argument(
            "--profile-by-cohort",
            action="store_true",
            help="map a cohort of another platform to the training scale, gene by gene, without outcomes",
        )
        parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the report")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            found = _validate(options)
        except (CohortRefused, ReleaseUnavailable, OSError) as error:
            raise CommandError(str(error)) from None
        _write(found, options["out"])
        self.stdout.write(as_markdown(found))


def _validate(options: dict[str, Any]) -> Validation:
    release = Release.objects.filter(name=options["name"], version=options["release_version"]).first()
    if release is None:
        raise CommandError(f"No release {options['name']} {options['release_version']} is registered.")
    manifest = releases.manifest_of(release)
    name = options["cohort_name"] or options["expression"].stem
    return validate(
        manifest,
        releases.portable_form(release).score,
        read_external(options["expression"], options["clinical"], manifest.genes, name),
        profiled=options["profile_by_cohort"],
        seed=SEED,
    )


def _write(found: Validation, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "validation.md").write_text(as_markdown(found), encoding="utf-8")
    (folder / "validation.json").write_text(found.model_dump_json(indent=2) + "\n", encoding="utf-8")
    if drawing := calibration_svg(found):
        (folder / "calibration.svg").write_text(drawing, encoding="utf-8")
