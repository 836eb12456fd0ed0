"""`rotate_model_key`: open every release with a new key-encryption key, and then with it alone."""

import os
from dataclasses import replace
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, transaction

from accounts import ledger
from breastrisk import model_keys
from breastrisk.embedded.state import StateDirectory
from ml_models.sealing import KEY_SIZE, ReleaseKeys, SealBroken
from predictions import events, releases

ONE_KEY = (
    "MODEL_ENCRYPTION_KEY holds one key. Put a new one in front of it, with a comma between them "
    "(`openssl rand -base64 32` makes one), restart the web servers and workers, and run this again."
)
RUN_AGAIN = "Keep the former key, mend that, and run this again: what is done already is left as it is."


class Command(BaseCommand):
    help = (
        "Wrap the data keys of every stored release with a new key-encryption key. Models stay as they are."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only tell what would be done")

    def handle(self, *_args: Any, dry_run: bool, **_options: Any) -> None:
        keys = _begin(is_dry=dry_run)
        try:
            outcomes = [self._rotate(*which, keys, is_dry=dry_run) for which in releases.store().names()]
        except (OSError, OperationalError) as error:
            raise CommandError(f"{error} {RUN_AGAIN}") from None
        if not all(outcomes):
            raise CommandError(f"{outcomes.count(False)} of {len(outcomes)} cannot be opened. {RUN_AGAIN}")
        self.stdout.write("Nothing was changed." if dry_run else _finish(keys))

    def _rotate(self, name: str, version: str, keys: ReleaseKeys, *, is_dry: bool) -> bool:
        try:
            outcome = _rewrap(name, version, keys, is_dry=is_dry)
        except SealBroken as error:
            self.stderr.write(f"{name} {version}: {error}")
            return False
        self.stdout.write(f"{name} {version}: {outcome}")
        return True


def _begin(*, is_dry: bool) -> ReleaseKeys:
    """The new key in front of the former one. Where keys are kept, it is kept before a release needs it."""
    keys = releases.keys()
    if keys.former:
        return keys
    if model_keys.are_given():
        raise CommandError(ONE_KEY)
    keys = replace(keys, encryption=os.urandom(KEY_SIZE), former=(keys.encryption,))
    if not is_dry:
        model_keys.keep(StateDirectory.default(), keys)
    return keys


def _rewrap(name: str, version: str, keys: ReleaseKeys, *, is_dry: bool) -> str:
    store = releases.store()
    if not store.awaits_rewrap(name, version, keys):
        return "opens with the new key already"
    if is_dry:
        return "would be rewrapped"
    with transaction.atomic():
        ledger.record(events.RELEASE_REWRAPPED, release=f"{name} {version}", key_id=keys.encryption_id)
        store.rewrap(name, version, keys)
    return "rewrapped"


def _finish(keys: ReleaseKeys) -> str:
    """Forget the former key where keys are kept, and say what is left to do."""
    done = f"Every release opens with key {keys.encryption_id} alone."
    if model_keys.are_given():
        return f"{done} Take the former one out of MODEL_ENCRYPTION_KEY and restart web servers and workers."
    model_keys.keep(StateDirectory.default(), replace(keys, former=()))
    return f"{done} The former one is forgotten. Restart `manage.py up`: what runs still has it in memory."
