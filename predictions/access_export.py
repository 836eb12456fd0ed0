"""All that is held on a case, for whoever may ask what is known of them."""

from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts import ledger
from accounts.actors import Actor
from accounts.models import Event
from predictions import erasure, events
from predictions.cases import Case, predictions_of_case
from predictions.erasure_records import words_of_erasure
from predictions.models import Prediction, Review, ShadowReading
from predictions.review import reviews_of

Export = dict[str, Any]
DISCLOSURES = (
    events.PREDICTION_DISCLOSED,
    events.PREDICTION_COMPARED,
    events.PREDICTION_SHOWN_TO_PATIENT,
    events.REPORT_DISCLOSED,
)


@transaction.atomic
def export_case(case: Case, actor: Actor) -> Export:
    """Everything on one case as plain data, and an audit event that this actor took it.

    Of an erased case there is only what an erasure leaves.

    Raises
    ------
    NotEntitled
    CaseUnreadable
        When something that is not erased cannot be decrypted.
    """
    person = erasure.require_auditor(actor)
    made = list(predictions_of_case(case.organisation, case.key_id))
    digest = {"case_digest": case.digest} if case.digest else {}
    entry = ledger.record(events.CASE_EXPORTED, actor, case_key=case.key_id, predictions=len(made), **digest)
    recorded = [_event(event) for event in _events_of(case, made)]
    return {
        "format": 1,
        "exported_at": entry.recorded_at.isoformat(),
        "exported_by": str(person),
        "export_event": str(entry.id),
        "organisation": case.organisation.name,
        "case": {
            "reference": _reference(made),
            "key": str(case.key_id),
            "erased": None if case.is_readable else words_of_erasure(case.key_id),
        },
        "predictions": [_prediction(prediction) for prediction in made],
        "disclosures": [event for event in recorded if event["action"] in DISCLOSURES],
        "events": recorded,
    }


def _reference(made: list[Prediction]) -> str | None:
    """None where none was named, or the case is erased."""
    return next((row.case_reference or None for row in made if not row.is_erased), None)


def _events_of(case: Case, made: list[Prediction]) -> QuerySet[Event]:
    """By the digest of the reference, and by the predictions, of which some name no case."""
    concerned = Q(prediction_id__in=[prediction.id for prediction in made])
    if case.digest:
        concerned |= Q(case_digest=case.digest)
    every = Event.objects.filter(organisation=case.organisation).select_related("person", "api_key")
    return every.filter(concerned).order_by("id")


def _event(event: Event) -> dict[str, Any]:
    return {
        "id": str(event.id),
        "at": event.recorded_at.isoformat(),
        "action": event.action,
        "by": str(event.person or event.api_key or _("the system")),
        "prediction": str(event.prediction_id) if event.prediction_id else None,
    }


def _prediction(prediction: Prediction) -> dict[str, Any]:
    facts = {
        "id": str(prediction.id),
        "made_at": prediction.created_at.isoformat(),
        "release": str(prediction.release),
        "asked_by": str(prediction.person or prediction.api_key or _("command line")),
        "event": str(prediction.event_id),
        "input_sha256": prediction.input_sha256,
        "reviews": [_review(review) for review in reviews_of(prediction)],
    }
    if prediction.is_erased:
        return {**facts, "erased": True}
    readings = ShadowReading.objects.filter(prediction=prediction).select_related("release").order_by("id")
    return {
        **facts,
        "erased": False,
        **{name: prediction.contents[name] for name in ("sample_id", "age_years", "panel", "result")},
        "shadow_readings": [_reading(reading, prediction) for reading in readings],
    }


def _review(review: Review) -> dict[str, Any]:
    return {
        "at": review.event.recorded_at.isoformat(),
        "by": str(review.person),
        "verdict": review.verdict,
        "text": None if review.prediction.is_erased else review.text,
    }


def _reading(reading: ShadowReading, prediction: Prediction) -> dict[str, Any]:
    reading.prediction = prediction  # it has the key
    return {
        "release": str(reading.release),
        "read_at": reading.read_at.isoformat(),
        "refused": reading.refused or None,
        "result": reading.result,
    }
