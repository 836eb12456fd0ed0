"""The steps that people take with a release in Django admin: button, question, who may, and what it does."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.shortcuts import get_object_or_404
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.actors import Steward
from accounts.models import Person
from predictions import comparison, lifecycle
from predictions.exceptions import StepRefused
from predictions.models import Activation, Proposal, Release, ReleaseState

MOST_INPUTS = 2_000


class StepForm(forms.Form):
    """Nothing but the button."""


class ProposalForm(StepForm):
    """How many of the latest inputs the proposed release is compared on."""

    inputs = forms.IntegerField(
        label=_("Latest inputs to compare"), min_value=1, max_value=MOST_INPUTS, initial=comparison.INPUTS
    )


class ApprovalForm(StepForm):
    """The proposal that was read: a newer one is not approved by accident."""

    proposal = forms.UUIDField(widget=forms.HiddenInput)


class RollBackForm(StepForm):
    """Why, and from which activation: whoever asks twice rolls back once."""

    leaving = forms.UUIDField(widget=forms.HiddenInput)
    reason = forms.CharField(label=_("Reason, kept in the audit trail"), max_length=300)


@dataclass(frozen=True)
class Step:
    """One step that a person may take with a release: its button, its page, who may, and what it does."""

    slug: str
    label: Promise
    says: Promise
    may: Callable[[Person], bool]
    why_not: Callable[[Release, Person], str]
    take: Callable[[Release, Steward, dict[str, Any]], object]
    done: Promise
    form: type[StepForm] = StepForm
    # Whether a proof from before is enough: what ends harm does not wait for a password to be found.
    is_urgent: bool = False

    def is_open(self, release: Release, person: Person) -> bool:
        """Whether this person sees the button."""
        return self.may(person) and not self.why_not(release, person)


def _why_not(state: ReleaseState) -> Callable[[Release, Person], str]:
    return lambda release, _person: lifecycle.why_not(release, state)


def _why_not_approve(release: Release, person: Person) -> str:
    try:
        return lifecycle.why_not_approve(lifecycle.latest_proposal(release), person)
    except StepRefused as refusal:
        return str(refusal)


def _why_not_roll_back(release: Release, _person: Person) -> str:
    current = lifecycle.current_activation()
    if current is None or current.release != release:
        return gettext("{release} is not the release that went live last.").format(release=release)
    try:
        lifecycle.roll_back_target(current)
    except StepRefused as refusal:
        return str(refusal)
    return ""


def _approve(_release: Release, by: Steward, given: dict[str, Any]) -> Activation:
    return lifecycle.approve(get_object_or_404(Proposal, id=given["proposal"]), by)


def _roll_back(_release: Release, by: Steward, given: dict[str, Any]) -> Activation:
    return lifecycle.roll_back(get_object_or_404(Activation, id=given["leaving"]), by, given["reason"])


STEPS = (
    Step(
        "propose",
        _("Propose"),
        _(
            "It is read with the latest inputs next to the live release, and somebody else decides on the "
            "report."
        ),
        lifecycle.may_manage,
        _why_not(ReleaseState.LIVE),
        lambda release, by, given: lifecycle.propose(release, by, given["inputs"]),
        _("{release} is proposed. Somebody else reads the report and approves it."),
        ProposalForm,
    ),
    Step(
        "approve",
        _("Approve"),
        _(
            "It goes live at once, for every organisation. The release that is live now stays callable by "
            "its name."
        ),
        lifecycle.may_approve,
        _why_not_approve,
        _approve,
        _("{release} is live."),
        ApprovalForm,
    ),
    Step(
        "roll-back",
        _("Roll back"),
        _("{target} was live before. It goes live again at once, for every organisation."),
        lifecycle.may_manage,
        _why_not_roll_back,
        _roll_back,
        _("Rolled back. {release} stays callable by its name: retire it if it is to answer nobody."),
        RollBackForm,
        is_urgent=True,
    ),
    Step(
        "shadow",
        _("Shadow"),
        _(
            "It reads every new prediction next to the release that answers. It answers nobody, not by its "
            "name either, and no clinician sees what it says."
        ),
        lifecycle.may_manage,
        _why_not(ReleaseState.SHADOW),
        lambda release, by, _given: lifecycle.shadow(release, by),
        _("{release} is a shadow now."),
    ),
    Step(
        "make-callable",
        _("Make callable"),
        _("It stops to read in the shadow and answers those who name it."),
        lifecycle.may_manage,
        _why_not(ReleaseState.CALLABLE),
        lambda release, by, _given: lifecycle.make_callable(release, by),
        _("{release} is callable by its name."),
    ),
    Step(
        "retire",
        _("Retire"),
        _("It answers nothing new. What it answered is still explained and replayed."),
        lifecycle.may_manage,
        _why_not(ReleaseState.RETIRED),
        lambda release, by, _given: lifecycle.retire(release, by),
        _("{release} is retired."),
    ),
)
BY_SLUG = {step.slug: step for step in STEPS}
