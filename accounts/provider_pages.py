"""Signing in with the organisation's identity provider, and proving again by it who one is.

allauth keeps the state between the two halves and goes on to the second factor. One follows a link to the
provider: a form would need its address, and those that it leads on to, in the Content-Security-Policy.
"""

import secrets
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import get_next_redirect_url, perform_login
from allauth.account.views import LoginView
from allauth.socialaccount.internal import statekit
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts import events, identity_provider, ledger, session_marks
from accounts.attendance import BY_PROVIDER, facts_of_name
from accounts.identity_provider import Identity, IdentityRefused, Provider, ProviderUnavailable, Reason
from accounts.lockout import name_of_credentials
from accounts.models import Person
from accounts.network import facts_of_request
from accounts.provider_links import find_person
from accounts.views import MODEL_BACKEND

Page = Callable[[HttpRequest], HttpResponseBase]


class SignInPage(LoginView):  # type: ignore[misc]  # allauth is untyped
    """Address and password, a passkey, or the organisation's provider, where there is one."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        provider = settings.OIDC_ISSUER and settings.OIDC_NAME
        return {**super().get_context_data(**kwargs), "provider_name": provider}


def _with_provider(view: Page) -> Page:
    """A page that is there where the operator set a provider, and says so while that is away."""

    @wraps(view)
    def page(request: HttpRequest) -> HttpResponseBase:
        if not settings.OIDC_ISSUER:
            raise Http404
        try:
            return view(request)
        except ProviderUnavailable:
            context = {"provider_name": settings.OIDC_NAME}
            return render(request, "accounts/provider_unavailable.html", context, status=503)

    return never_cache(require_GET(page))


@_with_provider
def sign_in_by_provider(request: HttpRequest) -> HttpResponse:
    """To the provider."""
    return _ask(request, again=False)


@_with_provider
@login_required
def prove_by_provider(request: HttpRequest) -> HttpResponse:
    """To the provider, which has to ask again even whoever is signed in there."""
    return _ask(request, again=True)


@_with_provider
def take_answer(request: HttpRequest) -> HttpResponseBase:
    """Back from the provider."""
    try:
        return _let_in(request)
    except IdentityRefused as refused:
        who = facts_of_name(name_of_credentials(request, {"email": refused.email}))
        ledger.record(events.SIGN_IN_REFUSED, **who, **facts_of_request(request), reason=refused.reason)
        context = {"provider_name": settings.OIDC_NAME, "reason": refused.reason}
        return render(request, "accounts/provider_refused.html", context, status=403)


def _ask(request: HttpRequest, *, again: bool) -> HttpResponse:
    kept = {
        "nonce": secrets.token_urlsafe(32),
        "verifier": secrets.token_urlsafe(64),
        "again": again,
        "next": get_next_redirect_url(request),
    }
    state = statekit.stash_state(request, provider_id=settings.OIDC_ISSUER, state=kept)
    there = identity_provider.address_to_ask(
        _provider(), _callback(request), state, kept["nonce"], kept["verifier"], again=again
    )
    return redirect(there)


def _let_in(request: HttpRequest) -> HttpResponseBase:
    """Raises IdentityRefused or ProviderUnavailable."""
    given = request.GET
    kept = statekit.unstash_state(request, state_id=given.get("state", ""), provider_id=settings.OIDC_ISSUER)
    if kept is None:
        raise IdentityRefused(Reason.STRAY)
    if given.get("error") == "access_denied":
        messages.info(request, _("Nobody was signed in: it was cancelled."))
        return redirect("account_login")
    # RFC 9207: some say who they are in the address, too.
    if not given.get("code") or given.get("iss", settings.OIDC_ISSUER) != settings.OIDC_ISSUER:
        raise IdentityRefused(Reason.PROVIDER)
    identity = identity_provider.fetch_identity(
        _provider(), _callback(request), given["code"], kept["nonce"], kept["verifier"]
    )
    person, is_new = find_person(request, settings.OIDC_ISSUER, identity)
    if is_new:
        mail = "accounts/mail/provider_linked"
        get_adapter().send_notification_mail(mail, person, {"provider_name": settings.OIDC_NAME})
    proceed = _prove if kept["again"] else _sign_in
    return proceed(request, person, identity, kept["next"])


def _prove(request: HttpRequest, person: Person, identity: Identity, following: str | None) -> HttpResponse:
    if person != request.user:
        raise IdentityRefused(Reason.OTHER_PERSON, person.email)
    if (identity.authenticated_at or 0) < time.time() - session_marks.FRESH_SECONDS:
        raise IdentityRefused(Reason.NOT_ASKED, person.email)
    record_authentication(request, person, BY_PROVIDER, reauthenticated=True)
    return redirect(following or settings.LOGIN_REDIRECT_URL)


def _sign_in(
    request: HttpRequest, person: Person, identity: Identity, following: str | None
) -> HttpResponseBase:
    """With the provider's second factor at once; without it on to our own."""
    if request.user.is_authenticated:
        logout(request)
    record_authentication(request, person, BY_PROVIDER)
    if not identity.has_second_factor:
        answer: HttpResponseBase = perform_login(request, person, redirect_url=following)
        return answer
    session_marks.note_second_factor(request.session, person)
    login(request, person, backend=MODEL_BACKEND)
    UserSession.objects.create_from_request(request)
    return redirect(following or settings.LOGIN_REDIRECT_URL)


def _callback(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("provider_answer"))


def _provider() -> Provider:
    return Provider(
        settings.OIDC_ISSUER,
        settings.OIDC_CLIENT_ID,
        settings.OIDC_CLIENT_SECRET,
        tuple(settings.OIDC_SECOND_FACTOR_ACR),
    )
