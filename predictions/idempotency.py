"""A request that is sent again, because its answer got lost, is not carried out again.

What was made and that it was answered are committed together, so that a retry finds both or neither,
whatever broke in between. While one is carried out, an advisory lock that ends with its transaction keeps
others of the same name out: nobody has to clean up after a process that died.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Generic, TypeVar
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from predictions.cohort_records import Cohort
from predictions.exceptions import IdempotencyKeyMalformed, IdempotencyKeyReused, PanelRefused, RequestRunning
from predictions.idempotency_records import AnsweredRequest
from predictions.models import Prediction

Row = TypeVar("Row", Prediction, Cohort)

KEPT = timedelta(hours=24)
LONGEST = 255


@dataclass(frozen=True)
class Named:
    """A request by the name that its sender gave it: digests of both."""

    digest: str
    request_sha256: str


@dataclass(frozen=True)
class Made(Generic[Row]):
    """What a request made: the row itself, unless the request did so before."""

    id: UUID
    fresh: Row | None = None


def name_request(sender: UUID, key: str, *asked: bytes) -> Named:
    """The name of a request: `key` is what `sender`, an API key, called it; `asked` all that matters of it.

    Raises
    ------
    IdempotencyKeyMalformed
        When it is not 1 to 255 visible characters of ASCII.
    """
    if not re.fullmatch(rf"[\x21-\x7e]{{1,{LONGEST}}}", key):
        raise IdempotencyKeyMalformed
    request = sha256()
    for part in asked:
        request.update(sha256(part).digest())
    return Named(sha256(f"{sender}:{key}".encode()).hexdigest(), request.hexdigest())


def carry_out(named: Named, work: Callable[[], Row]) -> Made[Row]:
    """Do the work and keep what it made for 24 hours, unless that is kept already.

    A refusal is not kept: it made nothing, and is found again.

    Raises
    ------
    RequestRunning
        When another process carries out a request of this name.
    IdempotencyKeyReused
        When the name stands for another request.
    PanelRefused
        As `work` raises it; what that put on record stays.
    """
    with transaction.atomic():
        _lock(named)
        if known := _find(named):
            return Made(known)
        try:
            row = work()
        except PanelRefused as error:
            refusal = error
        else:
            _keep(named, row.id)
            return Made(row.id, row)
    raise refusal


def forget_old() -> int:
    """Delete what nobody may rely on any more; how many."""
    return AnsweredRequest.objects.filter(made_at__lt=timezone.now() - KEPT).delete()[0]


def _lock(named: Named) -> None:
    number = int.from_bytes(bytes.fromhex(named.digest)[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        if not cursor.fetchone()[0]:
            raise RequestRunning


def _find(named: Named) -> UUID | None:
    known = AnsweredRequest.objects.filter(digest=named.digest, made_at__gte=timezone.now() - KEPT).first()
    if known is None:
        return None
    if known.request_sha256 != named.request_sha256:
        raise IdempotencyKeyReused
    return known.made


def _keep(named: Named, made: UUID) -> None:
    facts = {"request_sha256": named.request_sha256, "made": made, "made_at": timezone.now()}
    AnsweredRequest.objects.update_or_create(digest=named.digest, defaults=facts)
