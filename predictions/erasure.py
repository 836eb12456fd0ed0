"""How a case is erased: one person asks, another approves, and then its key is deleted.

The key is deleted over a connection of its own, whose role may do nothing else, so it cannot be one
transaction:

1. The decision stands, with its event, and the key is taken from its case: whoever asks about the same case
   from now on gets a new key.
2. The key is deleted. Repeating that is harmless.
3. That it is gone stands, with the event `case.erased`.

After a crash between these steps `finish_all`, which a worker calls every minute, takes those that are left.
The database lets a key go only if step 1 is on record (migration 0008).
"""

import logging
from collections.abc import Iterator
from contextlib import suppress
from uuid import UUID

from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.utils.translation import gettext as _

from accounts import ledger
from accounts.actors import Actor, audited_organisations
from accounts.database_roles import alias_of
from accounts.models import CaseKey, Organisation, Person
from accounts.row_scope import across_organisations, within
from predictions import cohort_inputs, events
from predictions.cohort_records import Cohort
from predictions.erasure_records import (
    DecisionKind,
    ErasureCompletion,
    ErasureDecision,
    ErasureReason,
    ErasureRequest,
    RetentionRule,
)
from predictions.exceptions import NotEntitled, StepRefused
from predictions.models import Prediction

ERASER = alias_of("eraser")

logger = logging.getLogger(__name__)


def require_auditor(actor: Actor) -> Person:
    """The person, if they are auditor or administrator of the organisation that they act for.

    Raises
    ------
    NotEntitled
    """
    if actor.person is None or actor.organisation not in audited_organisations(actor.person):
        raise NotEntitled(_("This is for auditors and administrators of the organisation."))
    return actor.person


@transaction.atomic
def request_erasure(key_id: UUID, actor: Actor, reason: ErasureReason, note: str) -> ErasureRequest:
    """Ask that a case be erased.

    Raises
    ------
    NotEntitled, StepRefused
        When the case is erased, or somebody asked already.
    """
    person = require_auditor(actor)
    key = _lock(key_id, actor.organisation)
    if open_request(key_id):
        raise StepRefused(_("Somebody asked for this already: approve or decline that."))
    request = ErasureRequest.objects.create(
        organisation=actor.organisation,
        case_key_id=key_id,
        case_digest=key.case_digest,
        reason=reason,
        note=note,
        requested_by=person,
    )
    _record(events.ERASURE_REQUESTED, request, actor, request=request.id, reason=reason)
    return request


def approve(request: ErasureRequest, actor: Actor) -> ErasureDecision:
    """Erase the case that somebody else asked to erase.

    Raises
    ------
    NotEntitled, StepRefused
        When it was decided already, or the same person asked.
    """
    if request.requested_by == actor.person:
        raise StepRefused(_("{person} asked for this: somebody else approves.").format(person=actor.person))
    with transaction.atomic():
        decision = _decide(request, actor, DecisionKind.APPROVED, events.ERASURE_APPROVED)
        _take_from_case(decision)
    finish_soon(decision)
    return decision


@transaction.atomic
def decline(request: ErasureRequest, actor: Actor) -> ErasureDecision:
    """Leave the case as it is; who asked withdraws.

    Raises
    ------
    NotEntitled, StepRefused
        When it was decided already.
    """
    if request.requested_by == actor.person:
        return _decide(request, actor, DecisionKind.WITHDRAWN, events.ERASURE_WITHDRAWN)
    return _decide(request, actor, DecisionKind.DECLINED, events.ERASURE_DECLINED)


def decide_by_rule(key: CaseKey, rule: RetentionRule) -> ErasureDecision:
    """Put on record that a case was kept as long as the rule says. The caller has locked the key."""
    decision = ErasureDecision.objects.create(
        kind=DecisionKind.BY_RULE,
        organisation=rule.organisation,
        case_key_id=key.id,
        case_digest=key.case_digest,
        rule=rule,
    )
    _record(events.ERASURE_DUE, decision, decision=decision.id, rule=rule.id, years=rule.years)
    _take_from_case(decision)
    return decision


