"""An installation from before contents were sealed keeps all it had, and nothing of it in the clear."""

import json
from collections.abc import Iterator
from uuid import UUID

import pytest
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from uuid_utils.compat import uuid7

from predictions.models import Prediction, Proposal, ShadowReading
from predictions.sealed_contents import open_contents

BEFORE = [("accounts", "0003_one_spelling"), ("predictions", "0004_lifecycle_rules")]
TABLES = ("predictions_prediction", "predictions_shadowreading", "predictions_proposal")
PANEL = {"values": {"IL18": 7.1234987, "PLK1": None}, "unit_declared": "log2_intensity"}
RESULT = {"log_hazard": -0.25, "risk": [0.1, 0.31415926]}
READ = {"log_hazard": 0.5, "risk": [0.2, 0.27182818]}


@pytest.fixture
def old(transactional_db: None) -> Iterator[str]:
    """Another database on the same server, as it was before."""
    name = "before_sealing"
    settings = {**connections["default"].settings_dict, "NAME": name}
    with connections["default"].cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute(f"CREATE DATABASE {name}")
    connections.databases[name] = settings
    yield name
    connections[name].close()
    with connections["default"].cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name}")
    del connections.databases[name], connections[name]


def insert(cursor, table, **values):
    columns, places = ", ".join(values), ", ".join(["%s"] * len(values))
    cursor.execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", [*values.values()])


def event(cursor):
    cursor.execute(
        "INSERT INTO audit.event (body) VALUES (%s) RETURNING id", [b'{"action": "prediction.made"}']
    )
    return cursor.fetchone()[0]


def fill(cursor, references):
    """Two releases, a prediction for each reference with its shadow reading, and a proposal."""
    clinic, person, live, shadow = (uuid7() for _ in range(4))
    now = {"created_at": "2026-01-01"}
    insert(cursor, "accounts_organisation", id=clinic, slug="clinic", name="Clinic", **now)
    facts = {
        "password": "",
        "is_superuser": False,
        "is_active": True,
        "is_staff": True,
        "date_joined": "2026-01-01",
    }
    insert(cursor, "accounts_person", id=person, email="a@b.example", name="A", **facts)
    for number, release in enumerate((live, shadow)):
        since = {"registered_at": "2026-01-01", "state_changed_at": "2026-01-01", "state": "callable"}
        insert(cursor, "predictions_release", id=release, name="r", version=number, sha256=number, **since)
    made = [uuid7() for _ in references]
    for prediction, reference in zip(made, references, strict=True):
        owner = {
            "organisation_id": clinic,
            "release_id": live,
            "person_id": person,
            "event_id": event(cursor),
        }
        plain = {"case_reference": reference, "sample_id": f"S-{reference}", "age_years": 61}
        stored = {
            "panel": json.dumps(PANEL),
            "result": json.dumps(RESULT),
            "input_sha256": "0" * 64,
            "door": "form",
        }
        insert(cursor, "predictions_prediction", id=prediction, **owner, **plain, **stored, **now)
        read = {"result": json.dumps(READ), "refused": "", "read_at": "2026-01-01"}
        insert(
            cursor,
            "predictions_shadowreading",
            id=uuid7(),
            prediction_id=prediction,
            release_id=shadow,
            **read,
        )
    refused = {"refused": "wrong_scale", "read_at": "2026-01-01"}
    insert(cursor, "predictions_shadowreading", id=uuid7(), prediction_id=made[0], release_id=live, **refused)
    worst = [
        {"prediction": str(made[0]), "before_percent": [31.415926, 50.0], "after_percent": [27.182818, 51.0]}
    ]
    report = {"inputs": 3, "worst": worst}
    proposed = {"release_id": shadow, "proposed_by_id": person, "proposed_at": "2026-01-01"}
    insert(cursor, "predictions_proposal", id=uuid7(), report=json.dumps(report), **proposed)
    return made, worst


def test_rows_of_before_are_sealed_in_place_and_nothing_is_left_in_the_clear(old):
    executor = MigrationExecutor(connections[old])
    executor.migrate(BEFORE)
    with connections[old].cursor() as cursor:
        made, worst = fill(cursor, ["CANARY-1", "CANARY-1", "CANARY-2", "", ""])
    files = files_of(old)
    executor.loader.build_graph()
    executor.migrate(executor.loader.graph.leaf_nodes())

    kept = [Prediction.objects.using(old).get(id=prediction) for prediction in made]
    assert [row.case_reference for row in kept] == ["CANARY-1", "CANARY-1", "CANARY-2", "", ""]
    assert {(row.age_years, json.dumps(row.panel), json.dumps(row.result)) for row in kept} == {
        (61, json.dumps(PANEL, sort_keys=True), json.dumps(RESULT))
    }
    assert len({row.case_key_id for row in kept}) == 4
    assert kept[0].case_key_id == kept[1].case_key_id
    assert [reading.result for reading in ShadowReading.objects.using(old)].count(READ) == 5
    (row,) = Proposal.objects.using(old).get().report["worst"]
    bound = (Proposal.objects.using(old).get().id, UUID(row["prediction"]), kept[0].organisation_id)
    assert open_contents(bytes.fromhex(row["sealed"]), kept[0].key, *bound) == worst[0]
    stored = "\n".join(rows_of(old, table) for table in TABLES)
    assert [canary for canary in ("CANARY", "31.4159", "27.1828", "7.1234987") if canary in stored] == []
    assert files.isdisjoint(files_of(old))
    assert guards(old) == {"A"}


def rows_of(alias, table):
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SELECT string_agg(t::text, ' ') FROM {table} t")
        return cursor.fetchone()[0]


def files_of(alias):
    """Where the tables lie: dropped columns and dead rows stay in a file until the table is written anew."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT pg_relation_filenode(name) FROM unnest(%s) name", [[*TABLES]])
        return {file for (file,) in cursor.fetchall()}


def guards(alias):
    """How the triggers are enabled that keep these rows."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT tgenabled FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = ANY(%s::regclass[])",
            [[*TABLES]],
        )
        return {enabled for (enabled,) in cursor.fetchall()}
