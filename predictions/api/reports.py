"""The report of a prediction for systems."""

from typing import Any
from uuid import UUID

from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from predictions.api.views import ApiView
from predictions.reporting import disclose_report


class PdfRenderer(BaseRenderer):
    """A file that is PDF already."""

    media_type = "application/pdf"
    format = "pdf"
    charset = None
    render_style = "binary"

    def render(self, data: Any, *_framework: Any) -> bytes:
        return bytes(data)


class ReportView(ApiView):
    """`GET /api/v1/predictions/{id}/report`: the report as PDF."""

    scopes = {"GET": "read", "HEAD": "read", "OPTIONS": "read"}
    renderer_classes = [PdfRenderer]

    def get(self, request: Request, prediction_id: UUID) -> Response:
        report = disclose_report(self.actor, prediction_id, request.build_absolute_uri)
        return Response(report.pdf, headers=report.headers)
