"""What is held on a case, without a value of it: found by its reference, by a prediction, or by its key."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Max, Min, QuerySet

from accounts import ledger
from accounts.actors import Actor
from accounts.models import CaseKey, Organisation
from predictions import events
from predictions.erasure_records import ErasureDecision
from predictions.models import Prediction


@dataclass(frozen=True)
class Case:
    """How much there is on one case of an organisation, and whether it can be read."""

    key_id: UUID
    organisation: Organisation
    digest: str | None
    predictions: int
    first: datetime
    last: datetime
    releases: tuple[str, ...]
    erased_by: ErasureDecision | None
    is_readable: bool


def find_cases(actor: Actor, text: str) -> list[Case]:
    """The cases of an organisation with this reference, erased ones too, or that of the prediction so named.

    The search is on record, with the digest of what was looked for.
    """
    digest = ledger.case_digest(actor.organisation.id, text)
    own = {"organisation": actor.organisation}
    key_ids = {
        *CaseKey.objects.filter(**own, case_digest=digest).values_list("id", flat=True),
        *ErasureDecision.objects.erasing()
        .filter(**own, case_digest=digest)
        .values_list("case_key_id", flat=True),
        *_key_of_prediction(actor.organisation, text),
    }
    ledger.record(events.CASE_FOUND, actor, case_digest=digest, found=len(key_ids))
    return [case for key_id in sorted(key_ids) if (case := find_case(actor.organisation, key_id))]


def find_case(organisation: Organisation, key_id: UUID) -> Case | None:
    """The case of this key, if the organisation has predictions under it."""
    made = predictions_of_case(organisation, key_id)
    found = made.order_by().aggregate(count=Count("id"), first=Min("created_at"), last=Max("created_at"))
    if not found["count"]:
        return None
    key = CaseKey.objects.filter(id=key_id).first()
    decision = ErasureDecision.objects.erasing().filter(case_key_id=key_id).first()
    return Case(
        key_id=key_id,
        organisation=organisation,
        digest=decision.case_digest if decision else getattr(key, "case_digest", None),
        predictions=found["count"],
        first=found["first"],
        last=found["last"],
        releases=tuple(sorted({str(prediction.release) for prediction in made})),
        erased_by=decision,
        is_readable=key is not None,
    )


def predictions_of_case(organisation: Organisation, key_id: UUID) -> QuerySet[Prediction]:
    """The predictions of one case, oldest first."""
    # To filter by the key itself would make Django's outer join with it an inner one, and lose erased ones.
    named = Prediction.objects.filter(organisation=organisation, case_key=key_id).values("id")
    related = ("case_key", "release", "person", "api_key", "organisation")
    return Prediction.objects.select_related(*related).filter(id__in=named).order_by("id")


def facts_of_event(prediction: Prediction) -> dict[str, Any]:
    """What every event about a prediction says of it: which it is, its release, and its case by digest."""
    return {
        "prediction": prediction.id,
        "release": str(prediction.release),
        **ledger.case_facts(prediction.organisation_id, prediction.case_reference),
    }


def _key_of_prediction(organisation: Organisation, text: str) -> list[UUID]:
    try:
        named = UUID(text)
    except ValueError:
        return []
    found = Prediction.objects.filter(organisation=organisation, id=named)
    return list(found.values_list("case_key", flat=True))
