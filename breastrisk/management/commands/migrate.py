"""`python manage.py migrate`: as the owner of the database, since the application may not change tables."""

from django.core.management.base import CommandParser
from django.core.management.commands import migrate

from accounts.database_roles import alias_of


class Command(migrate.Command):
    """Django's own, with another default."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database=alias_of("owner"))
