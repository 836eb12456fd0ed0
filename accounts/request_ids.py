"""The identifier of the request that is being answered: it stands in its answer, its log and its events."""

import re
from contextvars import ContextVar

from uuid_utils.compat import uuid7

# A UUID or a trace-id of W3C. Any other name that a sender gives could be a patient's, and would stay.
_IDENTIFIER = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")
_current: ContextVar[str] = ContextVar("request_id", default="")


def begin_request(given: str) -> str:
    """From here on what this thread does belongs to a request: its sender's identifier, or else a new one."""
    request_id = given if _IDENTIFIER.fullmatch(given) else str(uuid7())
    _current.set(request_id)
    return request_id


def end_request() -> None:
    """What this thread does next belongs to no request."""
    _current.set("")


def current_request_id() -> str:
    """The identifier of the request that is being answered; empty in workers and commands."""
    return _current.get()
