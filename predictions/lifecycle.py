"""How a release goes from one state to another, who may take the step, and the record of it.

    callable <-> shadow     an administrator
    callable, shadow -> retired     an administrator
    callable, shadow, retired -> live     one person proposes, another approves
    live -> callable     when another release goes live
    any -> quarantined     by itself, when its forms disagree or its seal breaks; for good

A roll back makes the release live that was live before, at once, by one person with a reason. The database
holds the same rules (migration 0004), and that no two activations follow the same one.
"""

import hashlib
import logging
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import ledger
from accounts.actors import Steward, holds_role
from accounts.models import Person, Role
from ml_models.sealing import SealBroken
from predictions import comparison, events, releases
from predictions.exceptions import NotEntitled, StepRefused
from predictions.kept_reports import seal_report
from predictions.models import Activation, ActivationKind, Proposal, Release, ReleaseState
from predictions.releases import Trained

MANAGING = (Role.ADMIN,)
APPROVING = (Role.ADMIN, Role.AUDITOR)
# What people may make of a release, and of which states.
WAYS = {
    ReleaseState.LIVE: {ReleaseState.CALLABLE, ReleaseState.SHADOW, ReleaseState.RETIRED},
    ReleaseState.CALLABLE: {ReleaseState.SHADOW},
    ReleaseState.SHADOW: {ReleaseState.CALLABLE},
    ReleaseState.RETIRED: {ReleaseState.CALLABLE, ReleaseState.SHADOW},
}

logger = logging.getLogger(__name__)


def may_manage(person: Person) -> bool:
    """Whether somebody may propose, roll back, shadow and retire: administrators."""
    return holds_role(person, MANAGING)


def may_approve(person: Person) -> bool:
    """Whether somebody may approve what another proposed, and see the releases: auditors as well."""
    return holds_role(person, APPROVING)


def current_activation() -> Activation | None:
    """The one that no other follows, if a release was ever live."""
    return Activation.objects.filter(followed_by=None).select_related("release").first()


def latest_proposal(release: Release) -> Proposal:
    """The newest proposal of a release.

    Raises
    ------
    StepRefused
        When it was never proposed.
    """
    proposal = release.proposals.select_related("release", "proposed_by").first()
    if proposal is None:
        raise StepRefused(_("Nobody has proposed {release} yet.").format(release=release))
    return proposal


def roll_back_target(current: Activation | None) -> Activation:
    """The activation that a roll back from the current one returns to.

    Raises
    ------
    StepRefused
        When there is none, or its release must not answer.
    """
    target = _activation_before(current)
    if target is None:
        raise StepRefused(_("No release was live before: there is nothing to roll back to."))
    if target.release.state == ReleaseState.RETIRED:
        raise StepRefused(
            _("{release} is retired: two people can make it live again.").format(release=target.release)
        )
    _refuse(why_not(target.release, ReleaseState.LIVE))
    return target


def why_not(release: Release, state: ReleaseState) -> str:
    """Why people may not bring a release into a state; empty where they may."""
    if release.state in WAYS[state]:
        return ""
    if release.state == state:
        return _("{release} is {state} already.").format(release=release, state=state.word)
    if release.state == ReleaseState.LIVE:
        return _("{release} is live: make another release live first.").format(release=release)
    return _("{release} is {current}: it cannot become {state}.").format(
        release=release, current=ReleaseState(release.state).word, state=state.word
    )


def why_not_approve(proposal: Proposal, person: Person) -> str:
    """Why this person may not approve a proposal, or nobody any more; empty where they may."""
    if closed := why_closed(proposal):
        return closed
    if person.id == proposal.proposed_by_id:
        return _("{person} proposed {release}: somebody else approves.").format(
            person=person, release=proposal.release
        )
    return ""


