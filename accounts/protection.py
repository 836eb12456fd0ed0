"""What the audit trail is not protected against, as this installation is set up, in plain words."""

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.db import connection

from accounts.anchoring import open_anchors
from accounts.anchors import AnchorAway
from accounts.database_roles import SIGNING_IN, alias_of
from accounts.events import STARTED
from accounts.models import Event

RECENT_STARTS = 100

_OWNS_TRAIL = """
SELECT rolsuper OR pg_has_role(current_user, relowner, 'MEMBER')
FROM pg_roles, pg_class WHERE rolname = current_user AND pg_class.oid = 'audit.event'::regclass
"""


def find_weaknesses() -> list[str]:
    """A sentence for each thing that somebody could do to the trail unseen, or that keeps it unsealed."""
    return [*_roles(), *_keys(), *_anchors()]


def told_by_worker() -> tuple[datetime, list[str]] | None:
    """What the worker that started last found, and when: web servers lack the settings to know."""
    starts = Event.objects.filter(organisation=None, action=STARTED).order_by("-id")[:RECENT_STARTS]
    for event in starts:
        if event.facts.get("process") == "worker":
            return event.recorded_at, event.facts["weaknesses"]
    return None


def _roles() -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(_OWNS_TRAIL)
        (owns_trail,) = cursor.fetchone()
    if owns_trail:
        yield (
            "The application signs in to the database as the owner of the audit trail, and could switch its "
            "triggers off; nor do the policies hold it that keep organisations apart. Run manage.py "
            "secure_database and use the settings that it prints."
        )
        return
    for role in SIGNING_IN[1:]:
        if alias_of(role) == "default":
            yield f"The {role} has no role of its own: set DATABASE_{role.upper()}_URL."


def _keys() -> Iterator[str]:
    if not settings.LEDGER_SIGNING_KEY:
        yield "This process has no LEDGER_SIGNING_KEY. Unless a worker has one, nothing is sealed."


def _anchors() -> Iterator[str]:
    anchors = open_anchors()
    if not anchors:
        yield (
            "No checkpoint is kept outside the database (LEDGER_ANCHORS is empty): whoever owns the database "
            "could remove the latest events, or all of them, unseen."
        )
    for anchor in anchors:
        try:
            yield from (f"{anchor.name}: {weakness}" for weakness in anchor.weaknesses())
        except AnchorAway as away:
            yield f"{anchor.name} cannot be asked: {away}"
