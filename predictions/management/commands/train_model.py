"""`train_model`: train a release from TRANSBIG, seal it and put it on record."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from tqdm import tqdm

from ml_models import comparison, training
from ml_models.cohorts import TrainingData, load_transbig
from ml_models.manifest import Comparison
from predictions import releases


class Command(BaseCommand):
    help = "Train, evaluate and seal a release of the model. activate_model proposes that it go live."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("release_version", metavar="VERSION", help="such as 1.1.0")
        parser.add_argument(
            "--compare",
            action="store_true",
            help="compare with other estimators too, for the model card; takes some ten minutes",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        data = load_transbig()
        manifest = training.train_release(
            data,
            releases.keys(),
            releases.store(),
            version=options["release_version"],
            comparison=_compare(data) if options["compare"] else None,
        )
        release = releases.register(
            {"name": manifest.name, "version": manifest.version, "sha256": manifest.sha256}
        )
        self.stdout.write(f"{release} is sealed: {manifest.sha256}")
        self.stdout.write(f"Next: python manage.py activate_model {release} --proposed-by EMAIL")


def _compare(data: TrainingData) -> Comparison:
    with tqdm(total=comparison.steps(), unit="repeat") as bar:

        def report(name: str) -> None:
            bar.set_description(name)
            bar.update()

        return comparison.compare(data, training.SEED, report)
