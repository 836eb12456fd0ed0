"""The audit trail in Django admin: searched, read and exported, never added to, changed or deleted."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from accounts import (
    anchorings,
    audit_charts,
    event_display,
    events,
    finding_words,
    protection,
    receipts,
    timeline,
    verification_runs,
)
from accounts.actors import audited_organisations
from accounts.admission import prove_before_export
from accounts.audit_export import FORMATS, MOST_EVENTS
from accounts.audit_search import EventSearchForm, filled_in
from accounts.models import Event, Organisation, Person, Verification
from accounts.timeline import Scope, Search
from accounts.visits import record_visit

SHOWN_VERIFICATIONS = 20
TOO_BROAD = _(
    "These criteria together would take too long to search. Give a shorter time, "
    "or export: that takes as long as it needs."
)


@admin.register(Event)
class EventAdmin(admin.ModelAdmin):
    """Auditors and administrators see what concerns their organisations, the superuser everything."""

    def get_urls(self) -> list[URLPattern]:
        """These pages, and none of Django's that add, change or delete."""
        pages = (
            ("", require_safe(self.list_events), "changelist"),
            ("search/", require_POST(self.search), "search"),
            ("export/<slug:name>/", require_POST(self.export), "export"),
            ("<uuid:event_id>/change/", require_safe(self.show_event), "change"),
            ("<uuid:event_id>/receipt/", require_safe(self.show_receipt), "receipt"),
            ("charts/", require_safe(self.show_charts), "charts"),
            ("verifications/", require_safe(self.list_verifications), "verifications"),
            ("verifications/ask/", require_POST(self.ask_for_verification), "verify"),
            ("verifications/<uuid:verification_id>/", require_safe(self.show_verification), "verification"),
        )
        return [
            path(address, self.admin_site.admin_view(view), name=f"accounts_event_{name}")
            for address, view, name in pages
        ]

    def search(self, request: HttpRequest) -> HttpResponse:
        """Turn a search into the address of a list that names neither the case nor the person."""
        form = EventSearchForm(_organisations_of(request), request.POST)
        if not form.is_valid():
            page = timeline.Page([], has_older=False, has_newer=False)
            return self._timeline(request, form, {}, page, status=422)
        return redirect(f"{reverse('admin:accounts_event_changelist')}?{urlencode(form.as_search())}")

    def list_events(self, request: HttpRequest) -> HttpResponse:
        """One page of the timeline."""
        organisations = _organisations_of(request)
        turn = {name: request.GET[name] for name in ("before", "after") if name in request.GET}
        search = _search_of(request, *turn)
        try:
            page = timeline.find_page(_scope_of(request), search, **_turn_of(turn))
        except timeline.SearchTooBroad:
            self.message_user(request, TOO_BROAD, "warning")
            page = timeline.Page([], has_older=False, has_newer=False)
        record_visit(request, events.AUDIT_LISTED, search=search, **turn)
        return self._timeline(request, filled_in(search, organisations), search, page)

    def _timeline(
        self,
        request: HttpRequest,
        form: EventSearchForm,
        search: Search,
        page: timeline.Page,
        status: int = 200,
    ) -> HttpResponse:
        context = {
            "form": form,
            "most_events": number_format(MOST_EVENTS, use_l10n=True, force_grouping=True),
            "search": search,
            "query": urlencode(search),
            "formats": FORMATS,
            "page": page,
            "rows": [event_display.row_of(event) for event in page.events],
        }
        return self._page(request, "timeline", gettext("Audit trail"), context, status)

    def export(self, request: HttpRequest, name: str) -> HttpResponseBase:
        """What the search of the address finds, as a file that is written while it is sent."""
        scope, search, form = _scope_of(request), _search_of(request), FORMATS.get(name)
        if form is None:
            raise Http404
        if asked := prove_before_export(request):
            return asked
        record_visit(request, events.AUDIT_EXPORTED, search=search, form=name)
        found = timeline.each_event(scope, search, MOST_EVENTS + 1)
        filename = f"audit-{timezone.now():%Y%m%dT%H%M%SZ}.{form.extension}"
        return StreamingHttpResponse(
            form.write(found),
            content_type=form.content_type,
            headers={"Content-Disposition": f'attachment; filename="{filename}"'},
        )

    def show_event(self, request: HttpRequest, event_id: UUID) -> HttpResponse:
        """Everything that is known of one event."""
        event = _find_event(request, event_id)
        receipt = _find_receipt(event)
        record_visit(request, events.AUDIT_READ, event=event_id)
        context = {
            "event": event,
            "row": event_display.row_of(event),
            "body": event_display.body_words(event),
            "leaf": bytes(event.leaf).hex(),
            "receipt": receipt,
            "anchorings": anchorings.first_anchorings(receipt["index"]) if receipt else [],
        }
        return self._page(request, "event", gettext("Audit event"), context)

    def show_receipt(self, request: HttpRequest, event_id: UUID) -> HttpResponse:
        """The proof that one event is sealed, as a file for somebody else to check."""
        receipt = _find_receipt(_find_event(request, event_id))
        if receipt is None:
            raise Http404
        record_visit(request, events.AUDIT_READ, event=event_id, form="receipt")
        disposition = {"Content-Disposition": f'attachment; filename="receipt-{event_id}.json"'}
        return JsonResponse(receipt, headers=disposition)

    def show_charts(self, request: HttpRequest) -> HttpResponse:
        """Predictions and refusals of the last months."""
        scope, today = _scope_of(request), timezone.now().date()
        record_visit(request, events.AUDIT_CHARTED)
        context = {
            "volume": audit_charts.volume(scope, today),
            "reasons": audit_charts.reasons(scope, today),
            "reason_days": audit_charts.REASON_DAYS,
        }
        return self._page(request, "charts", gettext("Charts of the audit trail"), context)

    def list_verifications(self, request: HttpRequest) -> HttpResponse:
        """The latest verifications, and the button that asks for one."""
        _scope_of(request)
        latest = Verification.objects.select_related("asked_by")[:SHOWN_VERIFICATIONS]
        context = {"verifications": latest, "protection": protection.told_by_worker()}
        return self._page(request, "verifications", gettext("Verifications"), context)

    def ask_for_verification(self, request: HttpRequest) -> HttpResponse:
        """Have a worker verify the trail, unless one is at it already."""
        _scope_of(request)
        assert isinstance(request.user, Person)  # noqa: S101 - the admin saw to it
        with transaction.atomic():
            verification = verification_runs.ask(request.user)
            record_visit(request, events.AUDIT_VERIFICATION_ASKED, verification=verification.id)
        return redirect("admin:accounts_event_verification", verification.id)

    def show_verification(self, request: HttpRequest, verification_id: UUID) -> HttpResponse:
        """How far a verification is, on a page that asks again by itself; or what it found."""
        _scope_of(request)
        verification = get_object_or_404(Verification.objects.select_related("asked_by"), id=verification_id)
        if verification.has_ended:
            record_visit(request, events.AUDIT_VERIFICATION_READ, verification=verification_id)
        found = [(finding, *finding_words.words_of(finding["kind"])) for finding in verification.findings]
        context = {"verification": verification, "findings": found, "most": verification_runs.MOST_FINDINGS}
        page = self._page(request, "verification", gettext("Verification"), context)
        if not verification.has_ended:
            page["Refresh"] = "3"  # browsers heed it as they do the element of HTML
        return page

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:  # noqa: ARG002
        return _is_superuser(request) or bool(_audited_by(request))

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:  # noqa: ARG002
        return False

    def _page(
        self, request: HttpRequest, page: str, title: str, context: dict[str, Any], status: int = 200
    ) -> HttpResponse:
        context |= {**self.admin_site.each_context(request), "opts": self.opts, "title": title}
        return TemplateResponse(request, f"admin/accounts/event/{page}.html", context, status=status)


