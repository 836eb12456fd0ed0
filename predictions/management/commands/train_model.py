"""`train_model`: train a release from TRANSBIG, seal it and put it on record."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from ml_models import training
from predictions import releases


class Command(BaseCommand):
    help = "Train, evaluate and seal a release of the model. activate_model makes it live."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("release_version", metavar="VERSION", help="such as 1.1.0")

    def handle(self, *_args: Any, **options: Any) -> None:
        manifest = training.train_release(
            training.load_transbig(),
            releases.keys(),
            releases.store(),
            version=options["release_version"],
        )
        release = releases.register(
            {"name": manifest.name, "version": manifest.version, "sha256": manifest.sha256}
        )
        self.stdout.write(f"{release} is sealed: {manifest.sha256}")
        self.stdout.write(f"Make it live with: python manage.py activate_model {release}")
