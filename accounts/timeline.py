"""The audit trail, newest first: what a search finds of what somebody may see, page by page.

A page is found by the identifier where the one before ended (keyset pagination), so that the thousandth costs
what the first does, and nothing is ever counted. The indexes begin with the organisation and end with the
identifier: of each organisation one of them gives a page in order, and the pages are merged.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import OperationalError, connection, transaction
from psycopg2.errors import QueryCanceled

from accounts.event_words import RELEASE_ACTIONS
from accounts.models import ApiKey, Event
from accounts.moments import first_id_at

PAGE = 50
BATCH = 2_000
MOST_MILLISECONDS = 5_000
DIGEST = "[0-9a-f]{64}"
ID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
ACTION = "[a-z_.]{1,60}"
RELEASE = r"[a-z0-9-]{1,64} [0-9.]{1,30}"
MINUTE = r"2[0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}"

# By name, as in an address. What is personal stands there as an identifier or a keyed digest.
Search = Mapping[str, str]
# The organisations whose events somebody may see; None stands for all that there is.
Scope = frozenset[UUID] | None


class SearchUnreadable(Exception):
    """For whoever typed the address: none of our pages makes such a search."""


class SearchTooBroad(Exception):
    """For the auditor: each criterion finds many events and hardly one meets them all: it takes too long."""


@dataclass(frozen=True)
class Page:
    """Events, newest first, and whether there are others on either side."""

    events: list[Event]
    has_older: bool
    has_newer: bool

    @property
    def newest(self) -> UUID:
        """The identifier of the first event."""
        return self.events[0].id

    @property
    def oldest(self) -> UUID:
        """The identifier of the last event."""
        return self.events[-1].id


@dataclass(frozen=True)
class _Criterion:
    """How a value looks, what it is to the database, and the condition; {of} is that of the organisation."""

    pattern: str
    value: Callable[[str], Any]
    condition: str


def _first_id(minute: str) -> UUID:
    return first_id_at(datetime.fromisoformat(minute).replace(tzinfo=UTC))


def _split(texts: str) -> list[str]:
    return texts.split(",")


# When a release was in use the database cannot know: it would look for an old one among all newer events.
_RELEASE = """release = %(release)s
    AND id <= (SELECT id FROM audit.event WHERE {of} AND release = %(release)s ORDER BY id DESC LIMIT 1)
    AND id >= (SELECT id FROM audit.event WHERE {of} AND release = %(release)s ORDER BY id LIMIT 1)"""
_CRITERIA = {
    "case": _Criterion(f"{DIGEST}(,{DIGEST})*", _split, "case_digest = ANY(%(case)s)"),
    "person": _Criterion(ID, UUID, "person_id = %(person)s"),
    "key": _Criterion(ID, UUID, "api_key_id = %(key)s"),
    "release": _Criterion(RELEASE, str, _RELEASE),
    "action": _Criterion(ACTION, str, "action = %(action)s"),
    "organisation": _Criterion(ID, UUID, "organisation_id = %(organisation)s"),
    "prediction": _Criterion(ID, UUID, "prediction_id = %(prediction)s"),
    "since": _Criterion(MINUTE, _first_id, "id >= %(since)s"),
    "until": _Criterion(MINUTE, _first_id, "id < %(until)s"),
}
# Enough by themselves: who sees everything needs no page of each organisation for them.
_SELECTIVE = {"case", "prediction", "since", "until"}
# Whatever is found by one of these belongs to an organisation.
_OWNED = {"case", "key", "organisation", "prediction"}

# The identifiers of at most so many events, in order: of each organisation, and of those that have none.
_EVERYBODY = "SELECT id FROM audit.event WHERE {conditions} ORDER BY id {direction} LIMIT %(most)s"
_OF_EACH = """
SELECT found.id FROM unnest(%(organisations)s::uuid[]) AS one (id) CROSS JOIN LATERAL (
    SELECT event.id FROM audit.event WHERE {conditions} ORDER BY event.id {direction} LIMIT %(most)s
) AS found"""
_MERGED = "SELECT id FROM ({parts}) AS merged ORDER BY id {direction} LIMIT %(most)s"
# Each is found from the one before, so that millions of events need not be read for some organisations.
_ORGANISATIONS = """
WITH RECURSIVE one (id) AS (
    (SELECT organisation_id FROM audit.event WHERE organisation_id IS NOT NULL
     ORDER BY organisation_id LIMIT 1)
    UNION ALL
    SELECT (SELECT organisation_id FROM audit.event WHERE organisation_id > one.id
            ORDER BY organisation_id LIMIT 1)
    FROM one WHERE one.id IS NOT NULL
)
SELECT id FROM one WHERE id IS NOT NULL"""


def read_search(query: Mapping[str, str]) -> Search:
    """The search that an address asks for.

    Raises
    ------
    SearchUnreadable
        When it has a name that is none of ours, or a value that does not look as it should.
    """
    for name, text in query.items():
        criterion = _CRITERIA.get(name)
        if criterion is None or not re.fullmatch(criterion.pattern, text, re.ASCII):
            raise SearchUnreadable(name)
        try:
            criterion.value(text)
        except ValueError:  # the 30th of February
            raise SearchUnreadable(name) from None
    return dict(query)


def find_page(scope: Scope, search: Search, before: UUID | None = None, after: UUID | None = None) -> Page:
    """The newest events, or the ones next to another event: those older than `before` or newer than `after`.

    Raises
    ------
    SearchTooBroad
        When the database has not found them after five seconds.
    """
    if after:
        found = _in_time(_Query(scope, search, "id > %(edge)s", "ASC", after))
        return Page(found[:PAGE][::-1], has_older=True, has_newer=len(found) > PAGE)
    found = _in_time(_older(scope, search, before))
    return Page(found[:PAGE], has_older=len(found) > PAGE, has_newer=before is not None)


def find_event(scope: Scope, event_id: UUID) -> Event | None:
    """One event, if it is there and this is somebody who may see it."""
    found = _find(_Query(scope, {}, "id = %(edge)s", "DESC", event_id), 1)
    return next(iter(found), None)


def each_event(scope: Scope, search: Search, most: int) -> Iterator[Event]:
    """At most so many events, newest first, read in batches: no transaction waits for a slow reader."""
    return islice(_each_event(scope, search), most)


def _each_event(scope: Scope, search: Search) -> Iterator[Event]:
    oldest: UUID | None = None
    while batch := _find(_older(scope, search, oldest), BATCH):
        yield from batch
        oldest = batch[-1].id


@dataclass(frozen=True)
class _Query:
    """A search within a scope, on one side of an event or at it, in a direction."""

    scope: Scope
    search: Search
    side: str
    direction: str
    edge: UUID | None

    @property
    def statement(self) -> str:
        """The SQL, which holds names and conditions of this module only."""
        if self.scope is None and _SELECTIVE.issuperset(self.search):
            return _EVERYBODY.format(conditions=self._conditions("true"), direction=self.direction)
        parts = [self._part(_OF_EACH, "organisation_id = one.id")]
        if _OWNED.isdisjoint(self.search):
            parts.append(f"({self._part(_EVERYBODY, self._of_nobody)})")
        return _MERGED.format(parts=" UNION ALL ".join(parts), direction=self.direction)

    @property
    def values(self) -> dict[str, Any]:
        """What the names in the SQL stand for."""
        given = {name: _CRITERIA[name].value(text) for name, text in self.search.items()}
        return {**given, "edge": self.edge, "organisations": self._organisations, "releases": RELEASE_ACTIONS}

    @property
    def _of_nobody(self) -> str:
        """A release belongs to no organisation: what happens to it concerns all of them."""
        return "organisation_id IS NULL" + ("" if self.scope is None else " AND action IN %(releases)s")

    @property
    def _organisations(self) -> list[UUID]:
        """Those that can have any such event: a key has one organisation."""
        seen = _all_organisations() if self.scope is None else self.scope
        if "key" in self.search:
            keys = ApiKey.objects.filter(id=self.search["key"])
            return list(seen.intersection(keys.values_list("organisation_id", flat=True)))
        return list(seen)

    def _part(self, statement: str, of: str) -> str:
        return statement.format(conditions=self._conditions(of), direction=self.direction)

    def _conditions(self, of: str) -> str:
        found = (_CRITERIA[name].condition.format(of=of) for name in self.search)
        return " AND ".join([of, self.side, *found])


def _older(scope: Scope, search: Search, than: UUID | None) -> _Query:
    return _Query(scope, search, "id < %(edge)s" if than else "true", "DESC", than)


def _in_time(query: _Query) -> list[Event]:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = %s", [MOST_MILLISECONDS])
            return _find(query, PAGE + 1)
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise SearchTooBroad from None
        raise


def _find(query: _Query, most: int) -> list[Event]:
    with connection.cursor() as cursor:
        cursor.execute(query.statement, {**query.values, "most": most})
        ids = [row[0] for row in cursor.fetchall()]
    rows = Event.objects.filter(id__in=ids).select_related("organisation", "person", "api_key")
    return list(rows.order_by("id" if query.direction == "ASC" else "-id"))


def _all_organisations() -> frozenset[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(_ORGANISATIONS)
        return frozenset(row[0] for row in cursor.fetchall())
