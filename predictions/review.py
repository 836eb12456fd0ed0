"""What people decide about a result, and whether a page about it may be handed to the patient.

Every review is a row of its own; of each person the latest verdict counts, and notes decide nothing. The
page for the patient opens when somebody agrees and nobody disagrees.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from uuid_utils.compat import uuid7

from accounts import ledger
from accounts.actors import Actor
from accounts.models import CaseKey, Event, Person
from ml_models.manifest import Cohort
from predictions import events, releases, selectors
from predictions.cases import facts_of_event
from predictions.exceptions import CaseErased, NotEntitled, StepRefused
from predictions.facts import Facts, facts_of, facts_of_status
from predictions.models import Prediction, ReleaseState, Review, Verdict
from predictions.sealed_contents import seal_contents


@dataclass(frozen=True)
class Entry:
    """One review as it is shown; `counts` unless the same person decided otherwise later."""

    person: Person
    verdict: Verdict
    text: str
    at: datetime
    counts: bool


@dataclass(frozen=True)
class Decision:
    """What was decided so far, newest first, and what this reader may do; empty reasons stand for yes."""

    entries: tuple[Entry, ...]
    why_no_review: str
    why_no_patient_page: str


def decision_of(actor: Actor, prediction: Prediction, facts: Facts) -> Decision:
    """The section "Your decision" of a result, of which the facts are being shown to this actor."""
    entries = entries_of(prediction)
    return Decision(
        entries=entries,
        why_no_review=_why_no_review(actor, prediction),
        why_no_patient_page=next(_why_no_patient_page(actor, prediction, facts, entries), ""),
    )


@transaction.atomic
def record_review(actor: Actor, prediction_id: UUID, verdict: Verdict, text: str) -> Review:
    """Put on record what a person decides about a result. The same twice in a row was one press too many.

    Raises
    ------
    NotEntitled, StepRefused
        When the result is disputed, or a reason is needed and not given.
    PredictionNotFound, CaseErased
    """
    person = _reviewer(actor)
    if person is None:
        raise NotEntitled(_not_entitled())
    prediction = selectors.find_prediction(actor, prediction_id)
    _lock(prediction)
    _refuse(_why_no_review(actor, prediction))
    _refuse("" if text or verdict == Verdict.AGREE else _("Give a reason, or write the note."))
    if latest := _same_as_before(prediction, person, verdict, text):
        return latest
    review_id = uuid7()
    row = (review_id, prediction.id, prediction.organisation_id)
    sealed = seal_contents(text, prediction.key, *row) if text else None
    entry = ledger.record(
        events.PREDICTION_REVIEWED,
        actor,
        review=review_id,
        verdict=verdict,
        **({"sealed_sha256": hashlib.sha256(sealed).hexdigest()} if sealed else {}),
        **facts_of_event(prediction),
    )
    return Review.objects.create(
        id=review_id,
        prediction=prediction,
        event=Event(id=entry.id, leaf=entry.leaf),
        person=person,
        verdict=verdict,
        sealed=sealed,
    )


@transaction.atomic
def show_to_patient(actor: Actor, prediction_id: UUID) -> tuple[Facts, Cohort]:
    """What the page for the patient is made of, and an audit event that it was shown.

    Raises
    ------
    StepRefused
        With the reason for which the page is closed.
    PredictionNotFound, CaseErased, ReleaseUnavailable
    """
    prediction = selectors.find_prediction(actor, prediction_id)
    facts = facts_of(prediction)
    _refuse(decision_of(actor, prediction, facts).why_no_patient_page)
    ledger.record(events.PREDICTION_SHOWN_TO_PATIENT, actor, **facts_of_event(prediction))
    return facts, releases.manifest_of(prediction.release).cohort


def entries_of(prediction: Prediction) -> tuple[Entry, ...]:
    """What was decided so far, newest first."""
    return tuple(_entries(reviews_of(prediction)))[::-1]


def reviews_of(prediction: Prediction) -> list[Review]:
    """All reviews of a prediction, oldest first."""
    reviews = (
        Review.objects.filter(prediction=prediction).select_related("person", "event").order_by("event_id")
    )
    for review in (found := list(reviews)):
        review.prediction = prediction  # it has the key
    return found


def _same_as_before(prediction: Prediction, person: Person, verdict: Verdict, text: str) -> Review | None:
    """The latest review of a person, if it says this already."""
    latest = next((found for found in reversed(reviews_of(prediction)) if found.person == person), None)
    return latest if latest and (latest.verdict, latest.text) == (verdict, text) else None


def _entries(reviews: list[Review]) -> Iterator[Entry]:
    latest = {review.person: review for review in reviews if review.verdict != Verdict.NOTE}
    for review in reviews:
        counts = review.verdict == Verdict.NOTE or latest[review.person] == review
        verdict = Verdict(review.verdict)
        yield Entry(review.person, verdict, review.text, review.event.recorded_at, counts)


def _why_no_review(actor: Actor, prediction: Prediction) -> str:
    if _reviewer(actor) is None:
        return _not_entitled()
    if facts_of_status(prediction)["status"] == "disputed":
        return _("The two readings of this panel differ, so there is no result to decide about.")
    return ""


def _why_no_patient_page(
    actor: Actor, prediction: Prediction, facts: Facts, entries: tuple[Entry, ...]
) -> Iterator[str]:
    if _reviewer(actor) is None:
        yield _not_entitled()
    if facts["status"] == "disputed":
        yield _("The two readings of this panel differ.")
    if not facts["terminal"]:
        yield _("The second reading has not confirmed the result yet.")
    if prediction.release.state == ReleaseState.QUARANTINED:
        yield _("The release of the model that read this panel was taken out of use.")
    if facts["applicability"]["state"] != "in_range":
        yield _("The sample is outside the data that the model learned from.")
    counting = {entry.verdict for entry in entries if entry.counts}
    if Verdict.DISAGREE in counting:
        yield _("Somebody disagrees with the result.")
    if Verdict.AGREE not in counting:
        yield _("It opens when somebody has reviewed the result and agrees with it.")


def _reviewer(actor: Actor) -> Person | None:
    """The person, if they are one of those who review: not an auditor, and not a system with a key."""
    return actor.person if actor.may_submit else None


def _not_entitled() -> str:
    return _("This is for the people who may ask for results; others read what they decided.")


def _lock(prediction: Prediction) -> None:
    """Reviews of a case come one after another, and nobody erases it meanwhile."""
    if not CaseKey.objects.select_for_update(no_key=True).filter(id=prediction.key.id).exists():
        raise CaseErased(prediction.key.id)


def _refuse(reason: str) -> None:
    if reason:
        raise StepRefused(reason)
