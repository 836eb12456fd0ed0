"""An audit trail of millions of events in a scratch database, made in minutes.

The database's own trigger would take an hour for that: it is off while the rows are made, and they come with
the columns that it would have stamped. Their MACs are no MACs; only the pages are measured here.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.models import ApiKey, Membership, Organisation, Person, Role

ORGANISATIONS, PEOPLE_EACH = 30, 20
RELEASES = ["rotterdam76-ridge 1.0.0", "rotterdam76-ridge 1.1.0", "rotterdam76-ridge 1.2.0"]
YEARS = 3
LATER = datetime(2099, 1, 1, tzinfo=UTC)
BATCH = 1_000_000
# The first organisation has a third of it all, the last a hundredth; a case has some ten events.
FILL = r"""
WITH given AS (
    SELECT %(actions)s::text[] AS actions, %(organisations)s::uuid[] AS organisations,
           %(people)s::uuid[] AS people, %(keys)s::uuid[] AS keys, %(releases)s::text[] AS releases,
           %(reasons)s::text[] AS reasons
), drawn AS (
    SELECT i, now() - make_interval(years => %(years)s) * (1 - i::float8 / %(rows)s) AS at,
           floor(%(many)s * power(random(), 3))::int AS place,
           actions[1 + floor(100 * random())::int] AS action
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS i, given
), sorted AS (
    SELECT *, action LIKE 'prediction.%%' AS of_case, action LIKE 'prediction.%%' AND i %% 2 = 0 AS by_key
    FROM drawn
), facts AS (
    SELECT i, at, action, organisations[1 + place] AS organisation, reasons[1 + i %% 3] AS reason,
           CASE WHEN by_key THEN keys[1 + place] END AS key,
           CASE WHEN NOT by_key THEN people[1 + place * %(each)s + floor(random() * %(each)s)::int]
           END AS person,
           CASE WHEN of_case THEN encode(sha256(convert_to(
               place || ':' || floor(random() * %(rows)s / 300)::int, 'UTF8')), 'hex') END AS digest,
           CASE WHEN of_case THEN releases[1 + 3 * i / (%(rows)s + 1)] END AS release,
           CASE WHEN action IN ('prediction.made', 'prediction.disclosed') THEN gen_random_uuid()
           END AS prediction
    FROM sorted, given
), bodies AS (
    SELECT *, jsonb_strip_nulls(jsonb_build_object(
        'action', action, 'api_key', key, 'case_digest', digest, 'format', 2, 'nonce', to_hex(i),
        'door', CASE WHEN key IS NULL THEN 'form' ELSE 'api' END, 'organisation', organisation,
        'person', person, 'prediction', prediction, 'release', release,
        'problems', CASE action WHEN 'prediction.refused' THEN jsonb_build_object(reason, 1 + i %% 3) END
    ))::text AS body
    FROM facts
)
INSERT INTO audit.event (id, recorded_us, action, organisation_id, person_id, api_key_id, case_digest,
                         release, prediction_id, body, mac)
SELECT audit.uuid7(at), floor(extract(epoch FROM at) * 1000000)::bigint, action, organisation, person, key,
       digest, release, prediction, convert_to(body, 'UTF8'), sha256(int8send(i))
FROM bodies
"""
PERCENT = {
    "prediction.made": 44,
    "prediction.disclosed": 38,
    "prediction.refused": 6,
    "predictions.listed": 6,
    "person.signed_in": 2,
    "person.signed_out": 1,
    "sign_in.failed": 1,
    "audit.listed": 1,
    "request.refused": 1,
}
REASONS = ["unit-mismatch", "gene-missing", "sample-unlike"]


@dataclass(frozen=True)
class Cast:
    """Who and what there is to search for."""

    auditor: Person
    organisations: list[Organisation]
    people: list[Person]
    keys: list[ApiKey]


def fill(rows: int) -> Cast:
    """Make so many events, spread over three years up to now, and whoever they are about."""
    cast = _make_cast()
    indexes = _drop_indexes()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit.event DISABLE TRIGGER stamp")
        for first in range(0, rows, BATCH):
            cursor.execute(FILL, _parameters(cast, rows, first))
        cursor.execute("ALTER TABLE audit.event ENABLE ALWAYS TRIGGER stamp")
        cursor.execute("SET maintenance_work_mem = '1GB'")
        for statement in indexes:
            cursor.execute(statement)
        cursor.execute("VACUUM ANALYZE audit.event")
    return cast


def _make_cast() -> Cast:
    numbers = range(ORGANISATIONS)
    organisations = [Organisation(slug=f"hospital-{n}", name=f"Hospital {n}") for n in numbers]
    Organisation.objects.bulk_create(organisations)
    people = [
        Person(email=f"person-{n}@hospital.example", name=f"Person {n}", is_staff=True)
        for n in range(ORGANISATIONS * PEOPLE_EACH)
    ]
    Person.objects.bulk_create(people)
    keys = [
        ApiKey(organisation=organisation, name="Laboratory", prefix=f"bench{n}", expires_at=LATER)
        for n, organisation in enumerate(organisations)
    ]
    ApiKey.objects.bulk_create(keys)
    Membership.objects.create(person=people[0], organisation=organisations[0], role=Role.AUDITOR)
    return Cast(people[0], organisations, people, keys)


def _parameters(cast: Cast, rows: int, first: int) -> dict[str, Any]:
    return {
        "rows": rows,
        "first": first,
        "last": min(first + BATCH, rows) - 1,
        "years": YEARS,
        "each": PEOPLE_EACH,
        "many": ORGANISATIONS,
        "actions": [action for action, share in PERCENT.items() for _ in range(share)],
        "reasons": REASONS,
        "releases": RELEASES,
        "organisations": _ids(cast.organisations),
        "people": _ids(cast.people),
        "keys": _ids(cast.keys),
    }


def _ids(things: list[Organisation] | list[Person] | list[ApiKey]) -> list[UUID]:
    return [thing.id for thing in things]


def _drop_indexes() -> list[str]:
    """Making them once at the end takes a fraction of the time. Returns how to make them again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes "
            "WHERE schemaname = 'audit' AND tablename = 'event' AND indexname <> 'event_pkey'"
        )
        found: list[tuple[str, str]] = cursor.fetchall()
        for name, _ in found:
            cursor.execute(f"DROP INDEX audit.{name}")
    return [definition for _, definition in found]
