from django.db import migrations

# A prediction is what was answered: only the stamp of the second reading is added, once.
IMMUTABLE = r"""
CREATE FUNCTION audit.refuse_prediction_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.second_reading_at IS NULL
       AND to_jsonb(NEW) - 'second_reading_at' - 'second_reading_difference'
         = to_jsonb(OLD) - 'second_reading_at' - 'second_reading_difference' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'A prediction is never changed after it was made'
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER refuse_update BEFORE UPDATE ON predictions_prediction
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_prediction_change();
CREATE TRIGGER refuse_delete BEFORE DELETE ON predictions_prediction
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON predictions_prediction
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
ALTER TABLE predictions_prediction ENABLE ALWAYS TRIGGER refuse_update;
ALTER TABLE predictions_prediction ENABLE ALWAYS TRIGGER refuse_delete;
ALTER TABLE predictions_prediction ENABLE ALWAYS TRIGGER refuse_truncate;
"""


class Migration(migrations.Migration):
    dependencies = [("predictions", "0001_initial"), ("accounts", "0002_ledger")]

    operations = [migrations.RunSQL(IMMUTABLE)]
