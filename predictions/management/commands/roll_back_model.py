"""`roll_back_model`: back to the release that was live before, at once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from predictions import lifecycle
from predictions.exceptions import ReleaseUnavailable, StepRefused
from predictions.management.naming import named_steward


class Command(BaseCommand):
    help = "Make the release live that was live before the present one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--by", required=True, metavar="EMAIL", help="an administrator")
        parser.add_argument("--reason", required=True, metavar="TEXT", help="kept in the audit trail")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            steward = named_steward(options["by"])
            activation = lifecycle.roll_back(lifecycle.current_activation(), steward, options["reason"])
        except (StepRefused, ReleaseUnavailable) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{activation.release} is live again, instead of {activation.left}.")
