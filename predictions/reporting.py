"""A report out: typeset, its digest on record, and the record that this reader took it."""

import base64
import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import get_language

from accounts import ledger, receipts
from accounts.actors import Actor
from predictions import events, report_document, selectors
from predictions.cases import facts_of_event
from predictions.exceptions import ReportDiffers
from predictions.facts import facts_of
from predictions.models import Prediction
from predictions.report_contents import Contents, contents_of
from predictions.report_records import MadeReport


@dataclass(frozen=True)
class Report:
    """A report as a file. Its name tells nothing of the patient."""

    prediction_id: UUID
    pdf: bytes

    @property
    def digest(self) -> bytes:
        """The SHA-256 of the file."""
        return hashlib.sha256(self.pdf).digest()

    @property
    def headers(self) -> dict[str, str]:
        """Its name and its digest (RFC 9530) for whoever fetches it."""
        return {
            "Content-Disposition": f'attachment; filename="report-{self.prediction_id}.pdf"',
            "Repr-Digest": f"sha-256=:{base64.b64encode(self.digest).decode()}:",
        }


@transaction.atomic
def disclose_report(actor: Actor, prediction_id: UUID, absolute: Callable[[str], str]) -> Report:
    """The report of one prediction as it stands now, and an audit event that this actor took it.

    `absolute` makes a whole address of a path. What was never made before is put on record first.

    Raises
    ------
    PredictionNotFound
        When the actor's organisation has no such prediction.
    CaseErased
        When nothing of it can be read any more.
    ReleaseUnavailable
        When the manifest of its release cannot be opened.
    ReportDiffers
        When the same was set before and gave other bytes.
    """
    prediction = selectors.find_prediction(actor, prediction_id)
    contents = _contents(prediction, absolute)
    report = Report(prediction.id, report_document.typeset(contents, prediction.created_at))
    _keep_digest(prediction, contents, report, actor)
    ledger.record(
        events.REPORT_DISCLOSED,
        actor,
        sha256=report.digest.hex(),
        **facts_of_event(prediction),
    )
    return report


def _contents(prediction: Prediction, absolute: Callable[[str], str]) -> Contents:
    event = prediction.event
    path = reverse("receipt", args=[event.id, bytes(event.leaf).hex()])
    return contents_of(
        prediction,
        facts_of(prediction),
        receipts.first_receipt(event),
        absolute(path),
        ledger.keyed_digest("report number", prediction.id.bytes)[:32],
    )


def _keep_digest(prediction: Prediction, contents: Contents, report: Report, actor: Actor) -> None:
    """The first time that this is set: a row, and the event that whoever holds the report can be shown."""
    digest = ledger.keyed_digest("report contents", ledger.canonical_json(contents))
    set_before = MadeReport.objects.filter(contents_digest=digest, template=report_document.template())
    with suppress(IntegrityError), transaction.atomic():  # another request may have made it meanwhile
        if not set_before.exists():
            _record(prediction, digest, report, actor)
    if set_before.get().sha256 != report.digest.hex():
        raise ReportDiffers(prediction.id)


def _record(prediction: Prediction, contents_digest: str, report: Report, actor: Actor) -> None:
    language, template = get_language() or "", report_document.template()
    entry = ledger.record(
        events.REPORT_MADE,
        actor,
        sha256=report.digest.hex(),
        template=template,
        language=language,
        **facts_of_event(prediction),
    )
    MadeReport.objects.create(
        prediction=prediction,
        template=template,
        language=language,
        contents_digest=contents_digest,
        sha256=report.digest.hex(),
        made_at=entry.recorded_at,
        event_id=entry.id,
    )