@transaction.atomic
def decide_again(key_id: UUID) -> ErasureDecision | None:
    """Put on record that a key of which the erasure was on record elsewhere came back with a backup."""
    key = CaseKey.objects.select_for_update().select_related("organisation").filter(id=key_id).first()
    if key is None or ErasureDecision.objects.erasing().filter(case_key_id=key_id).exists():
        return None
    decision = ErasureDecision.objects.create(
        kind=DecisionKind.REPEATED,
        organisation=key.organisation,
        case_key_id=key.id,
        case_digest=key.case_digest,
    )
    _record(events.ERASURE_REPEATED, decision, decision=decision.id)
    _take_from_case(decision)
    return decision


def open_request(key_id: UUID) -> ErasureRequest | None:
    """The request about a case that nobody has decided on."""
    return ErasureRequest.objects.filter(case_key_id=key_id, decision=None).first()


def finish_soon(decision: ErasureDecision) -> None:
    """Delete the key now, or leave it to the worker where the eraser's connection is away."""
    try:
        finish(decision)
    except (OperationalError, InterfaceError):
        logger.exception("The key of decision %s is not deleted yet", decision.id)


def finish(decision: ErasureDecision) -> None:
    """Delete the key of a case whose erasure is decided, and put on record that it is gone."""
    CaseKey.objects.using(ERASER).filter(id=decision.case_key_id).delete()
    own = Prediction.objects.filter(case_key=decision.case_key_id)
    cohort_inputs.forget_ended(Cohort.objects.filter(id__in=own.values("cohort")))
    # Two workers may come here at once: one of them writes the event.
    with suppress(IntegrityError), transaction.atomic():
        entry = _record(events.CASE_ERASED, decision, decision=decision.id, predictions=own.count())
        ErasureCompletion.objects.create(decision=decision, event_id=entry.id)


def finish_all() -> int:
    """Finish every erasure that is decided and not done; how many."""
    with across_organisations():
        waiting = list(ErasureDecision.objects.erasing().filter(completion=None))
    for decision in waiting:
        with within(decision.organisation_id):
            finish(decision)
    return len(waiting)


def delete_again() -> Iterator[UUID]:
    """Delete every key whose erasure is on record and that is there again, as after a restored backup."""
    for decision in ErasureDecision.objects.erasing().order_by("id"):
        deleted, _ = CaseKey.objects.using(ERASER).filter(id=decision.case_key_id).delete()
        if deleted:
            _record(events.ERASURE_REPEATED, decision, decision=decision.id)
            yield decision.case_key_id


def _lock(key_id: UUID, organisation: Organisation) -> CaseKey:
    """The key of a case, of which nobody else decides meanwhile."""
    key = CaseKey.objects.select_for_update().filter(id=key_id, organisation=organisation).first()
    if key is None or ErasureDecision.objects.erasing().filter(case_key_id=key_id).exists():
        raise StepRefused(_("This case is erased already."))
    return key


def _decide(request: ErasureRequest, actor: Actor, kind: DecisionKind, event: str) -> ErasureDecision:
    require_auditor(actor)
    _lock(request.case_key_id, actor.organisation)
    if ErasureDecision.objects.filter(request=request).exists():
        raise StepRefused(_("This request was decided already."))
    decision = ErasureDecision.objects.create(
        kind=kind,
        organisation=request.organisation,
        case_key_id=request.case_key_id,
        case_digest=request.case_digest,
        request=request,
        requested_by=request.requested_by,
        decided_by=actor.person,
    )
    requested_by = request.requested_by.id
    _record(event, decision, actor, request=request.id, decision=decision.id, requested_by=requested_by)
    return decision


def _take_from_case(decision: ErasureDecision) -> None:
    CaseKey.objects.filter(id=decision.case_key_id).update(case_digest=None)


def _record(
    event: str, about: ErasureRequest | ErasureDecision, actor: Actor | None = None, **facts: object
) -> ledger.Entry:
    case: dict[str, object] = {"organisation": about.organisation_id, "case_key": about.case_key_id}
    if about.case_digest:
        case["case_digest"] = about.case_digest
    return ledger.record(event, actor, **case, **facts)
