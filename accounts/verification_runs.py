"""Verifications that somebody asked for: a row says so, a worker takes it, and the page shows the row."""

import logging
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import timedelta
from itertools import islice

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from accounts import events, ledger
from accounts.actors import facts_of_person
from accounts.anchoring import open_anchors
from accounts.event_checks import Finding
from accounts.models import Person, Verification
from accounts.verification import Report, verify

# With so many there is something to do first; the next run finds the others.
MOST_FINDINGS = 1_000
SECONDS_BETWEEN_REPORTS = 1.0
SILENCE = timedelta(minutes=10)
_PROGRESS = "UPDATE accounts_verification SET done = %s, total = %s, heard_at = %s WHERE id = %s"

logger = logging.getLogger(__name__)


def ask(person: Person) -> Verification:
    """The verification that is waiting or under way, or else a new one."""
    under_way = Verification.objects.filter(finished_at=None).first()
    return under_way or Verification.objects.create(asked_by=person)


def run_next() -> bool:
    """Do the verification that has waited longest, if there is one; also one whose worker fell silent."""
    verification = _take()
    if verification is None:
        return False
    try:
        found = _verify(verification)
    except Exception:  # whatever it was, whoever waits is told that it ended
        logger.exception("The audit trail could not be verified")
        _end(verification, Verification.Status.FAILED, [])
        return True
    _end(verification, Verification.Status.FINISHED, found)
    return True


@transaction.atomic
def _take() -> Verification | None:
    now = timezone.now()
    silent = Q(status=Verification.Status.RUNNING, heard_at__lt=now - SILENCE)
    waiting = Verification.objects.filter(silent | Q(status=Verification.Status.WAITING))
    verification = waiting.select_for_update(skip_locked=True).order_by("id").first()
    if verification:
        verification.status, verification.heard_at = Verification.Status.RUNNING, now
        verification.save()
    return verification


def _verify(verification: Verification) -> list[Finding]:
    with _reporting(verification) as report:
        return list(islice(verify(report, anchors=open_anchors()), MOST_FINDINGS))


@contextmanager
def _reporting(verification: Verification) -> Iterator[Report]:
    """What writes down how far it is, by another connection.

    Where the auditor has no role, `verify` reads by this one, in a transaction that can change nothing.
    """
    last = 0.0

    def report(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() >= last + SECONDS_BETWEEN_REPORTS:
            last = time.monotonic()
            cursor.execute(_PROGRESS, [done, total, timezone.now(), verification.id])

    with closing(connection.copy()) as own, own.cursor() as cursor:
        yield report


@transaction.atomic
def _end(verification: Verification, status: Verification.Status, found: list[Finding]) -> None:
    rows = Verification.objects.filter(id=verification.id)
    rows.update(status=status, finished_at=timezone.now(), findings=[asdict(finding) for finding in found])
    kinds = Counter(finding.kind for finding in found)
    who = {**facts_of_person(verification.asked_by), "door": "system"}
    ledger.record(events.AUDIT_VERIFIED, **who, verification=verification.id, status=status, findings=kinds)
