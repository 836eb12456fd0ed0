"""Whose rows the database shows: those of the organisations that the work under way is for, and no others.

The second wall behind the filters of the selectors. The policies of the tables (migrations 0016 of accounts
and of predictions) compare with a setting that is sent in front of each statement, in the same message, for
its transaction only. So nothing is left on a connection for the next request, whichever way this one ended,
and where nobody said whose rows are wanted there are none.

It is a wall against a filter that was forgotten, not against whoever can send SQL: they can send the setting.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

SETTING = "breastrisk.organisations"
NOBODY, EVERYBODY = "", "*"
# What touches rows. A ROLLBACK TO has to be sent alone: in a failed transaction nothing else is taken.
_TOUCHES_ROWS = re.compile(r"[\s(]*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)
_END = object()

_scope: ContextVar[str] = ContextVar("row_scope", default=NOBODY)


@contextmanager
def within(*organisations: UUID) -> Iterator[None]:
    """Inside, the rows of these organisations are seen and written."""
    with _scoped(_spell(organisations)):
        yield


@contextmanager
def across_organisations() -> Iterator[None]:
    """Inside, all rows are seen: for work that is no single organisation's.

    Each place that needs it is named with its reason in docs/decisions/0028-row-level-security.md.
    """
    with _scoped(EVERYBODY):
        yield


def narrow_to(*organisations: UUID) -> None:
    """From here to the end of the request: the rows of these organisations, now that it is known who asks."""
    _scope.set(_spell(organisations))


def show_all_rows() -> None:
    """From here to the end of the request: all rows. Named in the same list as `across_organisations`."""
    _scope.set(EVERYBODY)


class ScopeRows:
    """Middleware around all that asks the database: a request begins with nobody's rows."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with _scoped(NOBODY):
            response = self.get_response(request)
            if isinstance(response, StreamingHttpResponse):
                chunks: Iterator[bytes] = iter(response)
                response.streaming_content = _each_within(_scope.get(), chunks)
            return response


def listen() -> None:
    """See to every connection that is made from here on."""
    connection_created.connect(_see_to, dispatch_uid="row_scope")


@contextmanager
def _scoped(scope: str) -> Iterator[None]:
    before = _scope.set(scope)
    try:
        yield
    finally:
        _scope.reset(before)


def _spell(organisations: tuple[UUID, ...]) -> str:
    return ",".join(map(str, organisations))


def _each_within(scope: str, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks of an answer, which are made after the request has ended."""
    while True:
        with _scoped(scope):
            chunk = next(chunks, _END)
        if chunk is _END:
            return
        yield chunk  # type: ignore[misc]


def _see_to(connection: BaseDatabaseWrapper, **_: Any) -> None:
    # In front: whoever wraps statements for a while takes the last one off again.
    if _send_with_scope not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, _send_with_scope)


def _send_with_scope(
    execute: Callable[..., Any],
    sql: Any,
    params: Any,
    many: bool,  # noqa: FBT001 - Django's signature
    context: dict[str, Any],
) -> Any:
    connection, scope = context["connection"], _scope.get()
    # In a transaction what was sent before still holds, so that nobody's has to be said as well.
    is_needed = scope or connection.in_atomic_block
    if not is_needed or not isinstance(sql, str) or not _TOUCHES_ROWS.match(sql):
        return execute(sql, params, many, context)
    if context["cursor"].name is None:
        return execute(f"SET LOCAL {SETTING} = '{scope}'; {sql}", params, many, context)
    with _set_beside(connection, scope):
        return execute(sql, params, many, context)


@contextmanager
def _set_beside(connection: BaseDatabaseWrapper, scope: str) -> Iterator[None]:
    """For a cursor of the server, which takes one statement; outside a transaction it reads at once."""
    with connection.connection.cursor() as cursor:
        if connection.in_atomic_block:
            cursor.execute(f"SET LOCAL {SETTING} = '{scope}'")
            yield
            return
        cursor.execute(f"SET {SETTING} = '{scope}'")
        try:
            yield
        finally:
            cursor.execute(f"RESET {SETTING}")
