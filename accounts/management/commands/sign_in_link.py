"""`sign_in_link`: a one-time link for somebody who cannot sign in."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.arguments import plain_text
from accounts.links import make_link
from accounts.models import Person


class Command(BaseCommand):
    help = "Print a link that signs this person in, once, within 24 hours."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", type=plain_text(254))
        parser.add_argument("--base-url", type=plain_text(200), default="http://localhost:8000")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            person = Person.objects.get_by_natural_key(options["email"])
        except Person.DoesNotExist:
            raise CommandError(f"Nobody has the address {options['email']}.") from None
        self.stdout.write(make_link(person, options["base_url"]))
