"""`forget_provider`: for somebody to whom the identity provider gave a new identity."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.arguments import plain_text
from accounts.models import Person
from accounts.provider_links import forget_links


class Command(BaseCommand):
    help = "Let no identity open this account until the provider names its verified address again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", type=plain_text(254))

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            person = Person.objects.get_by_natural_key(options["email"])
        except Person.DoesNotExist:
            raise CommandError(f"Nobody has the address {options['email']}.") from None
        self.stdout.write(f"Identities that open the account no more: {forget_links(person)}.")