def why_closed(proposal: Proposal) -> str:
    """Why a proposal cannot be approved any more; empty while it can."""
    release, current = proposal.release, current_activation()
    if Activation.objects.filter(proposal=proposal).exists():
        return _("This proposal of {release} was approved already.").format(release=release)
    if refusal := why_not(release, ReleaseState.LIVE):
        return refusal
    if current and current != proposal.against:
        return _("{other} went live since {release} was proposed: propose it again.").format(
            other=current.release, release=release
        )
    if release.proposals.filter(id__gt=proposal.id).exists():
        return _("{release} was proposed again since: read and approve the newer proposal.").format(
            release=release
        )
    if release.state == ReleaseState.RETIRED and release.state_changed_at > proposal.proposed_at:
        return _("{release} was retired since it was proposed: propose it again.").format(release=release)
    return ""


@transaction.atomic
def start_with(trained: Trained) -> None:
    """Register the release that a first start trained, and make it live without people.

    Raises
    ------
    StepRefused
        When a release was live before.
    """
    release = releases.register(trained)
    if current_activation():
        raise StepRefused(_("Only the first release of an installation goes live without two people."))
    releases.require_seal(release)
    activation = Activation.objects.create(kind=ActivationKind.FIRST, release=release)
    _go_live(activation, events.RELEASE_ACTIVATED, None, kind=activation.kind)


def propose(release: Release, by: Steward, inputs: int = comparison.INPUTS) -> Proposal:
    """Propose that a release go live, with the report of what that changes for the latest inputs.

    Raises
    ------
    NotEntitled, StepRefused
    ReleaseUnavailable
        When it cannot be opened.
    """
    _require(may_manage, by, _("{person} is not one of those who propose a release."))
    _refuse(why_not(release, ReleaseState.LIVE))
    against = current_activation()
    # Reading takes a while and locks nothing: if another release goes live meanwhile, the proposal is stale.
    report = comparison.compare(release, against.release if against else None, inputs)
    with transaction.atomic():
        proposal = Proposal(release=release, against=against, proposed_by=by.person)
        proposal.report = seal_report(report, proposal.id)
        proposal.save(force_insert=True)
        digest = _digest(proposal.report)
        _record(events.RELEASE_PROPOSED, release, by, proposal=proposal.id, report_sha256=digest)
    return proposal


@transaction.atomic
def approve(proposal: Proposal, by: Steward) -> Activation:
    """Make a proposed release live; the one that was stays callable by its name.

    Raises
    ------
    NotEntitled, StepRefused
        When the approver is the proposer, or the proposal is not open any more.
    ReleaseUnavailable
        When it cannot be opened.
    """
    _require(may_approve, by, _("{person} is not one of those who approve a release."))
    _lock_all()
    proposal = Proposal.objects.select_related("release").get(pk=proposal.pk)
    _refuse(why_not_approve(proposal, by.person))
    releases.require_seal(proposal.release)
    activation = Activation.objects.create(
        kind=ActivationKind.APPROVED,
        release=proposal.release,
        follows=current_activation(),
        proposal=proposal,
        proposed_by=proposal.proposed_by,
        decided_by=by.person,
    )
    _go_live(
        activation,
        events.RELEASE_ACTIVATED,
        by,
        kind=activation.kind,
        proposal=proposal.id,
        proposed_by=proposal.proposed_by.id,
    )
    return activation


@transaction.atomic
def roll_back(leaving: Activation | None, by: Steward, reason: str) -> Activation:
    """Make the release live that was live before the one of this activation, at once.

    Raises
    ------
    NotEntitled, StepRefused
        When no reason is given, there is no release to return to, or another went live meanwhile: whoever
        asks twice rolls back once.
    ReleaseUnavailable
        When it cannot be opened.
    """
    _require(may_manage, by, _("{person} is not one of those who roll a release back."))
    _refuse("" if reason.strip() else _("A roll back needs a reason."))
    _lock_all()
    current = current_activation()
    _refuse("" if current == leaving else _("Another release went live meanwhile: look again."))
    target = roll_back_target(current)
    releases.require_seal(target.release)
    activation = Activation.objects.create(
        kind=ActivationKind.ROLLED_BACK,
        release=target.release,
        follows=current,
        returns_to=target,
        decided_by=by.person,
        reason=reason.strip(),
    )
    _go_live(activation, events.RELEASE_ROLLED_BACK, by, reason=activation.reason)
    return activation


