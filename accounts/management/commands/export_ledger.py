"""`python manage.py export_ledger`: the whole trail as a file for `static/verify_ledger.py`."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts import events, ledger, ledger_export


class Command(BaseCommand):
    """Write JSON Lines to the standard output."""

    help = "Write the sealed audit trail as JSON Lines, for static/verify_ledger.py to verify."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """The export is on record too, before its first line."""
        ledger.record(events.LEDGER_EXPORTED, door="command")
        for line in ledger_export.export_lines():
            self.stdout.write(line, ending="")
