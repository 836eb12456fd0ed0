"""Who sees what: every read of predictions starts here, within one organisation."""

from uuid import UUID

from django.db.models import QuerySet

from accounts.actors import Actor
from predictions.exceptions import PredictionNotFound
from predictions.models import Prediction

PAGE = 50


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


def page_of_predictions(actor: Actor, before: UUID | None) -> tuple[list[Prediction], UUID | None]:
    """Up to 50 predictions older than `before`, and where the next page starts, if there is one.

    Pages follow the identifiers, which grow with time, so that a page costs the same however long the
    history is.
    """
    older = predictions_of(actor)
    if before:
        older = older.filter(id__lt=before)
    rows = list(older[: PAGE + 1])
    return rows[:PAGE], rows[PAGE - 1].id if len(rows) > PAGE else None
