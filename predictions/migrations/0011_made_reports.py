import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models

from accounts.trail_sql import APPEND_ONLY, ROLES_ANEW


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
        migrations.RunSQL(APPEND_ONLY.format(table="predictions_madereport")),
        migrations.RunSQL(ROLES_ANEW),  # the auditor compares both with the trail
    ]
