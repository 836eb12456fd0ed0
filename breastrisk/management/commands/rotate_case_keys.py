"""`rotate_case_keys`: wrap the keys of cases and files, and secrets, with a new key-encryption key."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts import case_key_rotation, second_factor_rotation
from accounts.case_keys import CaseUnreadable, current_kek_id
from accounts.row_scope import across_organisations
from breastrisk import case_keys
from breastrisk.embedded.state import StateDirectory
from predictions import cohort_key_rotation

ONE_KEY = (
    "CASE_KEYS holds one key. Put a new entry in front of it, with a comma between them, restart the web "
    "servers and workers, and run this again."
)
GIVE_UP = (
    "Take the former entries out of {where} when no backup that may be restored needs them: with them every "
    "key of a case in those backups is lost as well."
)


class Command(BaseCommand):
    help = (
        "Wrap the key of every case and stored file, and the secrets of second factors, with the first key "
        "of CASE_KEYS. It may be interrupted and repeated."
    )

    @across_organisations()
    def handle(self, *_args: Any, **_options: Any) -> None:
        if len(settings.CASE_KEYS) == 1:
            self.stdout.write(_add_key())
            return
        try:
            while count := case_key_rotation.rewrap_batch():
                self.stdout.write(f"{count} keys of cases rewrapped")
            while count := cohort_key_rotation.rewrap_batch():
                self.stdout.write(f"{count} keys of stored files rewrapped")
            while count := second_factor_rotation.rewrap_batch():
                self.stdout.write(f"{count} secrets of second factors rewrapped")
        except CaseUnreadable as error:
            raise CommandError(f"{error} Keep the former keys, mend that, and run this again.") from None
        if left := _left():
            raise CommandError(f"{left} keys are not wrapped by {current_kek_id()} yet: run this again.")
        told = f"Every case opens with key {current_kek_id()} alone, and so does every stored file."
        self.stdout.write(f"{told} {GIVE_UP.format(where=_where())}")


def _left() -> int:
    others = (case_key_rotation.keys_of_others(), cohort_key_rotation.keys_of_others())
    return sum(each.count() for each in (*others, second_factor_rotation.secrets_of_others()))


def _add_key() -> str:
    """Where keys are kept, put a new one in front. Nothing needs it before all that runs has read it."""
    if case_keys.are_given():
        raise CommandError(ONE_KEY)
    identifier = case_keys.put_in_front(StateDirectory.default())
    return (
        f"Key {identifier} is kept in front of the former. Restart `manage.py up`, so that whatever runs has "
        "both, and run this again."
    )


def _where() -> str:
    if case_keys.are_given():
        return "CASE_KEYS"
    return str(StateDirectory.default().path / "secrets" / case_keys.KEPT_AS)
