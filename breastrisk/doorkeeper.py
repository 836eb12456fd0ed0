"""What is asked of whoever opens a page, before the page is: from where they come, and how often.

Systems are asked the same by the API, which knows whose key it is.
"""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts import doors, row_scope
from accounts.actors import Actor, NoOrganisation, actor_of_person, audited_organisations
from accounts.limit_records import Kind, Subject
from accounts.models import Person
from accounts.network import client_address
from predictions.problem_details import wants_problem_details

SIGN_IN_PAGES = frozenset({
    "accept_invitation",
    "account_login",
    "account_reset_password",
    "account_reset_password_from_key",
    "admin:login",
    "mfa_authenticate",
    "mfa_login_webauthn",
    "prove_by_provider",
    "provider_answer",
    "sign_in_by_provider",
    "sign_in_once",
})  # fmt: skip
# Whoever may not come in from here may still go.
ALWAYS_OPEN = frozenset({"account_logout", "admin:logout", "set_language"})
POSTS = {"new_prediction": Kind.PREDICT, "cohorts": Kind.COHORT}


class KeepDoors:
    """Middleware, within those that know who asks: pages answer 403 or 429 in its stead."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponse | None:
        """Called by Django when it is known which page is asked for, and by whom."""
        if wants_problem_details(request):
            return None
        try:
            _admit(request)
        except doors.NetworkRefused:
            return render(
                request, "errors/network_refused.html", {"address": client_address(request)}, status=403
            )
        except doors.TooMany as refusal:
            page = render(request, "errors/too_many.html", {"wait": refusal.wait}, status=429)
            page["Retry-After"] = str(refusal.wait)
            return page
        return None


def _admit(request: HttpRequest) -> None:
    """Raises NetworkRefused or TooMany."""
    assert request.resolver_match is not None  # noqa: S101 - there is a view
    address, page, actor = client_address(request), request.resolver_match.view_name, _actor(request)
    if request.resolver_match.namespace == "admin":
        doors.check_admin(actor, address)
    _show_rows(request, actor, is_admin=request.resolver_match.namespace == "admin")
    if actor and page not in ALWAYS_OPEN:
        doors.check_organisation(actor, address)
    doors.admit(_kind(request, page), _subjects(request, actor, address))


def _show_rows(request: HttpRequest, actor: Actor | None, *, is_admin: bool) -> None:
    """Of the organisation that they act for; in the admin, of all those whose cases they see to."""
    if is_admin and isinstance(request.user, Person):
        row_scope.narrow_to(*(organisation.id for organisation in audited_organisations(request.user)))
    elif actor:
        row_scope.narrow_to(actor.organisation.id)


def _kind(request: HttpRequest, page: str) -> Kind:
    if page in SIGN_IN_PAGES:
        return Kind.SIGN_IN
    if not request.user.is_authenticated:
        return Kind.PUBLIC
    return POSTS.get(page, Kind.READ) if request.method == "POST" else Kind.READ


def _subjects(request: HttpRequest, actor: Actor | None, address: str) -> dict[Subject, object]:
    subjects: dict[Subject, object] = {Subject.ADDRESS: address}
    if request.user.is_authenticated:
        subjects[Subject.PERSON] = request.user.pk
    if actor:
        subjects[Subject.ORGANISATION] = actor.organisation.id
    return subjects


def _actor(request: HttpRequest) -> Actor | None:
    if not isinstance(request.user, Person):
        return None
    try:
        return actor_of_person(request.user)
    except NoOrganisation:
        return None
