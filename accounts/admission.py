"""Who reaches a page: nobody without a session of two factors, unless the page is named here.

A new page is closed until it is put on the list; a test goes through every address.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from allauth.account.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from accounts import session_marks
from accounts.models import Person

P = ParamSpec("P")
Page = Callable[Concatenate[HttpRequest, P], HttpResponseBase]

# Keys and tokens open these, never a session.
API = ("api/", "oauth/")
# For everybody.
OPEN = frozenset({
    "account_login",
    "account_logout",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "accept_invitation",
    "admin:jsi18n",
    "favicon",
    "mfa_authenticate",
    "mfa_login_webauthn",
    "oauth_metadata",
    "policy_reports",
    "problem",
    "provider_answer",
    "receipt",
    "receipts",
    "set_language",
    "sign_in_by_provider",
    "sign_in_once",
    "smart_configuration",
})  # fmt: skip
# For whoever has signed in and has yet to set a second factor up.
ENROLMENT = frozenset({
    "account_reauthenticate",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "mfa_index",
    "mfa_reauthenticate",
    "mfa_reauthenticate_webauthn",
    "prove_by_provider",
})  # fmt: skip
# Asked for by a page that nobody may be looking at: they do not keep a session alive.
POLLED = frozenset({"second_reading", "cohort_progress"})


class Admission:
    """Middleware, behind those that know the session and the person."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponseBase],  # noqa: ARG002 - Django passes it
        args: Any,  # noqa: ARG002 - likewise
        kwargs: Any,  # noqa: ARG002 - likewise
    ) -> HttpResponseBase | None:
        match = request.resolver_match
        assert match is not None  # noqa: S101 - there is a view
        if match.route.startswith(API) or match.view_name in OPEN:
            return None
        if not isinstance(request.user, Person):
            return _elsewhere(request, redirect_to_login(request.get_full_path()))
        if session_marks.has_expired(request.session):
            return _end(request)
        if match.view_name not in POLLED and session_marks.note_use(request.session):
            own = UserSession.objects.filter(session_key=request.session.session_key)
            own.update(last_seen_at=timezone.now())
        if match.view_name in ENROLMENT or session_marks.has_second_factor(request.session, request.user):
            return None
        return _elsewhere(request, redirect("mfa_index"))


def fresh_sign_in_required(view: Page[P]) -> Page[P]:
    """A page before which people prove again who they are, unless they just did.

    What was typed is never kept meanwhile: it may name a case. So who opened the form in time may send it.
    """

    @wraps(view)
    def page(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        return prove_again(request) or view(request, *args, **kwargs)

    return page


def prove_again(request: HttpRequest) -> HttpResponse | None:
    """To where people prove who they are, and back to the page that they were on; None when they just did.

    Who came by a one-time link and has nothing yet to prove it with need not.
    """
    is_sent = request.method == "POST"
    return _prove(request, session_marks.FORM_SECONDS if is_sent else session_marks.FRESH_SECONDS)


def prove_before_export(request: HttpRequest) -> HttpResponse | None:
    """The same for the button of an export: nothing was typed for it that would take its time."""
    return _prove(request, session_marks.FRESH_SECONDS)


def _prove(request: HttpRequest, seconds: int) -> HttpResponse | None:
    methods = get_adapter(request).get_reauthentication_methods(request.user)
    if session_marks.is_fresh(request.session, seconds) or not methods:
        return None
    back = _page_of_form(request) if request.method == "POST" else request.get_full_path()
    return redirect(f"{methods[0]['url']}?{urlencode({'next': back})}")


def _page_of_form(request: HttpRequest) -> str:
    referring = request.headers.get("Referer", "")
    return referring if get_adapter(request).is_safe_url(referring) else request.path


def _end(request: HttpRequest) -> HttpResponse:
    logout(request)
    messages.info(request, _("You were signed out, because nothing was done here for a while."))
    return _elsewhere(request, redirect_to_login(request.get_full_path()))


def _elsewhere(request: HttpRequest, there: HttpResponse) -> HttpResponse:
    """Go there with the whole page, also when only a part of it was asked for."""
    is_part = request.headers.get("HX-Request") == "true"
    return HttpResponseClientRedirect(there["Location"]) if is_part else there
