"""How long an organisation keeps cases: two people set a rule, and each day what is due is erased."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import ledger
from accounts.actors import Actor
from accounts.models import CaseKey, Organisation
from accounts.row_scope import within
from predictions import erasure, events
from predictions.erasure_records import ErasureDecision, RetentionProposal, RetentionRule
from predictions.exceptions import StepRefused
from predictions.models import Prediction

YEAR = timedelta(days=365.2425)
BATCH = 500
PREVIEW_DAYS = (0, 30, 365)


def current_rule(organisation: Organisation) -> RetentionRule | None:
    """The rule that holds, if there ever was one; of 0 years where it is off again."""
    return RetentionRule.objects.filter(organisation=organisation).first()


def open_proposal(organisation: Organisation) -> RetentionProposal | None:
    """The newest proposal, unless it was approved."""
    newest = RetentionProposal.objects.filter(organisation=organisation).first()
    return None if newest is None or RetentionRule.objects.filter(proposal=newest).exists() else newest


@transaction.atomic
def propose(years: int, actor: Actor) -> RetentionProposal:
    """Propose to keep cases for so many years after their last prediction, or with 0 for good.

    Raises
    ------
    NotEntitled
    """
    person = erasure.require_auditor(actor)
    proposal = RetentionProposal.objects.create(
        organisation=actor.organisation, years=years, proposed_by=person
    )
    ledger.record(events.RETENTION_PROPOSED, actor, proposal=proposal.id, years=years)
    return proposal


@transaction.atomic
def approve(proposal: RetentionProposal, actor: Actor) -> RetentionRule:
    """Let the rule hold that somebody else proposed.

    Raises
    ------
    NotEntitled, StepRefused
        When the same person proposed it, or it is not the newest that waits.
    """
    person = erasure.require_auditor(actor)
    Organisation.objects.select_for_update(no_key=True).get(id=actor.organisation.id)
    if open_proposal(actor.organisation) != proposal:
        raise StepRefused(_("This was approved already, or another was proposed since: look again."))
    if proposal.proposed_by == person:
        raise StepRefused(_("{person} proposed this: somebody else approves.").format(person=person))
    rule = RetentionRule.objects.create(
        organisation=actor.organisation,
        years=proposal.years,
        proposal=proposal,
        proposed_by=proposal.proposed_by,
        decided_by=person,
    )
    facts = {"proposal": proposal.id, "proposed_by": proposal.proposed_by.id, "rule": rule.id}
    ledger.record(events.RETENTION_APPROVED, actor, years=rule.years, **facts)
    return rule


def preview(organisation: Organisation, years: int) -> list[dict[str, int]]:
    """How many cases fall due under such a rule: at once, within 30 days, within a year."""
    now = timezone.now()
    return [
        {"days": days, "cases": _due(organisation, years, now + timedelta(days=days)).count()}
        for days in PREVIEW_DAYS
    ]


def erase_due() -> int:
    """Erase up to 500 cases of each organisation that were kept as long as its rule says; how many."""
    return sum(_erase_due_of(organisation) for organisation in Organisation.objects.all())


def _erase_due_of(organisation: Organisation) -> int:
    with within(organisation.id):
        rule = current_rule(organisation)
        if rule is None or not rule.years:
            return 0
        due = list(_due(organisation, rule.years, timezone.now())[:BATCH])
        decided = filter(None, (_decide(row["case_key"], rule) for row in due))
        return sum(1 for _ in map(erasure.finish_soon, decided))


@transaction.atomic
def _decide(key_id: Any, rule: RetentionRule) -> ErasureDecision | None:
    """Once nobody can add a prediction, it is looked at again whether there is a newer one."""
    key = CaseKey.objects.select_for_update().filter(id=key_id).first()
    due = _due(rule.organisation, rule.years, timezone.now()).filter(case_key=key_id)
    return erasure.decide_by_rule(key, rule) if key and due.exists() else None


def _due(organisation: Organisation, years: int, at: datetime) -> QuerySet[Any, Any]:
    decided = ErasureDecision.objects.erasing().values("case_key_id")
    kept = Prediction.objects.filter(organisation=organisation).exclude(case_key__in=decided)
    newest = kept.order_by().values("case_key").annotate(newest=Max("created_at"))
    return newest.filter(Q(newest__lt=at - years * YEAR)).order_by("newest")
