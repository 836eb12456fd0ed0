"""Who sees what: every read of predictions starts here, within one organisation."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from accounts import ledger
from accounts.actors import Actor
from accounts.moments import first_id_at
from predictions.exceptions import PredictionNotFound
from predictions.models import Prediction

PAGE = 50


@dataclass(frozen=True)
class Wanted:
    """Which predictions are asked for: all that is said holds of each; from `since` on, to before `until`."""

    case_reference: str = ""
    name: str = ""
    version: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: UUID | None = None


def predictions_of(actor: Actor) -> QuerySet[Prediction]:
    """The predictions of the organisation that the actor acts for, newest first."""
    return Prediction.objects.filter(organisation=actor.organisation).select_related(
        "case_key", "release", "person", "api_key", "organisation"
    )


def find_prediction(actor: Actor, prediction_id: UUID) -> Prediction:
    """One prediction of the actor's organisation.

    Raises
    ------
    PredictionNotFound
        When there is none; another organisation's is as good as none.
    """
    prediction = predictions_of(actor).select_related("event").filter(id=prediction_id).first()
    if prediction is None:
        raise PredictionNotFound
    return prediction


def page_of_predictions(actor: Actor, wanted: Wanted) -> tuple[list[Prediction], UUID | None]:
    """Up to 50 of the predictions that are wanted, and where the next page starts, if there is one.

    Pages follow the identifiers, which grow with time, so that a page costs the same however long the
    history is. What was made under a case whose key was erased is not found by its reference.
    """
    rows = list(_found(actor, wanted)[: PAGE + 1])
    return rows[:PAGE], rows[PAGE - 1].id if len(rows) > PAGE else None


def _found(actor: Actor, wanted: Wanted) -> QuerySet[Prediction]:
    found = predictions_of(actor)
    if wanted.case_reference:
        digest = ledger.case_digest(actor.organisation.id, wanted.case_reference)
        found = found.filter(case_key__case_digest=digest, case_key__organisation=actor.organisation)
    exact = {"release__name": wanted.name, "release__version": wanted.version}
    bounds = {
        "id__lt": min(filter(None, (wanted.before, _id_at(wanted.until))), default=None),
        "id__gte": _id_at(wanted.since),
    }
    return found.filter(**{name: value for name, value in (exact | bounds).items() if value})


def _id_at(time: datetime | None) -> UUID | None:
    return first_id_at(time) if time else None
