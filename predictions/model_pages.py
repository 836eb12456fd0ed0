"""The pages of the releases: which there are, and the card of each."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.http import require_safe

from accounts.actors import Actor
from predictions.documents import as_markdown
from predictions.exceptions import ReleaseUnavailable, UnknownRelease
from predictions.model_card.document import document_of
from predictions.model_card.gathering import Card, all_releases, card_of
from predictions.model_card.origin import releases_table
from predictions.views import for_members


@require_safe
@for_members
def list_models(request: HttpRequest, actor: Actor) -> HttpResponse:  # noqa: ARG001 - every member may
    """All releases with their state and main figures."""
    table = releases_table(_("Newest first; figures of the fit without age, 95 % interval"), all_releases())
    return render(request, "predictions/models.html", {"table": table})


@require_safe
@for_members
def show_card(request: HttpRequest, actor: Actor, name: str, version: str) -> HttpResponse:  # noqa: ARG001
    """The card of one release, or that it cannot be read."""
    try:
        card = _find(name, version)
    except ReleaseUnavailable:
        asked = {"name": name, "version": version}
        return render(request, "predictions/model_card_unreadable.html", asked, status=503)
    context = {"release": card.release, "document": document_of(card)}
    return render(request, "predictions/model_card.html", context)


@require_safe
@for_members
def download_card(request: HttpRequest, actor: Actor, name: str, version: str) -> HttpResponse:  # noqa: ARG001
    """The card of one release as a Markdown file."""
    card = _find(name, version)
    filename = f"{card.release.name}-{card.release.version}.md"
    with override(settings.LANGUAGE_CODE):  # the file is the API's, byte by byte
        text = as_markdown(document_of(card))
    return HttpResponse(
        text,
        content_type="text/markdown; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{filename}"',
            "Content-Language": settings.LANGUAGE_CODE,
        },
    )


def _find(name: str, version: str) -> Card:
    try:
        return card_of(name, version)
    except UnknownRelease:
        raise Http404 from None
