"""`activate_model`: make a registered release the one that answers."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from predictions import releases
from predictions.exceptions import ReleaseUnavailable, UnknownRelease
from predictions.models import Release


class Command(BaseCommand):
    help = "Make a release live; the one before stays callable by its name."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("release_version", metavar="VERSION")

    def handle(self, *_args: Any, **options: Any) -> None:
        release = Release.objects.filter(name=options["name"], version=options["release_version"]).first()
        if release is None:
            known = ", ".join(map(str, Release.objects.all())) or "none; run train_model"
            raise CommandError(f"No such release is registered. Registered: {known}.")
        try:
            releases.activate(release)
        except (ReleaseUnavailable, UnknownRelease) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{release} is live.")
