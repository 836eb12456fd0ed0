"""`train_model`: train a release from TRANSBIG, seal it and put it on record."""

import re
from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ml_models import training
from ml_models.manifest import VERSION_PATTERN
from predictions import releases


def version_number(text: str) -> str:
    """The type of the argument."""
    if not re.fullmatch(VERSION_PATTERN, text):
        raise ArgumentTypeError(f"three numbers such as 1.1.0, not {text[:40]!a}")
    return text


class Command(BaseCommand):
    help = "Train, evaluate and seal a release of the model. activate_model makes it live."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("release_version", type=version_number, metavar="VERSION", help="such as 1.1.0")

    def handle(self, *_args: Any, **options: Any) -> None:
        version, store = options["release_version"], releases.store()
        if (training.NAME, version) in store.names():
            raise CommandError(
                f"{training.NAME} {version} is stored already. Releases are never overwritten."
            )
        manifest = training.train_release(training.load_transbig(), releases.keys(), store, version=version)
        release = releases.register(
            {"name": manifest.name, "version": manifest.version, "sha256": manifest.sha256}
        )
        self.stdout.write(f"{release} is sealed: {manifest.sha256}")
        self.stdout.write(f"Make it live with: python manage.py activate_model {release}")
