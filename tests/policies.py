"""Whether row-level security holds the owner of the tables too, as whom tests connect."""

from django.db import connection


def force_policies() -> None:
    _alter("FORCE")


def spare_owner() -> None:
    """As it is installed."""
    _alter("NO FORCE")


def _alter(how: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT oid::regclass::text FROM pg_class WHERE relrowsecurity")
        for (table,) in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} {how} ROW LEVEL SECURITY")
