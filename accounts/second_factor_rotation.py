"""Every secret of a second factor under the current key-encryption key, so that a former one can go."""

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce

from accounts import events, ledger
from accounts.case_keys import current_kek_id, decrypt_text, encrypt_text
from accounts.second_factors import PLACE

# Where the library keeps what it has us encrypt; passkeys have public keys only.
SECRETS = ("secret", "seed")
BATCH = 500


@transaction.atomic
def rewrap_batch() -> int:
    """Encrypt up to 500 secrets anew, and put on record that it was done; how many.

    It may be interrupted and repeated.

    Raises
    ------
    CaseUnreadable
        When a secret was altered.
    """
    batch = list(secrets_of_others().select_for_update(skip_locked=True).order_by("id")[:BATCH])
    for authenticator in batch:
        for name in SECRETS:
            if name in authenticator.data:
                authenticator.data[name] = encrypt_text(decrypt_text(authenticator.data[name], PLACE), PLACE)
    if batch:
        Authenticator.objects.bulk_update(batch, ["data"])
        ledger.record(events.SECOND_FACTORS_REWRAPPED, count=len(batch), key_id=current_kek_id())
    return len(batch)


def secrets_of_others() -> QuerySet[Authenticator]:
    """Second factors with a secret that is not encrypted under the current key-encryption key."""
    kept = Authenticator.objects.alias(kept=Coalesce(*(KT(f"data__{name}") for name in SECRETS)))
    others: QuerySet[Authenticator] = kept.exclude(kept=None).exclude(kept__startswith=f"{current_kek_id()}.")
    return others