def _is_superuser(request: HttpRequest) -> bool:
    return isinstance(request.user, Person) and request.user.is_active and request.user.is_superuser


def _audited_by(request: HttpRequest) -> list[Organisation]:
    if not isinstance(request.user, Person) or not request.user.is_active:
        return []
    return audited_organisations(request.user)


def _organisations_of(request: HttpRequest) -> list[Organisation]:
    """Those whose events this visitor may search; whoever may search none has no business here."""
    if _is_superuser(request):
        return list(Organisation.objects.all())
    organisations = _audited_by(request)
    if not organisations:
        raise PermissionDenied
    return organisations


def _scope_of(request: HttpRequest) -> Scope:
    if _is_superuser(request):
        return None
    return frozenset(organisation.id for organisation in _organisations_of(request))


def _search_of(request: HttpRequest, *others: str) -> Search:
    """The search in the address, where only some other names may stand besides."""
    query = {name: request.GET[name] for name in request.GET if name not in others}
    try:
        return timeline.read_search(query)
    except timeline.SearchUnreadable as error:
        raise BadRequest(f"No page of ours searches so: {error}") from None


def _turn_of(turn: dict[str, str]) -> dict[str, UUID]:
    """Next to which event the page is."""
    try:
        return {name: UUID(text) for name, text in turn.items()}
    except ValueError:
        raise BadRequest("No event has such an identifier") from None


def _find_event(request: HttpRequest, event_id: UUID) -> Event:
    event = timeline.find_event(_scope_of(request), event_id)
    if event is None:
        raise Http404
    return event


def _find_receipt(event: Event) -> dict[str, Any] | None:
    """The proof that an event is sealed; nothing while it is not."""
    try:
        return receipts.make_receipt(event)
    except receipts.NotSealed:
        return None
