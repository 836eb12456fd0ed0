"""Who came in, who went and who tried, for the audit trail.

The libraries for signing in say so by signals and in no other way: this is the one place that listens.
"""

from typing import Any

from allauth.account.signals import password_changed, password_reset
from axes.signals import user_locked_out
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest

from accounts import events, ledger
from accounts.actors import facts_of_person
from accounts.lockout import name_of_credentials
from accounts.models import Person
from accounts.network import facts_of_request


def listen() -> None:
    """Have the audit trail told from now on."""
    user_logged_in.connect(_note_sign_in)
    user_logged_out.connect(_note_sign_out)
    user_login_failed.connect(_note_failure)
    user_locked_out.connect(_note_lock_out)
    password_changed.connect(_note_new_password)
    password_reset.connect(_note_reset)


def _note_sign_in(request: HttpRequest, user: Person, **_: Any) -> None:
    _record(events.SIGNED_IN, request, facts_of_person(user))


def _note_sign_out(request: HttpRequest, user: Person | None, **_: Any) -> None:
    if user:
        _record(events.SIGNED_OUT, request, facts_of_person(user))


def _note_failure(request: HttpRequest, credentials: dict[str, Any], **_: Any) -> None:
    _record(events.SIGN_IN_FAILED, request, _facts_of_name(name_of_credentials(request, credentials)))


def _note_lock_out(request: HttpRequest, username: str, **_: Any) -> None:
    _record(events.SIGN_IN_LOCKED_OUT, request, _facts_of_name(username))


def _note_new_password(request: HttpRequest, user: Person, **_: Any) -> None:
    _record(events.PASSWORD_CHANGED, request, facts_of_person(user))


def _note_reset(request: HttpRequest, user: Person, **_: Any) -> None:
    _record(events.PASSWORD_RESET, request, facts_of_person(user))


def _facts_of_name(name: str) -> dict[str, Any]:
    """Whose address it is; one that is nobody's may be a slip, or a password in the wrong field."""
    person = Person.objects.filter(email=name).first()
    if person is None:
        return {"door": "form", "address_digest": ledger.address_digest(name)}
    return facts_of_person(person)


def _record(action: str, request: HttpRequest, who: dict[str, Any]) -> None:
    ledger.record(action, **who, **facts_of_request(request))
