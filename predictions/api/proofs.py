"""Proofs of the audit trail for systems."""

from typing import Any
from uuid import UUID

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import receipts
from predictions import disclosure
from predictions.api.views import ApiView

READ = {"GET": "read", "HEAD": "read", "OPTIONS": "read"}


class ReceiptView(ApiView):
    """`GET /api/v1/predictions/{id}/receipt`: what proves to a third party that it stands in the trail."""

    scopes = READ

    def get(self, request: Request, prediction_id: UUID) -> Response:  # noqa: ARG002 - Django's signature
        return Response(disclosure.disclose_receipt(self.actor, prediction_id))


class CheckpointView(ApiView):
    """`GET /api/v1/ledger/checkpoint`: the latest signed root, and the keys that it is signed with."""

    scopes = READ

    def get(self, request: Request) -> Response:  # noqa: ARG002 - Django's signature
        return Response(receipts.latest_root())


class ConsistencyView(ApiView):
    """`GET /api/v1/ledger/consistency?first=SIZE&second=SIZE`: nothing before was changed since."""

    scopes = READ

    def get(self, request: Request) -> Response:
        return Response(receipts.prove_growth(_size(request, "first"), _size(request, "second")))


def _size(request: Request, name: str) -> int:
    text: Any = request.query_params.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < len(str(2**63))):
        raise ValidationError(f"{name} has to be the size of a checkpoint: a whole number.")
    return int(text)