def shadow(release: Release, by: Steward) -> None:
    """Let a release read every new prediction without answering anybody.

    Raises
    ------
    NotEntitled, StepRefused
    """
    _step(release, ReleaseState.SHADOW, events.RELEASE_SHADOWED, by)


def make_callable(release: Release, by: Steward) -> None:
    """End the shadow of a release: it answers those who name it.

    Raises
    ------
    NotEntitled, StepRefused
    """
    _step(release, ReleaseState.CALLABLE, events.RELEASE_MADE_CALLABLE, by)


def retire(release: Release, by: Steward) -> None:
    """Let a release answer nothing new. It still explains and replays what it answered.

    Raises
    ------
    NotEntitled, StepRefused
    """
    _step(release, ReleaseState.RETIRED, events.RELEASE_RETIRED, by)


@transaction.atomic
def quarantine(release: Release, reason: str) -> None:
    """Take a release out of use at once and raise the alarm."""
    _lock_all()
    release.refresh_from_db()
    if release.state == ReleaseState.QUARANTINED:
        return
    _change_state(release, ReleaseState.QUARANTINED)
    _record(events.RELEASE_QUARANTINED, release, None, reason=reason)
    releases.forget_live()
    logger.critical("Release %s is quarantined: %s", release, reason)


def handle_unopened(release: Release, error: Exception) -> None:
    """Quarantine a release whose pickled form is not what was sealed; one that is only away waits."""
    # Another key than the one it was sealed with is our mistake, as after a rotation without a restart.
    if isinstance(error, SealBroken) and error.reason != "wrong_key":
        quarantine(release, f"its pickled form cannot be trusted: {error}")
    else:
        logger.error("The pickled form of %s cannot be read; its readings wait: %s", release, error)


@transaction.atomic
def _step(release: Release, state: ReleaseState, event: str, by: Steward) -> None:
    _require(may_manage, by, _("{person} is not one of those who change the state of a release."))
    _lock_all()
    release.refresh_from_db()
    _refuse(why_not(release, state))
    _change_state(release, state)
    _record(event, release, by)


def _activation_before(current: Activation | None) -> Activation | None:
    """By the way the current release was approved: one that was rolled back from is never returned to."""
    while current and current.returns_to:
        current = current.returns_to
    return current and current.follows


def _lock_all() -> None:
    """One step at a time. Predictions, which refer to a release, are not held up."""
    list(Release.objects.select_for_update(no_key=True).order_by("id"))


def _go_live(activation: Activation, event: str, by: Steward | None, **facts: Any) -> None:
    before = Release.objects.filter(state=ReleaseState.LIVE).first()
    if before:
        _change_state(before, ReleaseState.CALLABLE)
    _change_state(activation.release, ReleaseState.LIVE)
    _record(event, activation.release, by, replaced=str(before) if before else None, **facts)
    releases.forget_live()


def _change_state(release: Release, state: ReleaseState) -> None:
    release.state = state
    release.state_changed_at = timezone.now()
    release.save(update_fields=["state", "state_changed_at"])


def _record(event: str, release: Release, by: Steward | None, **facts: Any) -> None:
    ledger.record(event, by, release=str(release), release_sha256=release.sha256, **facts)


def _require(may: Callable[[Person], bool], by: Steward, otherwise: str) -> None:
    if not may(by.person):
        raise NotEntitled(otherwise.format(person=by.person))


def _refuse(reason: str) -> None:
    if reason:
        raise StepRefused(reason)


def _digest(report: dict[str, Any]) -> str:
    return hashlib.sha256(ledger.canonical_json(report)).hexdigest()
