import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models

APPEND_ONLY = """
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON predictions_madereport
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON predictions_madereport
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
ALTER TABLE predictions_madereport ENABLE ALWAYS TRIGGER refuse_change;
ALTER TABLE predictions_madereport ENABLE ALWAYS TRIGGER refuse_truncate;
-- The auditor compares both with the trail.
DO $$
BEGIN
    IF pg_has_role(current_user, (SELECT nspowner FROM pg_namespace WHERE nspname = 'audit'), 'USAGE')
       AND to_regrole(audit.role_name('ledger')::text) IS NOT NULL THEN
        CALL audit.separate_roles();
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0009_verifications"), ("predictions", "0010_review_rules")]

    operations = [
        migrations.CreateModel(
            name="MadeReport",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("template", models.CharField(max_length=12)),
                ("language", models.CharField(max_length=10)),
                ("contents_digest", models.CharField(max_length=64)),
                ("sha256", models.CharField(max_length=64, unique=True)),
                ("made_at", models.DateTimeField()),
                (
                    "event",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.event"
                    ),
                ),
                (
                    "prediction",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="predictions.prediction",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(fields=("contents_digest", "template"), name="report_made_once")
                ],
            },
        ),
        migrations.RunSQL(APPEND_ONLY),
    ]
