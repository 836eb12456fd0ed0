"""What somebody who is signed in did with a request, for the audit trail."""

from typing import Any

from django.http import HttpRequest

from accounts import ledger
from accounts.actors import facts_of_person
from accounts.models import Person
from accounts.network import facts_of_request


def record_visit(request: HttpRequest, action: str, **facts: Any) -> None:
    """Put on record who did it and from where; `facts` come last, and say of which organisation it is."""
    assert isinstance(request.user, Person)  # noqa: S101 - its page asked for a sign-in
    ledger.record(action, **{**facts_of_person(request.user), **facts_of_request(request), **facts})
