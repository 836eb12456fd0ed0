"""The columns, tables and roles with which a change of the audit trail shows. Plain SQL on purpose."""

from typing import Any

from django.db import migrations

from accounts.ledger import mac_of
from accounts.trail_sql import APPEND_ONLY

EVENT = r"""
ALTER TABLE audit.event ADD COLUMN recorded_us bigint, ADD COLUMN mac bytea;
ALTER TABLE audit.event DISABLE TRIGGER refuse_change;
UPDATE audit.event SET recorded_us = floor(extract(epoch FROM recorded_at) * 1000000)::bigint;
"""

SEALED_EVENT = r"""
ALTER TABLE audit.event ENABLE ALWAYS TRIGGER refuse_change;
ALTER TABLE audit.event
    DROP COLUMN recorded_at,
    ALTER COLUMN recorded_us SET NOT NULL,
    ALTER COLUMN mac SET NOT NULL,
    ADD CONSTRAINT mac_is_whole CHECK (length(mac) = 32);
ALTER TABLE audit.event ADD COLUMN leaf bytea NOT NULL GENERATED ALWAYS AS (
    sha256('\x00'::bytea || uuid_send(id) || int8send(recorded_us) || mac || body)) STORED;
CREATE INDEX event_by_action ON audit.event (action, id);
CREATE INDEX event_by_key ON audit.event (api_key_id, id) WHERE api_key_id IS NOT NULL;
CREATE INDEX event_by_release ON audit.event (release, id) WHERE release IS NOT NULL;

CREATE OR REPLACE FUNCTION audit.stamp_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    now timestamptz := clock_timestamp();
    facts jsonb := convert_from(NEW.body, 'UTF8')::jsonb;
BEGIN
    NEW.recorded_us := floor(extract(epoch FROM now) * 1000000)::bigint;
    NEW.id := audit.uuid7(now);
    NEW.action := facts ->> 'action';
    NEW.organisation_id := (facts ->> 'organisation')::uuid;
    NEW.person_id := (facts ->> 'person')::uuid;
    NEW.api_key_id := (facts ->> 'api_key')::uuid;
    NEW.case_digest := facts ->> 'case_digest';
    NEW.release := facts ->> 'release';
    NEW.prediction_id := (facts ->> 'prediction')::uuid;
    RETURN NEW;
END $$;
"""

TREE = r"""
-- Who is in the tree of RFC 6962, and where. Written by the sealer only; no foreign key, as it would take as
-- long as the sealing, and as verification says the same of a missing event.
CREATE TABLE audit.leaf (
    idx bigint PRIMARY KEY CHECK (idx >= 0),
    event_id uuid NOT NULL UNIQUE,
    leaf bytea NOT NULL CHECK (length(leaf) = 32)
);
-- Hashes of whole subtrees of 256, 65536, ... leaves, so that a proof reads some hundred rows of millions.
CREATE TABLE audit.subtree (
    level smallint CHECK (level > 0 AND level % 8 = 0),
    idx bigint CHECK (idx >= 0),
    hash bytea NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, idx)
);
-- `number` counts from 0; `prev` is the SHA-256 of the note before.
CREATE TABLE audit.checkpoint (
    number bigint PRIMARY KEY CHECK (number >= 0),
    size bigint NOT NULL UNIQUE CHECK (size > 0),
    root bytea NOT NULL CHECK (length(root) = 32),
    at_us bigint NOT NULL,
    prev bytea NOT NULL CHECK (length(prev) = 32),
    note bytea NOT NULL
);
-- Where else a checkpoint is kept.
CREATE TABLE audit.anchoring (
    anchor text,
    size bigint REFERENCES audit.checkpoint (size),
    anchored_us bigint NOT NULL DEFAULT floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
    PRIMARY KEY (anchor, size)
);
"""

TABLES = ("audit.leaf", "audit.subtree", "audit.checkpoint", "audit.anchoring")

