"""`sign_in_link`: a one-time link for somebody who cannot sign in."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.links import make_link
from accounts.models import Person


class Command(BaseCommand):
    help = "Print a link that signs this person in, once, within 24 hours."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--base-url", default="http://localhost:8000")

    def handle(self, *_args: Any, **options: Any) -> None:
        person = Person.objects.filter(email__iexact=options["email"]).first()
        if person is None:
            raise CommandError(f"Nobody has the address {options['email']}.")
        self.stdout.write(make_link(person, options["base_url"]))
