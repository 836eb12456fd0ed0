"""A result out: whether this reader may see it, and the record that they did."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts import ledger, receipts
from accounts.actors import Actor
from predictions import events, selectors
from predictions.case_history import Entry, history_of
from predictions.cases import facts_of_event
from predictions.facts import Facts, facts_of
from predictions.models import Prediction
from predictions.selectors import Wanted


@dataclass(frozen=True)
class Disclosed:
    """A prediction, its facts, and those of its case, newest first."""

    prediction: Prediction
    facts: Facts
    history: tuple[Entry, ...]


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
    _record_disclosure(prediction, actor)
    return facts


@transaction.atomic
def disclose_with_history(actor: Actor, prediction_id: UUID) -> Disclosed:
    """The facts with the other predictions of the case; the audit event names them all.

    Raises what `disclose` raises.
    """
    prediction = selectors.find_prediction(actor, prediction_id)
    history = history_of(prediction)
    others = [entry.id for entry in history if entry.id != prediction.id]
    disclosed = Disclosed(prediction, facts_of(prediction), history)
    _record_disclosure(prediction, actor, **({"of_the_same_case": others} if others else {}))
    return disclosed


def _record_disclosure(prediction: Prediction, actor: Actor, **also: list[UUID]) -> None:
    ledger.record(
        events.PREDICTION_DISCLOSED,
        actor,
        **facts_of_event(prediction),
        **also,
    )


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
def disclose_list(actor: Actor, wanted: Wanted) -> tuple[list[Prediction], UUID | None]:
    """A page of the organisation's predictions, and an audit event that this actor saw it.

    Looking for a case is on record also where nothing is found.
    """
    rows, following = selectors.page_of_predictions(actor, wanted)
    case = ledger.case_facts(actor.organisation.id, wanted.case_reference)
    if rows or case:
        seen = {"newest": rows[0].id, "oldest": rows[-1].id} if rows else {}
        ledger.record(events.PREDICTIONS_LISTED, actor, count=len(rows), **seen, **case)
    return rows, following