ROLES = r"""
-- Roles belong to the whole server, so each database has its own: DATABASE_app, DATABASE_sealer, ...
CREATE FUNCTION audit.role_name(kind text) RETURNS name LANGUAGE sql STABLE AS $$
    SELECT (current_database() || '_' || kind)::name
$$;

-- `ledger` owns the trail and can never sign in. The others get a password from whoever runs the database
-- (`manage.py secure_database`). Run again after tables were added; nothing is taken twice.
CREATE PROCEDURE audit.separate_roles() LANGUAGE plpgsql AS $$
DECLARE
    ledger name := audit.role_name('ledger');
    app name := audit.role_name('app');
    sealer name := audit.role_name('sealer');
    auditor name := audit.role_name('auditor');
    eraser name := audit.role_name('eraser');
    thing record;
BEGIN
    FOR thing IN SELECT unnest(ARRAY[ledger, app, sealer, auditor, eraser]) AS role LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = thing.role) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', thing.role);
        END IF;
    END LOOP;
    IF NOT pg_has_role(current_user, ledger, 'USAGE') THEN
        EXECUTE format('GRANT %I TO %I', ledger, current_user);
    END IF;

    EXECUTE format('ALTER SCHEMA audit OWNER TO %I', ledger);
    FOR thing IN SELECT oid::regclass AS name FROM pg_class
                 WHERE relnamespace = 'audit'::regnamespace AND relkind = 'r' AND relowner <> ledger::regrole LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO %I', thing.name, ledger);
    END LOOP;
    FOR thing IN SELECT oid::regprocedure AS name FROM pg_proc
                 WHERE pronamespace = 'audit'::regnamespace AND proowner <> ledger::regrole LOOP
        EXECUTE format('ALTER ROUTINE %s OWNER TO %I', thing.name, ledger);
    END LOOP;

    EXECUTE format('GRANT USAGE ON SCHEMA audit TO %I, %I, %I, %I', app, sealer, auditor, eraser);
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA audit TO %I, %I', app, auditor);
    EXECUTE format('GRANT INSERT (body, mac) ON audit.event TO %I', app);
    EXECUTE format('GRANT SELECT ON audit.event, audit.leaf, audit.subtree, audit.checkpoint, audit.anchoring TO %I', sealer);
    EXECUTE format('GRANT INSERT ON audit.leaf, audit.subtree, audit.checkpoint, audit.anchoring TO %I', sealer);
    -- The keys of the cases are the one thing that can be deleted, by one role (migration 0005). The
    -- application may take a key from its case, and so lock its row; the eraser may wrap it anew.
    IF to_regclass('audit.case_key') IS NOT NULL THEN
        EXECUTE format('GRANT INSERT, UPDATE (case_digest) ON audit.case_key TO %I', app);
        EXECUTE format('GRANT SELECT, DELETE, UPDATE (wrapped, kek_id) ON audit.case_key TO %I', eraser);
    END IF;

    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
    EXECUTE format('GRANT USAGE ON SCHEMA public TO %I, %I, %I', app, auditor, eraser);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO %I', app);
    EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO %I', app);
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %I', app);
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO %I', app);
    -- What is compared with the trail, and nothing that would let somebody in.
    FOR thing IN SELECT unnest(ARRAY['predictions_prediction', 'predictions_release', 'predictions_review',
        'predictions_madereport', 'predictions_cohort', 'predictions_platformprofile', 'accounts_organisation']) AS name LOOP
        IF to_regclass('public.' || thing.name) IS NOT NULL THEN
            EXECUTE format('GRANT SELECT ON public.%I TO %I', thing.name, auditor);
        END IF;
    END LOOP;
    -- The trigger that lets a key go looks for the decision, in the role of the eraser.
    IF to_regclass('public.predictions_erasuredecision') IS NOT NULL THEN
        EXECUTE format('GRANT SELECT ON public.predictions_erasuredecision TO %I', eraser);
    END IF;
END $$;

-- Where the database's owner may not create roles, everything works with one role: the product says so.
DO $$
BEGIN
    IF (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user) THEN
        CALL audit.separate_roles();
    END IF;
END $$;
"""


def authenticate_events(_apps: Any, schema_editor: Any) -> None:
    """Events from before have no MAC: it says from here on that they have not been changed since."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT id, body FROM audit.event")
        for event_id, body in cursor.fetchall():
            cursor.execute("UPDATE audit.event SET mac = %s WHERE id = %s", [mac_of(bytes(body)), event_id])


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_one_spelling")]

    operations = [
        migrations.RunSQL(EVENT),
        migrations.RunPython(authenticate_events),
        migrations.RunSQL(SEALED_EVENT),
        migrations.RunSQL(TREE),
        *(migrations.RunSQL(APPEND_ONLY.format(table=table)) for table in TABLES),
        migrations.RunSQL(ROLES),
    ]
