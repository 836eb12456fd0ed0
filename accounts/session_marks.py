"""What a session says of its sign-in: whether it had a second factor, when it began and was last used."""

import time

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase

from accounts.models import Person

SECOND_FACTOR, STARTED, SEEN, PROVED = "second_factor", "started_at", "seen_at", "proved_at"
# For so long somebody need not prove again who they are; a form may be filled in for the longer time.
FRESH_SECONDS = 300
FORM_SECONDS = 1_200
# A session is written at most this often only because it is used.
NOTED_EVERY = 60


def begin(session: SessionBase) -> None:
    """Somebody has signed in just now, by whatever means."""
    session[STARTED] = session[SEEN] = session[PROVED] = _now()


def note_second_factor(session: SessionBase, person: Person) -> None:
    """This person has just shown a second factor. It holds for nobody else who signs in here later."""
    session[SECOND_FACTOR] = str(person.pk)
    session[PROVED] = _now()


def forget_second_factor(session: SessionBase) -> None:
    """The person has no second factor any more."""
    session.pop(SECOND_FACTOR, None)


def has_second_factor(session: SessionBase, person: Person) -> bool:
    """Whether this person showed a second factor in this session."""
    return bool(session.get(SECOND_FACTOR) == str(person.pk))


def prove(session: SessionBase) -> None:
    """Whoever is signed in has just proved again who they are."""
    session[PROVED] = _now()


def is_fresh(session: SessionBase, seconds: int = FRESH_SECONDS) -> bool:
    """Whether it was proved in the last seconds who this is."""
    return _now() - int(session.get(PROVED, 0)) < seconds


def has_expired(session: SessionBase) -> bool:
    """Whether a session was left alone, or lasts, for too long: a computer on a ward has many users."""
    idle, lasting = _now() - int(session.get(SEEN, 0)), _now() - int(session.get(STARTED, 0))
    return idle > settings.SESSION_IDLE_SECONDS or lasting > settings.SESSION_COOKIE_AGE


def note_use(session: SessionBase) -> bool:
    """Note that a session is used; whether it was time to."""
    if _now() - int(session.get(SEEN, 0)) < NOTED_EVERY:
        return False
    session[SEEN] = _now()
    return True


def _now() -> int:
    return int(time.time())
