from django.db import migrations

# Plain SQL, for Postgres 14 and later (uuidv7() is built in only from 18). There is no way back on purpose:
# undoing this migration would drop the audit trail.
LEDGER = r"""
CREATE SCHEMA audit;

-- RFC 9562 version 7: 48 bits of milliseconds, then random bits; a v4 supplies those and the variant.
CREATE FUNCTION audit.uuid7(at timestamptz) RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT encode(
        set_bit(set_bit(
            overlay(uuid_send(gen_random_uuid())
                    PLACING substring(int8send(floor(extract(epoch FROM at) * 1000)::bigint) FROM 3)
                    FROM 1 FOR 6),
            52, 1), 53, 1), 'hex')::uuid
$$;

CREATE TABLE audit.event (
    id uuid PRIMARY KEY,
    recorded_at timestamptz NOT NULL,
    action text NOT NULL,
    organisation_id uuid,
    person_id uuid,
    api_key_id uuid,
    case_digest text,
    release text,
    prediction_id uuid,
    body bytea NOT NULL
);
CREATE INDEX event_by_organisation ON audit.event (organisation_id, id);
CREATE INDEX event_by_case ON audit.event (case_digest, id) WHERE case_digest IS NOT NULL;
CREATE INDEX event_by_person ON audit.event (person_id, id) WHERE person_id IS NOT NULL;
CREATE INDEX event_by_prediction ON audit.event (prediction_id) WHERE prediction_id IS NOT NULL;

-- Whatever the client sends, the columns are what the body and the database's own clock say.
CREATE FUNCTION audit.stamp_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    facts jsonb := convert_from(NEW.body, 'UTF8')::jsonb;
BEGIN
    NEW.recorded_at := clock_timestamp();
    NEW.id := audit.uuid7(NEW.recorded_at);
    NEW.action := facts ->> 'action';
    NEW.organisation_id := (facts ->> 'organisation')::uuid;
    NEW.person_id := (facts ->> 'person')::uuid;
    NEW.api_key_id := (facts ->> 'api_key')::uuid;
    NEW.case_digest := facts ->> 'case_digest';
    NEW.release := facts ->> 'release';
    NEW.prediction_id := (facts ->> 'prediction')::uuid;
    RETURN NEW;
END $$;
CREATE TRIGGER stamp BEFORE INSERT ON audit.event FOR EACH ROW EXECUTE FUNCTION audit.stamp_event();

CREATE FUNCTION audit.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of %.% is refused: it is append-only', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON audit.event
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON audit.event
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

-- ALWAYS: also where session_replication_role would silence an ordinary trigger.
ALTER TABLE audit.event ENABLE ALWAYS TRIGGER stamp;
ALTER TABLE audit.event ENABLE ALWAYS TRIGGER refuse_change;
ALTER TABLE audit.event ENABLE ALWAYS TRIGGER refuse_truncate;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [migrations.RunSQL(LEDGER)]
