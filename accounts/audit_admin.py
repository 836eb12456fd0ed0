"""The audit trail in Django admin: searched and read, never added to, changed or deleted."""

import json
from datetime import date, datetime, time, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts import events, ledger
from accounts.actors import audited_organisations, facts_of_person
from accounts.addresses import normal_address, validate_ascii
from accounts.models import Event, Organisation, Person
from accounts.moments import first_id_at
from accounts.network import facts_of_request

ACTION = "[a-z_.]{1,60}"
RELEASE = r"[a-z0-9-]{1,64} [0-9.]{1,30}"
FIRST_ID = r"[0-9a-f]{8}-[0-9a-f]{4}-0000-0000-000000000000"
DIGEST = "[0-9a-f]{64}"
NOBODY = UUID(int=0)
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2999, 12, 30)


def _day(label: str) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        validators=[MinValueValidator(FIRST_DAY), MaxValueValidator(LAST_DAY)],
    )


class EventSearchForm(forms.Form):
    """What an auditor looks for. Sent by POST: a case reference does not belong in an address."""

    case = forms.CharField(label="Case reference", required=False, max_length=100)
    person = forms.EmailField(label="Person (e-mail address)", required=False, validators=[validate_ascii])
    release = forms.RegexField(f"^{RELEASE}$", label="Release (name version)", required=False)
    action = forms.RegexField(f"^{ACTION}$", label="Action", required=False)
    since = _day("From (UTC)")
    until = _day("Up to (UTC)")

    def as_query(self, organisations: list[Organisation]) -> dict[str, str]:
        """The lookups of the list that this search stands for; the case only as its keyed digest."""
        wanted = self.cleaned_data
        digests = [ledger.case_digest(organisation.id, wanted["case"]) for organisation in organisations]
        query = {
            "case_digest__in": ",".join(digests) if wanted["case"] else "",
            "person__id__exact": _id_of(wanted["person"]),
            "release__iexact": wanted["release"],
            "action__icontains": wanted["action"],
            "id__gte": _first_id(wanted["since"]),
            "id__lt": _first_id(wanted["until"] and wanted["until"] + timedelta(days=1)),
        }
        return {lookup: value for lookup, value in query.items() if value}


@admin.register(Event)
class EventAdmin(admin.ModelAdmin):
    """Auditors and administrators see what concerns their organisations, the superuser everything."""

    list_display = ("when", "action", "who", "release", "prediction_id", "organisation")
    list_display_links = ("when", "action")
    list_select_related = ("person", "api_key", "organisation")
    list_per_page = 50
    show_full_result_count = False
    ordering = ("-id",)
    fields = (
        "id", "when", "action", "organisation", "person", "api_key", "release", "prediction_id",
        "case_digest", "decoded_body",
    )  # fmt: skip
    readonly_fields = fields
    known_lookups = {
        "case_digest__in": f"{DIGEST}(,{DIGEST})*",
        "person__id__exact": "[0-9a-f-]{36}",
        "release__iexact": RELEASE,
        "action__icontains": ACTION,
        "id__gte": FIRST_ID,
        "id__lt": FIRST_ID,
    }

    def get_urls(self) -> list[URLPattern]:
        search = path("search/", self.admin_site.admin_view(self.search), name="accounts_event_search")
        return [search, *super().get_urls()]

    def search(self, request: HttpRequest) -> HttpResponse:
        """Turn a search into the address of a list that names neither the case nor the person."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        address = reverse("admin:accounts_event_changelist")
        form = EventSearchForm(request.POST)
        if not form.is_valid():
            self.message_user(request, f"The search could not be read: {_errors_of(form)}", "error")
            return redirect(address)
        return redirect(f"{address}?{urlencode(form.as_query(_organisations_of(request)))}")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"search_form": EventSearchForm(), "title": "Audit trail", **(extra_context or {})}
        page = super().changelist_view(request, context)
        if page.status_code == HTTPStatus.OK:
            search = {name: request.GET[name] for name in self.known_lookups if name in request.GET}
            _record(request, events.AUDIT_LISTED, search=search)
        return page

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        page = super().change_view(request, object_id, form_url, extra_context)
        if page.status_code == HTTPStatus.OK:
            _record(request, events.AUDIT_READ, event=object_id)
        return page

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        every = super().get_queryset(request)
        if _is_superuser(request):
            return every
        # A release belongs to no organisation: what happens to it concerns all of them.
        of_releases = Q(organisation=None, action__startswith="release.")
        return every.filter(of_releases | Q(organisation__in=_organisations_of(request)))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:  # noqa: ARG002
        return _is_superuser(request) or bool(_organisations_of(request))

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:  # noqa: ARG002
        return False

    @admin.display(description="Recorded (UTC)", ordering="id")
    def when(self, event: Event) -> str:
        """To the millisecond, as the database's clock had it."""
        return event.recorded_at.isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00")

    @admin.display(description="Who")
    def who(self, event: Event) -> str:
        """The person, the key, or the door."""
        facts = json.loads(bytes(event.body))
        return str(event.person or event.api_key or facts["door"])

    @admin.display(description="Body")
    def decoded_body(self, event: Event) -> SafeString:
        """The recorded facts, as they were written."""
        text = json.dumps(json.loads(bytes(event.body)), indent=2, ensure_ascii=False)
        return format_html("<pre>{}</pre>", text)


def _is_superuser(request: HttpRequest) -> bool:
    return isinstance(request.user, Person) and request.user.is_active and request.user.is_superuser


def _organisations_of(request: HttpRequest) -> list[Organisation]:
    if not isinstance(request.user, Person) or not request.user.is_active:
        return []
    if request.user.is_superuser:
        return list(Organisation.objects.all())
    return audited_organisations(request.user)


def _record(request: HttpRequest, action: str, **facts: Any) -> None:
    """Who watches is on record too."""
    assert isinstance(request.user, Person)  # noqa: S101 - the admin saw to it
    ledger.record(action, **facts_of_person(request.user), **facts_of_request(request), **facts)


def _id_of(address: str) -> str:
    """Who has the address: an address is personal, and does not belong into another address."""
    if not address:
        return ""
    person = Person.objects.filter(email=normal_address(address)).first()
    return str(person.id if person else NOBODY)


def _errors_of(form: forms.Form) -> str:
    return " ".join(
        f"{form.fields[name].label}: {error}" for name, errors in form.errors.items() for error in errors
    )


def _first_id(day: date | None) -> str:
    """Identifiers begin with their time, so that a time is searched by them."""
    return str(first_id_at(timezone.make_aware(datetime.combine(day, time())))) if day else ""
