"""The page of the formats, and the sample files that it offers."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.actors import Actor
from predictions.formats import BINARY, formats, sample_of
from predictions.views import for_members


@require_safe
@for_members
def list_formats(request: HttpRequest, actor: Actor) -> HttpResponse:  # noqa: ARG001 - every member may
    """What each format is, how it is recognised, and what is asked."""
    return render(request, "predictions/formats.html", {"formats": formats()})


@require_safe
@for_members
def download_sample(request: HttpRequest, actor: Actor, code: str) -> HttpResponse:  # noqa: ARG001
    """The file that shows a format."""
    sample = sample_of(code)
    if sample is None:
        raise Http404
    return HttpResponse(sample.content, content_type=BINARY, headers=sample.headers)
