from django.db import migrations

from accounts.trail_sql import ROLES_ANEW

# What no CHECK can say, because it looks at two rows: a review and its event say the same, so that nobody with
# SQL reviews in another's name without an event that has no valid MAC.
RULES = r"""
CREATE FUNCTION audit.check_new_review() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    recorded audit.event;
    facts jsonb;
BEGIN
    SELECT * INTO recorded FROM audit.event WHERE id = NEW.event_id;
    IF recorded.action IS NOT DISTINCT FROM 'prediction.reviewed' THEN
        facts := convert_from(recorded.body, 'UTF8')::jsonb;
        IF recorded.prediction_id = NEW.prediction_id
           AND recorded.person_id = NEW.person_id
           AND recorded.organisation_id
               = (SELECT organisation_id FROM predictions_prediction WHERE id = NEW.prediction_id)
           AND facts ->> 'review' = NEW.id::text
           AND facts ->> 'verdict' = NEW.verdict
           AND facts ->> 'sealed_sha256' IS NOT DISTINCT FROM encode(sha256(NEW.sealed), 'hex') THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'A review is taken only with the event that says the same'
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER check_insert BEFORE INSERT ON predictions_review
    FOR EACH ROW EXECUTE FUNCTION audit.check_new_review();
-- For each statement: also one that finds no row is refused.
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON predictions_review
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON predictions_review
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
ALTER TABLE predictions_review ENABLE ALWAYS TRIGGER check_insert;
ALTER TABLE predictions_review ENABLE ALWAYS TRIGGER refuse_change;
ALTER TABLE predictions_review ENABLE ALWAYS TRIGGER refuse_truncate;
"""


class Migration(migrations.Migration):
    dependencies = [("predictions", "0009_reviews")]

    operations = [migrations.RunSQL(RULES), migrations.RunSQL(ROLES_ANEW)]
