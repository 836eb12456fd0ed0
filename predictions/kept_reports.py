"""Reports as they are kept with a proposal: risks of single predictions go with the key of their case."""

from typing import Any
from uuid import UUID

from accounts.row_scope import across_organisations
from predictions.comparison import Report
from predictions.models import Prediction, Proposal
from predictions.sealed_contents import open_contents, seal_contents


def seal_report(report: Report, proposal_id: UUID) -> Report:
    """The report with the risks of each single prediction sealed."""
    predictions = _predictions_in(report)
    return {**report, "worst": [_seal(row, predictions, proposal_id) for row in report["worst"]]}


def open_report(proposal: Proposal) -> Report:
    """The report that was kept; of a prediction whose case is erased there is only its identifier."""
    predictions = _predictions_in(proposal.report)
    worst = [_open(row, predictions, proposal.id) for row in proposal.report["worst"]]
    return {**proposal.report, "worst": worst}


@across_organisations()
def _predictions_in(report: Report) -> dict[UUID, Prediction]:
    named = [UUID(row["prediction"]) for row in report["worst"]]
    return Prediction.objects.readable().in_bulk(named)


def _seal(row: dict[str, Any], predictions: dict[UUID, Prediction], proposal_id: UUID) -> dict[str, str]:
    kept = {"prediction": row["prediction"]}
    if prediction := predictions.get(UUID(row["prediction"])):
        sealed = seal_contents(row, prediction.key, proposal_id, prediction.id, prediction.organisation_id)
        kept["sealed"] = sealed.hex()
    return kept


def _open(kept: dict[str, str], predictions: dict[UUID, Prediction], proposal_id: UUID) -> dict[str, Any]:
    prediction = predictions.get(UUID(kept["prediction"]))
    if prediction is None or "sealed" not in kept:
        return kept
    row = (proposal_id, prediction.id, prediction.organisation_id)
    opened: dict[str, Any] = open_contents(bytes.fromhex(kept["sealed"]), prediction.key, *row)
    return opened
