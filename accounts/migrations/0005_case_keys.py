import django.db.models.deletion
from django.db import migrations, models

from accounts.trail_sql import ROLES_ANEW

# The one table of the schema of which rows are deleted. Of a row only the wrapping changes, or it is taken from
# its case, which is the first half of an erasure.
CASE_KEYS = r"""
CREATE TABLE audit.case_key (
    id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL REFERENCES accounts_organisation (id),
    case_digest text,
    wrapped bytea NOT NULL,
    kek_id text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (organisation_id, case_digest)
);
CREATE INDEX case_key_by_wrapping ON audit.case_key (kek_id);

CREATE FUNCTION audit.check_case_key_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(NEW) - '{wrapped,kek_id,case_digest}'::text[]
       = to_jsonb(OLD) - '{wrapped,kek_id,case_digest}'::text[]
       AND (NEW.case_digest IS NULL OR NEW.case_digest = OLD.case_digest) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'Of a case key only the wrapping is ever changed' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER check_update BEFORE UPDATE ON audit.case_key
    FOR EACH ROW EXECUTE FUNCTION audit.check_case_key_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON audit.case_key
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
ALTER TABLE audit.case_key ENABLE ALWAYS TRIGGER check_update;
ALTER TABLE audit.case_key ENABLE ALWAYS TRIGGER refuse_truncate;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_tamper_evidence")]

    operations = [
        migrations.RunSQL(CASE_KEYS),
        migrations.RunSQL(ROLES_ANEW),
        migrations.CreateModel(
            name="CaseKey",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("case_digest", models.TextField(null=True)),
                ("wrapped", models.BinaryField()),
                ("kek_id", models.TextField()),
                ("created_at", models.DateTimeField()),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                    ),
                ),
            ],
            options={"db_table": '"audit"."case_key"', "managed": False},
        ),
    ]
