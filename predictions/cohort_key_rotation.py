"""Every key of a stored file under the current key-encryption key, so that a former one can be given up."""

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from accounts import case_keys, ledger
from accounts.models import CaseKey
from predictions import events
from predictions.cohort_records import CohortInput

BATCH = 500


@transaction.atomic
def rewrap_batch() -> int:
    """Wrap up to 500 keys anew, and put on record that it was done; how many.

    It may be interrupted and repeated. Files are sent, read and deleted meanwhile; keys that another process
    rewraps or deletes are left to it.

    Raises
    ------
    CaseUnreadable
        When a key was altered.
    """
    former = [kek_id for kek_id in settings.CASE_KEYS if kek_id != case_keys.current_kek_id()]
    waiting = CohortInput.objects.filter(kek_id__in=former).select_related("cohort").order_by("cohort")
    batch = list(waiting.select_for_update(no_key=True, skip_locked=True, of=("self",))[:BATCH])
    for kept in batch:
        _rewrap(kept)
    if batch:
        CohortInput.objects.bulk_update(batch, ["wrapped", "kek_id"])
        ledger.record(events.COHORT_KEYS_REWRAPPED, count=len(batch), key_id=case_keys.current_kek_id())
    return len(batch)


def keys_of_others() -> QuerySet[CohortInput]:
    """The keys that are not wrapped by the current key-encryption key."""
    return CohortInput.objects.exclude(kek_id=case_keys.current_kek_id())


def _rewrap(kept: CohortInput) -> None:
    organisation = kept.cohort.organisation_id
    wrapped = CaseKey(id=kept.upload, organisation_id=organisation, wrapped=kept.wrapped, kek_id=kept.kek_id)
    anew = case_keys.wrap(case_keys.data_key(wrapped), kept.upload, organisation)
    kept.wrapped, kept.kek_id = anew["wrapped"], anew["kek_id"]
