from django.db import migrations

from accounts.trail_sql import APPEND_ONLY, ROLES_ANEW

# What no CHECK can say, because it looks at two rows. `predictions.erasure` obeys the same rules; these hold
# for whoever has SQL.
RULES = r"""
CREATE UNIQUE INDEX erasure_request_as_made
    ON predictions_erasurerequest (id, requested_by_id, case_key_id, organisation_id);
CREATE UNIQUE INDEX retention_proposal_as_made
    ON predictions_retentionproposal (id, proposed_by_id, organisation_id, years);
CREATE UNIQUE INDEX retention_rule_of_organisation ON predictions_retentionrule (id, organisation_id);
ALTER TABLE predictions_erasuredecision
    ADD CONSTRAINT erasure_as_requested FOREIGN KEY (request_id, requested_by_id, case_key_id, organisation_id)
        REFERENCES predictions_erasurerequest (id, requested_by_id, case_key_id, organisation_id),
    ADD CONSTRAINT erasure_by_own_rule FOREIGN KEY (rule_id, organisation_id)
        REFERENCES predictions_retentionrule (id, organisation_id);
ALTER TABLE predictions_retentionrule
    ADD CONSTRAINT retention_as_proposed FOREIGN KEY (proposal_id, proposed_by_id, organisation_id, years)
        REFERENCES predictions_retentionproposal (id, proposed_by_id, organisation_id, years);

CREATE FUNCTION audit.check_case_key_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM predictions_erasuredecision
               WHERE case_key_id = OLD.id AND kind IN ('approved', 'by_rule', 'repeated')) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'The key of a case goes only after its erasure was decided'
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER check_delete BEFORE DELETE ON audit.case_key
    FOR EACH ROW EXECUTE FUNCTION audit.check_case_key_deletion();
ALTER TABLE audit.case_key ENABLE ALWAYS TRIGGER check_delete;
"""

TABLES = (
    "predictions_erasurerequest",
    "predictions_erasuredecision",
    "predictions_erasurecompletion",
    "predictions_retentionproposal",
    "predictions_retentionrule",
)


class Migration(migrations.Migration):
    dependencies = [("predictions", "0007_erasure_records"), ("accounts", "0005_case_keys")]

    operations = [
        migrations.RunSQL(RULES),
        migrations.RunSQL(ROLES_ANEW),
        *(migrations.RunSQL(APPEND_ONLY.format(table=table)) for table in TABLES),
    ]
