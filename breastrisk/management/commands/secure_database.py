"""`python manage.py secure_database`: a role of its own for each thing that is done with the database."""

import secrets
from typing import Any
from urllib.parse import quote

from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from accounts.database_roles import SIGNING_IN, RolesRefused, alias_of, separate_roles


class Command(BaseCommand):
    """Make the roles with new passwords and print the settings with which they are used."""

    help = (
        "Make the database roles of the application, the sealer, the auditor and the eraser, give them new "
        "passwords, and print the settings for them. Needs DATABASE_OWNER_URL, whose role may create roles."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Print one line NAME=URL for each role."""
        passwords = {role: secrets.token_urlsafe(24) for role in SIGNING_IN}
        try:
            separate_roles(passwords)
        except RolesRefused as refusal:
            raise CommandError(str(refusal)) from None
        for role, password in passwords.items():
            self.stdout.write(f"{_setting(role)}={_address(role, password)}")


def _setting(role: str) -> str:
    return "DATABASE_URL" if role == "app" else f"DATABASE_{role.upper()}_URL"


def _address(role: str, password: str) -> str:
    there = connections[alias_of("owner")].settings_dict
    host, port = quote(there["HOST"], safe=""), f":{there['PORT']}" if there["PORT"] else ""
    return f"postgresql://{there['NAME']}_{role}:{password}@{host}{port}/{there['NAME']}"
