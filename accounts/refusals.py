"""Requests of people that were refused before any page could answer them."""

from django.http import HttpRequest

from accounts import events
from accounts.models import Person
from accounts.visits import record_visit


def record_refused_request(request: HttpRequest, status: int) -> None:
    """Put on record that a request of somebody who is signed in was refused. Of nobody there is no record."""
    person = getattr(request, "user", None)  # not there yet where the refusal came early
    if isinstance(person, Person):
        record_visit(request, events.REQUEST_REFUSED, status=status)
