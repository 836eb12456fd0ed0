"""Lines of a log, without what a request or a row of the database said.

An address may hold a one-time token, a name of a field or a case; the text of an error may quote a value.
"""

import logging
import traceback
from collections.abc import Iterator
from types import TracebackType

import psycopg2
from django.db import Error
from django.http import HttpRequest

from accounts.request_ids import current_request_id


class DiscreetFormatter(logging.Formatter):
    """Tells a request by number and route, and an error of one or of the database by its kind and place."""

    def format(self, record: logging.LogRecord) -> str:
        record.request_id = current_request_id() or "-"
        request = getattr(record, "request", None)
        if not isinstance(request, HttpRequest):
            return super().format(record)
        told = logging.makeLogRecord(record.__dict__)
        told.msg, told.args = (
            "%s %s %s",
            (getattr(record, "status_code", ""), request.method, _route(request)),
        )
        told.exc_text = told.exc_info and self.formatException(told.exc_info, withhold=True)
        return super().format(told)

    def formatException(  # noqa: N802 - the library's name
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
        *,
        withhold: bool = False,
    ) -> str:
        return "".join(_lines(ei[1], withhold=withhold)).rstrip() if ei[1] else ""


def _route(request: HttpRequest) -> str:
    return request.resolver_match.route if request.resolver_match else "(no such address)"


def _lines(error: BaseException, *, withhold: bool) -> Iterator[str]:
    if error.__cause__ or (error.__context__ and not error.__suppress_context__):
        yield from _lines(error.__cause__ or error.__context__, withhold=withhold)  # type: ignore[arg-type]
        yield "\nand from it:\n\n"
    yield "Traceback (most recent call last):\n"
    yield from traceback.format_tb(error.__traceback__)
    kind = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    withheld = withhold or isinstance(error, Error | psycopg2.Error)
    yield f"{kind}\n" if withheld else f"{kind}: {error}\n"
