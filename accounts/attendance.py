"""Who came in, who went and who tried, for the audit trail.

The libraries for signing in say so by signals and in no other way: this is the one place that listens.
"""

from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.account.signals import authentication_step_completed, password_changed, password_reset
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import (
    authentication_failed,
    authenticator_added,
    authenticator_removed,
    authenticator_reset,
)
from allauth.usersessions.models import UserSession
from axes.handlers.proxy import AxesProxyHandler
from axes.signals import user_locked_out
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest

from accounts import events, ledger, session_marks
from accounts.actors import facts_of_person
from accounts.lockout import name_of_credentials
from accounts.models import Person
from accounts.network import facts_of_request
from accounts.second_factors import count_failure

# What allauth calls it.
BY_PROVIDER = "socialaccount"


def listen() -> None:
    """Have the audit trail told from now on."""
    user_logged_in.connect(_note_sign_in)
    user_logged_out.connect(_note_sign_out)
    user_login_failed.connect(_note_failure)
    user_locked_out.connect(_note_lock_out)
    password_changed.connect(_note_new_password)
    password_reset.connect(_note_reset)
    authentication_step_completed.connect(_note_step)
    authenticator_added.connect(_note_second_factor)
    authenticator_removed.connect(_note_removal)
    authenticator_reset.connect(_note_new_codes)
    authentication_failed.connect(_note_wrong_code)


def _note_sign_in(request: HttpRequest, user: Person, **_: Any) -> None:
    session_marks.begin(request.session)
    facts = {**facts_of_person(user), "second_factor": session_marks.has_second_factor(request.session, user)}
    if any(record["method"] == BY_PROVIDER for record in get_authentication_records(request, user)):
        facts["means"] = "provider"
    _record(events.SIGNED_IN, request, facts)


def _note_step(request: HttpRequest, user: Person, method: str, **_: Any) -> None:
    """A password, a code or a passkey fitted: of who signs in, or proves again who they are."""
    if method == "mfa":
        session_marks.note_second_factor(request.session, user)
    session_marks.prove(request.session)
    _rename(request)


def _note_second_factor(request: HttpRequest, user: Person, authenticator: Authenticator, **_: Any) -> None:
    """Setting one up shows that one has it; recovery codes are made beside it, and show nothing yet."""
    if authenticator.type != Authenticator.Type.RECOVERY_CODES:
        session_marks.note_second_factor(request.session, user)
        _rename(request)
    _record(events.SECOND_FACTOR_ADDED, request, _facts_of_factor(user, authenticator))


def _rename(request: HttpRequest) -> None:
    """Whoever knew the name of a session before it may do more does not know it afterwards.

    A sign-in that goes on has none to speak of yet, and gets another by itself.
    """
    if request.user.is_authenticated:
        known = UserSession.objects.filter(session_key=request.session.session_key)
        request.session.cycle_key()
        known.update(session_key=request.session.session_key)


def _note_removal(request: HttpRequest, user: Person, authenticator: Authenticator, **_: Any) -> None:
    if not Authenticator.objects.filter(user=user).exists():
        session_marks.forget_second_factor(request.session)
    _record(events.SECOND_FACTOR_REMOVED, request, _facts_of_factor(user, authenticator))


def _note_new_codes(request: HttpRequest, user: Person, **_: Any) -> None:
    _record(events.RECOVERY_CODES_MADE, request, facts_of_person(user))


def _note_wrong_code(request: HttpRequest, user: Person, authenticator: Authenticator, **_: Any) -> None:
    """Counted for the address that guessed, as wrong passwords are, and for the person wherever from."""
    count_failure(user)
    AxesProxyHandler.user_login_failed(Person, {"username": user.email}, request)
    _record(events.SECOND_FACTOR_FAILED, request, _facts_of_factor(user, authenticator))


def _facts_of_factor(user: Person, authenticator: Authenticator) -> dict[str, Any]:
    return {**facts_of_person(user), "kind": str(authenticator.type)}


def _note_sign_out(request: HttpRequest, user: Person | None, **_: Any) -> None:
    if user:
        _record(events.SIGNED_OUT, request, facts_of_person(user))


def _note_failure(request: HttpRequest, credentials: dict[str, Any], **_: Any) -> None:
    _record(events.SIGN_IN_FAILED, request, facts_of_name(name_of_credentials(request, credentials)))


def _note_lock_out(request: HttpRequest, username: str, **_: Any) -> None:
    _record(events.SIGN_IN_LOCKED_OUT, request, facts_of_name(username))


def _note_new_password(request: HttpRequest, user: Person, **_: Any) -> None:
    _record(events.PASSWORD_CHANGED, request, facts_of_person(user))


def _note_reset(request: HttpRequest, user: Person, **_: Any) -> None:
    _record(events.PASSWORD_RESET, request, facts_of_person(user))


def facts_of_name(name: str) -> dict[str, Any]:
    """Whose address it is; one that is nobody's may be a slip, or a password in the wrong field."""
    person = Person.objects.filter(email=name).first()
    if person is None:
        return {"door": "form", "address_digest": ledger.address_digest(name)}
    return facts_of_person(person)


def _record(action: str, request: HttpRequest, who: dict[str, Any]) -> None:
    ledger.record(action, **who, **facts_of_request(request))
