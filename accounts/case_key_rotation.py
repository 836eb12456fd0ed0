"""Every case key under the current key-encryption key, so that a former one can be given up."""

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from accounts import case_keys, events, ledger
from accounts.database_roles import alias_of
from accounts.models import CaseKey

BATCH = 500
ERASER = alias_of("eraser")


@transaction.atomic
@transaction.atomic(using=ERASER)
def rewrap_batch() -> int:
    """Wrap up to 500 keys anew, and put on record that it was done; how many.

    It may be interrupted and repeated. Predictions under these keys are made meanwhile; keys that another
    process rewraps are left to it.
    """
    former = [kek_id for kek_id in settings.CASE_KEYS if kek_id != case_keys.current_kek_id()]
    waiting = CaseKey.objects.using(ERASER).filter(kek_id__in=former).order_by("id")
    batch = list(waiting.select_for_update(no_key=True, skip_locked=True)[:BATCH])
    for key in batch:
        anew = case_keys.wrap(case_keys.data_key(key), key.id, key.organisation_id)
        key.wrapped, key.kek_id = anew["wrapped"], anew["kek_id"]
    if batch:
        CaseKey.objects.using(ERASER).bulk_update(batch, ["wrapped", "kek_id"])
        ledger.record(events.CASE_KEYS_REWRAPPED, count=len(batch), key_id=case_keys.current_kek_id())
    return len(batch)


def keys_of_others() -> QuerySet[CaseKey]:
    """The keys that are not wrapped by the current key-encryption key."""
    return CaseKey.objects.exclude(kek_id=case_keys.current_kek_id())
