"""The roles of the database: who may append to the audit trail, seal it, read it, and erase a case."""

from collections.abc import Mapping

from django.conf import settings
from django.db import connections, transaction
from psycopg2 import sql

SIGNING_IN = ("app", "sealer", "auditor", "eraser")


class RolesRefused(Exception):
    """For the operator: the owner of the database may not create roles."""


def alias_of(role: str) -> str:
    """The database alias that connects in a role; the application's where that role has none of its own."""
    return role if role in settings.DATABASES else "default"


def separate_roles(passwords: Mapping[str, str]) -> None:
    """Make the roles, hand the trail over to the one that nobody can sign in as, and let the others sign in.

    Parameters
    ----------
    passwords
        One for each of `SIGNING_IN`.

    Raises
    ------
    RolesRefused
        When the owner of the database may not create roles.
    """
    owner = alias_of("owner")
    with transaction.atomic(using=owner), connections[owner].cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
        if not cursor.fetchone()[0]:
            raise RolesRefused("The owner of the database may not create roles: give it CREATEROLE.")
        cursor.execute("CALL audit.separate_roles()")
        for role, password in passwords.items():
            cursor.execute("SELECT audit.role_name(%s)", [role])
            name = sql.Identifier(cursor.fetchone()[0])
            cursor.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD %s").format(name), [password])
