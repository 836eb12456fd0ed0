from uuid import UUID

from allauth.account.views import password_change
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts import events, session_marks
from accounts.browser_names import name_browser
from accounts.event_words import words_of
from accounts.forms import ReceiptForm, ReportForm
from accounts.links import LinkRefused, use_link
from accounts.models import Event, Person
from accounts.receipts import find_place, reports_of
from accounts.visits import record_visit

MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_once(request: HttpRequest, token: str) -> HttpResponse:
    """Sign in with a one-time link. Only the button spends it: browsers fetch links ahead of the click.

    With `example` in the address the form that follows is filled in.
    """
    if request.method != "POST":
        return render(request, "accounts/sign_in_once.html")
    try:
        person = use_link(token)
    except LinkRefused:
        return render(request, "accounts/sign_in_once.html", {"refused": True}, status=410)
    if settings.LINKS_ARE_SECOND_FACTORS:
        session_marks.note_second_factor(request.session, person)
    login(request, person, backend=MODEL_BACKEND)
    UserSession.objects.create_from_request(request)
    messages.success(request, _("You are signed in as {person}.").format(person=person))
    return redirect(reverse("new_prediction") + ("?example=1" if "example" in request.GET else ""))


@require_safe
def ask_for_receipt(request: HttpRequest) -> HttpResponse:
    """For whoever holds a report: where to type what its code says."""
    form = ReceiptForm(request.GET or None)
    if form.is_valid():
        return redirect("receipt", form.cleaned_data["event"], form.cleaned_data["leaf"])
    return render(request, "accounts/receipt.html", {"form": form}, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def check_receipt(request: HttpRequest, event_id: UUID, leaf: str) -> HttpResponse:
    """Whether what stands on a report is on record, and whether a file is one of its reports, byte for byte.

    For everybody; it tells nothing of a patient, and keeps nothing of the file.
    """
    event = Event.objects.filter(id=event_id).first()
    if event is None or bytes(event.leaf).hex() != leaf.lower():
        return render(request, "accounts/receipt.html", {"form": ReceiptForm(), "unknown": True}, status=404)
    reports = reports_of(event)
    context = {
        "event": event,
        "what": words_of(event.action),
        "place": find_place(event_id),
        "keys": settings.LEDGER_PUBLIC_KEYS,
        "reports": reports,
        "form": ReportForm(),
    }
    if request.method != "POST":
        return render(request, "accounts/receipt.html", context)
    form = ReportForm(request.POST, request.FILES)
    digest = form.digest if form.is_valid() else None
    found = next((report for report in reports if report.facts.get("sha256") == digest), None)
    context |= {"form": form, "digest": digest, "found": found}
    return render(request, "accounts/receipt.html", context, status=200 if digest else 422)


@never_cache
@login_required
def change_password(request: HttpRequest) -> HttpResponse:
    """A new password for the old one; who has none yet is told how to get the first."""
    assert isinstance(request.user, Person)  # noqa: S101 - login_required saw to it
    if not request.user.has_usable_password():
        return render(request, "accounts/no_password.html")
    response: HttpResponse = password_change(request)
    return response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def list_sessions(request: HttpRequest) -> HttpResponse:
    """Where somebody is signed in, and the way to end it there."""
    sessions = UserSession.objects.purge_and_list(request.user)
    if request.method != "POST":
        newest_first = sorted(sessions, key=lambda session: session.last_seen_at, reverse=True)
        named = [(session, name_browser(session.user_agent)) for session in newest_first]
        return render(request, "accounts/sessions.html", {"sessions": named})
    others = [session for session in sessions if not session.is_current()]
    chosen = [session for session in others if request.POST.get("session") in {"others", str(session.pk)}]
    for session in chosen:
        session.end()
    if chosen:
        record_visit(request, events.SESSIONS_ENDED, count=len(chosen))
        messages.success(request, _("Signed out there."))
    return redirect("sessions")
