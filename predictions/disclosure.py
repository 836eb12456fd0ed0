"""A result out: whether this reader may see it, and the record that they did."""

from typing import Any
from uuid import UUID

from django.db import transaction

from accounts import ledger, receipts
from accounts.actors import Actor
from predictions import events, selectors
from predictions.facts import Facts, facts_of
from predictions.models import Prediction


@transaction.atomic
def disclose(actor: Actor, prediction_id: UUID) -> Facts:
    """The facts of one prediction, and an audit event that this actor saw them.

    Raises
    ------
    PredictionNotFound
        When the actor's organisation has no such prediction.
    CaseErased
        When nothing of it can be read any more.
    ReleaseUnavailable
        When the manifest of its release cannot be opened.
    """
    prediction = selectors.find_prediction(actor, prediction_id)
    facts = facts_of(prediction)
    ledger.record(
        events.PREDICTION_DISCLOSED,
        actor,
        prediction=prediction.id,
        release=str(prediction.release),
        **ledger.case_facts(prediction.organisation.id, prediction.case_reference),
    )
    return facts


@transaction.atomic
def disclose_receipt(actor: Actor, prediction_id: UUID) -> dict[str, Any]:
    """The receipt of one prediction: its event, where that is in the tree, and the signed root.

    It holds no value of the patient and outlives an erasure.

    Raises
    ------
    PredictionNotFound
        When the actor's organisation has no such prediction.
    NotSealed
        When its event is not in the tree yet, which takes some seconds.
    """
    prediction = selectors.find_prediction(actor, prediction_id)
    receipt = receipts.make_receipt(prediction.event)
    ledger.record(events.RECEIPT_ISSUED, actor, prediction=prediction.id, release=str(prediction.release))
    return receipt


@transaction.atomic
def disclose_list(actor: Actor, before: UUID | None) -> tuple[list[Prediction], UUID | None]:
    """A page of the organisation's predictions, and an audit event that this actor saw it."""
    rows, following = selectors.page_of_predictions(actor, before)
    if rows:
        ledger.record(
            events.PREDICTIONS_LISTED, actor, newest=rows[0].id, oldest=rows[-1].id, count=len(rows)
        )
    return rows, following
