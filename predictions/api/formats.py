"""The formats that are read, for systems."""

from django.http import Http404, HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from predictions.api.views import ApiView
from predictions.formats import BINARY, format_facts, sample_of


class FormatsView(ApiView):
    """`GET /api/v1/formats`: what each format is; for any key."""

    def get(self, request: Request) -> Response:  # noqa: ARG002 - Django's signature
        return Response({"formats": list(format_facts())})


class FormatSampleView(ApiView):
    """`GET /api/v1/formats/{code}/sample`: the file that shows a format; for any key."""

    def get(self, request: Request, code: str) -> HttpResponse:  # noqa: ARG002 - Django's signature
        sample = sample_of(code)
        if sample is None:
            raise Http404
        return HttpResponse(sample.content, content_type=BINARY, headers=sample.headers)
