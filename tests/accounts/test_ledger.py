"""The audit trail is appended to, and nothing else, whoever asks."""

import json
import uuid

import pytest
from django.db import DatabaseError, connection, transaction

from accounts import ledger
from accounts.models import Event

pytestmark = pytest.mark.django_db


def run(statement, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit.event SET action = 'forged'",
        "UPDATE audit.event SET body = 'forged'",
        "UPDATE audit.event SET recorded_us = recorded_us - 31536000000000",
        "UPDATE audit.event SET mac = body",
        "UPDATE audit.event SET id = gen_random_uuid()",
        "DELETE FROM audit.event",
        "TRUNCATE audit.event CASCADE",
        "UPDATE audit.event SET person_id = NULL WHERE false OR true",
        "WITH gone AS (DELETE FROM audit.event RETURNING id) SELECT count(*) FROM gone",
        "MERGE INTO audit.event e USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE",
    ],
)
def test_the_database_refuses_to_change_or_remove_an_event(statement):
    entry = ledger.record("test.happened")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        run(statement)
    assert Event.objects.get(id=entry.id).action == "test.happened"


def test_silencing_ordinary_triggers_does_not_silence_these():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid IN "
            "('audit.event'::regclass, 'predictions_prediction'::regclass) AND NOT tgisinternal"
        )
        triggers = dict(cursor.fetchall())
    assert set(triggers) == {"stamp", "refuse_change", "refuse_truncate", "refuse_update", "refuse_delete"}
    assert set(triggers.values()) == {"A"}


def test_the_database_stamps_time_and_columns_whatever_the_client_sends(clinic):
    body = ledger.canonical_json({"action": "test.happened", "organisation": clinic.id})
    run(
        "INSERT INTO audit.event (id, recorded_us, action, organisation_id, body, mac) "
        "VALUES (%s, %s, %s, %s, %s, %s)",
        "00000000-0000-7000-8000-000000000000",
        915_148_800_000_000,
        "forged",
        uuid.uuid4(),
        body,
        ledger.mac_of(body),
    )
    event = Event.objects.get(action="test.happened")
    assert event.organisation == clinic
    assert event.recorded_at.year > 2025
    assert event.id.version == 7
    assert abs((event.id.int >> 80) / 1000 - event.recorded_at.timestamp()) < 0.001


def test_events_keep_their_order_in_their_identifiers():
    entries = [ledger.record("test.happened", number=number) for number in range(20)]
    assert [entry.recorded_at for entry in sorted(entries, key=lambda entry: entry.recorded_at)] == [
        entry.recorded_at for entry in entries
    ]
    assert len({entry.id for entry in entries}) == 20


def test_a_body_that_is_not_json_or_has_no_action_is_refused():
    for body in (b"not json", b"{}", b"\xff"):
        with pytest.raises(DatabaseError), transaction.atomic():
            run("INSERT INTO audit.event (body, mac) VALUES (%s, %s)", body, ledger.mac_of(body))


def test_the_body_is_kept_byte_for_byte(alice_acting):
    entry = ledger.record("test.happened", alice_acting, note="ü €", number=0.1)
    body = bytes(Event.objects.get(id=entry.id).body)
    assert body == ledger.canonical_json(json.loads(body))
    assert json.loads(body)["number"] == 0.1
    assert "ü €".encode() in body


def test_a_case_is_found_by_its_digest_and_only_within_its_organisation(clinic, other_hospital):
    digest = ledger.case_digest(clinic.id, "P-0042")
    assert digest == ledger.case_digest(clinic.id, " P-0042 ")
    assert digest != ledger.case_digest(other_hospital.id, "P-0042")
    assert "P-0042" not in digest
