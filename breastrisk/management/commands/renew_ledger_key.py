"""`python manage.py renew_ledger_key`: another key signs the checkpoints of the audit trail from now on."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from breastrisk import ledger_keys
from breastrisk.embedded.state import StateDirectory


class Command(BaseCommand):
    """Make a new signing key; the former public keys stay, to verify what they signed."""

    help = (
        "Make a new key for signing checkpoints. The former public keys stay: they verify what they signed."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Keep it, or print it for the environment that has the former."""
        former = ledger_keys.LedgerKeys(settings.LEDGER_SIGNING_KEY, settings.LEDGER_PUBLIC_KEYS)
        keys = former.renewed()
        if ledger_keys.are_given():
            self.stdout.write(f"LEDGER_PUBLIC_KEYS={','.join(keys.public)}")
            self.stdout.write(f"LEDGER_SIGNING_KEY={keys.signing}")
            self.stderr.write("Set the first everywhere and restart, then the second for the workers.")
            return
        ledger_keys.keep(StateDirectory.default(), keys)
        self.stdout.write(f"Kept. Restart `manage.py up`. The new public key: {keys.public[0]}")
