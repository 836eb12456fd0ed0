"""Releases and their cards for systems."""

from typing import Any

from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from predictions.api.views import ApiView
from predictions.documents import as_markdown
from predictions.model_card.document import document_of
from predictions.model_card.gathering import all_releases, as_json, card_of, release_facts


class MarkdownRenderer(BaseRenderer):
    """A text that is Markdown already."""

    media_type = "text/markdown"
    format = "markdown"
    charset = "utf-8"

    def render(self, data: Any, *_framework: Any) -> str:
        return str(data)


class ModelsView(ApiView):
    """`GET /api/v1/models`: every release on record, newest first."""

    scopes = {"GET": "read", "HEAD": "read", "OPTIONS": "read"}

    def get(self, request: Request) -> Response:  # noqa: ARG002 - Django's signature
        return Response({"models": [release_facts(listed.release) for listed in all_releases()]})


class CardView(ApiView):
    """`GET /api/v1/models/{name}/{version}/card`: as JSON, or as Markdown where that is asked for."""

    scopes = {"GET": "read", "HEAD": "read", "OPTIONS": "read"}
    renderer_classes = [JSONRenderer, MarkdownRenderer]

    def get(self, request: Request, name: str, version: str) -> Response:
        card = card_of(name, version)
        if request.accepted_renderer.format == MarkdownRenderer.format:
            return Response(as_markdown(document_of(card)))
        return Response(as_json(card))
