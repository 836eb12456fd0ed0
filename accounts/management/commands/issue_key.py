"""`issue_key`: make an API key for a system of an organisation."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.arguments import plain_text
from accounts.keys import UnknownScope, issue_key
from accounts.models import Organisation


class Command(BaseCommand):
    help = "Print a new API key once. Only its digest is kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organisation", type=plain_text(), required=True, metavar="SLUG")
        parser.add_argument(
            "--scopes", type=plain_text(), default="predict,read", help="comma-separated: %(default)s"
        )
        parser.add_argument("--name", type=plain_text(), default="Issued at the command line")

    def handle(self, *_args: Any, **options: Any) -> None:
        organisation = Organisation.objects.filter(slug=options["organisation"]).first()
        if organisation is None:
            known = ", ".join(Organisation.objects.values_list("slug", flat=True)) or "none yet"
            raise CommandError(f"There is no organisation '{options['organisation']}'. Known: {known}.")
        try:
            _, text = issue_key(organisation, options["name"], options["scopes"].split(","))
        except UnknownScope as error:
            raise CommandError(str(error)) from None
        self.stdout.write(text)
