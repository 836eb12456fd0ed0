"""What each role of the database may do with the audit trail, tried from a connection of its own."""

import os
from contextlib import closing
from urllib.parse import urlsplit

import psycopg2
import pytest
from django.db import connection

from accounts.database_roles import SIGNING_IN, separate_roles

pytestmark = pytest.mark.django_db

PASSWORDS = {role: f"password of {role}" for role in SIGNING_IN}

# Everybody is refused the first group; who may do what of the others stands beside it.
FORBIDDEN = """
UPDATE audit.event SET body = 'forged'
UPDATE audit.event SET action = 'forged'
UPDATE audit.event SET mac = mac
DELETE FROM audit.event
TRUNCATE audit.event CASCADE
TRUNCATE predictions_prediction CASCADE
UPDATE predictions_review SET verdict = 'agree'
DELETE FROM predictions_review
TRUNCATE predictions_review
TRUNCATE predictions_madereport
TRUNCATE predictions_platformprofile
INSERT INTO audit.event (id, recorded_us, body, mac) SELECT id, 0, body, mac FROM audit.event
INSERT INTO audit.event (body, mac, person_id) VALUES ('', sha256(''), gen_random_uuid())
ALTER TABLE audit.event DISABLE TRIGGER ALL
ALTER TABLE audit.event DISABLE TRIGGER stamp
ALTER TABLE predictions_prediction DISABLE TRIGGER refuse_update
DROP TRIGGER refuse_change ON audit.event
DROP TABLE audit.event CASCADE
DROP SCHEMA audit CASCADE
ALTER SCHEMA audit RENAME TO forged
ALTER TABLE audit.event RENAME TO forged
ALTER TABLE audit.event ADD COLUMN forged text
ALTER TABLE audit.event OWNER TO CURRENT_USER
CREATE TABLE audit.forged ()
CREATE TABLE public.forged ()
CREATE OR REPLACE FUNCTION audit.refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'
CREATE OR REPLACE FUNCTION audit.stamp_event() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'
CREATE FUNCTION audit.forged() RETURNS int LANGUAGE sql AS 'SELECT 1'
CREATE TRIGGER forged BEFORE INSERT ON audit.event FOR EACH ROW EXECUTE FUNCTION audit.stamp_event()
CREATE RULE forged AS ON INSERT TO audit.event DO INSTEAD NOTHING
ALTER TABLE audit.event ENABLE ROW LEVEL SECURITY
SET session_replication_role = replica
SET ROLE {ledger}
GRANT {ledger} TO CURRENT_USER
GRANT ALL ON audit.event TO CURRENT_USER; UPDATE audit.event SET body = body
ALTER ROLE CURRENT_USER SUPERUSER
CREATE ROLE {database}_forged
CALL audit.separate_roles()
UPDATE audit.leaf SET leaf = sha256('')
UPDATE audit.checkpoint SET root = sha256('')
DELETE FROM audit.leaf
DELETE FROM audit.checkpoint
DELETE FROM audit.anchoring
TRUNCATE audit.leaf, audit.subtree, audit.checkpoint, audit.anchoring
COPY audit.event TO PROGRAM 'cat'
COPY audit.event FROM '/etc/passwd'
""".strip().splitlines()
ALLOWED = {
    "INSERT INTO audit.event (body, mac) VALUES ('{\"action\": \"test\"}', sha256(''))": {"app"},
    "INSERT INTO audit.leaf VALUES (0, gen_random_uuid(), sha256(''))": {"sealer"},
    "INSERT INTO audit.subtree VALUES (8, 0, sha256(''))": {"sealer"},
    "INSERT INTO audit.checkpoint VALUES (0, 1, sha256(''), 0, sha256(''), '')": {"sealer"},
    "UPDATE audit.case_key SET wrapped = wrapped": {"eraser"},
    "DELETE FROM audit.case_key": {"eraser"},
    "UPDATE audit.case_key SET case_digest = NULL": {"app"},
    "SELECT count(*) FROM predictions_erasuredecision": {"app", "eraser"},
    "SELECT wrapped FROM audit.case_key": {"app", "auditor", "eraser"},
    "SELECT count(*) FROM audit.event": {"app", "sealer", "auditor"},
    "SELECT count(*) FROM audit.leaf": {"app", "sealer", "auditor"},
    "SELECT count(*) FROM predictions_prediction": {"app", "auditor"},
    "SELECT count(*) FROM predictions_review": {"app", "auditor"},
    "SELECT count(*) FROM predictions_madereport": {"app", "auditor"},
    "SELECT count(*) FROM predictions_platformprofile": {"app", "auditor"},
    "SELECT password FROM accounts_person": {"app"},
    "SELECT secret_sha256 FROM accounts_apikey": {"app"},
    "DELETE FROM django_session": {"app"},
    "UPDATE accounts_organisation SET name = name": {"app"},
    "UPDATE predictions_cohortinput SET wrapped = wrapped": {"app"},
}


@pytest.fixture(scope="module")
def addresses(django_db_setup, django_db_blocker):
    """Where each role signs in to the test database."""
    with django_db_blocker.unblock():
        separate_roles(PASSWORDS)
        name = connection.settings_dict["NAME"]
        connection.close()
    host = urlsplit(os.environ["DATABASE_URL"]).netloc.rpartition("@")[2]
    return {
        role: f"postgresql://{name}_{role}:{password.replace(' ', '%20')}@{host}/{name}"
        for role, password in PASSWORDS.items()
    }


def attempt(address, statement):
    """Whether the statement is let through; nothing stays of it."""
    with closing(psycopg2.connect(address)) as attacker, attacker.cursor() as cursor:
        database = attacker.info.dbname
        try:
            cursor.execute(
                statement.format(ledger=f"{database}_ledger", database=database)
                if "{ledger}" in statement or "{database}" in statement
                else statement
            )
        except psycopg2.errors.InsufficientPrivilege:
            return False
        return True


@pytest.mark.parametrize("role", SIGNING_IN)
@pytest.mark.parametrize("statement", FORBIDDEN)
def test_no_role_may_do_what_would_change_the_trail(addresses, role, statement):
    assert not attempt(addresses[role], statement)


@pytest.mark.parametrize("statement", ALLOWED)
def test_each_role_may_do_its_own_thing_and_nothing_of_the_others(addresses, statement):
    assert {role for role in SIGNING_IN if attempt(addresses[role], statement)} == ALLOWED[statement]


def test_nobody_signs_in_as_the_owner_of_the_trail(addresses):
    with closing(psycopg2.connect(addresses["app"])) as visitor, visitor.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT pg_get_userbyid(relowner), rolcanlogin FROM pg_class JOIN pg_roles r "
            "ON r.oid = relowner WHERE relnamespace = 'audit'::regnamespace"
        )
        assert cursor.fetchall() == [(f"{visitor.info.dbname}_ledger", False)]
