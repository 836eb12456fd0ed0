from collections.abc import Iterator
from itertools import islice
from os import urandom
from typing import Any
from uuid import UUID

import django.db.models.deletion
from django.db import migrations, models
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts import case_keys, ledger
from predictions.sealed_contents import seal_contents

PLAIN = ("case_reference", "sample_id", "age_years", "panel", "result")
GUARDS = {
    "predictions_prediction": "refuse_update",
    "predictions_shadowreading": "refuse_change",
    "predictions_proposal": "refuse_change",
}
GROUP = 500


def seal_everything(apps: Any, schema_editor: Any) -> None:
    """What stood in the clear goes into the sealed columns, and out of the plain ones before they are dropped."""
    schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table, guard in GUARDS.items():
        schema_editor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {guard}")
    rows = {
        name: apps.get_model("predictions", name).objects.using(schema_editor.connection.alias).order_by("id")
        for name in ("Prediction", "ShadowReading", "Proposal")
    }
    _seal_predictions(rows["Prediction"], KeyRing(apps, schema_editor.connection.alias))
    _seal_readings(rows["ShadowReading"])
    _seal_reports(rows["Proposal"], rows["Prediction"])
    for table, guard in GUARDS.items():
        schema_editor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {guard}")


class KeyRing:
    """The keys of the cases met so far; whoever names no case gets a new one each time."""

    def __init__(self, apps: Any, alias: str) -> None:
        self.table = apps.get_model("accounts", "CaseKey").objects.using(alias)
        self.known: dict[tuple[UUID, str], Any] = {}

    def key_of(self, prediction: Any) -> Any:
        organisation, reference = prediction.organisation_id, prediction.case_reference
        if not reference:
            return self._make(organisation, None)
        digest = ledger.case_digest(organisation, reference)
        if (organisation, digest) not in self.known:
            self.known[organisation, digest] = self._make(organisation, digest)
        return self.known[organisation, digest]

    def _make(self, organisation: UUID, digest: str | None) -> Any:
        key_id = uuid7()
        wrapped = case_keys.wrap(urandom(case_keys.KEY_SIZE), key_id, organisation)
        facts = {"organisation_id": organisation, "case_digest": digest, "created_at": timezone.now()}
        return self.table.create(id=key_id, **facts, **wrapped)


def _seal_predictions(predictions: Any, keys: KeyRing) -> None:
    for group in _groups(predictions):
        for prediction in group:
            key = keys.key_of(prediction)
            contents = {name: getattr(prediction, name) for name in PLAIN}
            row = (prediction.id, prediction.organisation_id)
            prediction.case_key, prediction.sealed = key, seal_contents(contents, key, *row)
            prediction.case_reference, prediction.sample_id, prediction.age_years = "", "", None
            prediction.panel, prediction.result = {}, {}
        predictions.bulk_update(group, ["case_key", "sealed", *PLAIN])


def _seal_readings(readings: Any) -> None:
    for group in _groups(readings.filter(refused="").select_related("prediction__case_key")):
        for reading in group:
            answered = reading.prediction
            row = (reading.id, answered.id, answered.organisation_id)
            reading.sealed = seal_contents(reading.result, answered.case_key, *row)
            reading.result = None
        readings.bulk_update(group, ["sealed", "result"])


def _seal_reports(proposals: Any, predictions: Any) -> None:
    for proposal in proposals:
        worst = proposal.report["worst"]
        answered = predictions.select_related("case_key").in_bulk([row["prediction"] for row in worst])
        by_name = {str(prediction_id): prediction for prediction_id, prediction in answered.items()}
        proposal.report["worst"] = [_sealed(row, by_name[row["prediction"]], proposal.id) for row in worst]
        proposals.bulk_update([proposal], ["report"])


def _sealed(row: dict[str, Any], prediction: Any, proposal_id: UUID) -> dict[str, Any]:
    bound = (proposal_id, prediction.id, prediction.organisation_id)
    sealed = seal_contents(row, prediction.case_key, *bound)
    return {"prediction": row["prediction"], "sealed": sealed.hex()}


def _groups(rows: Any) -> Iterator[list[Any]]:
    remaining = rows.iterator(GROUP)
    while group := list(islice(remaining, GROUP)):
        yield group


class Migration(migrations.Migration):
    dependencies = [("predictions", "0004_lifecycle_rules"), ("accounts", "0005_case_keys")]

    operations = [
        migrations.AddField(
            model_name="prediction",
            name="case_key",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="accounts.casekey",
            ),
        ),
        migrations.AddField("prediction", "sealed", models.BinaryField(null=True)),
        migrations.AddField("shadowreading", "sealed", models.BinaryField(null=True)),
        migrations.RemoveConstraint("shadowreading", "shadow_reading_whole"),
        migrations.RunPython(seal_everything),
        migrations.AlterField("prediction", "sealed", models.BinaryField()),
        *(migrations.RemoveField("prediction", name) for name in PLAIN),
        migrations.RemoveField("shadowreading", "result"),
        migrations.AddConstraint(
            model_name="prediction",
            constraint=models.CheckConstraint(
                condition=models.Q(("case_key__isnull", False)), name="prediction_sealed_under_a_key"
            ),
        ),
        migrations.AddConstraint(
            model_name="shadowreading",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("refused", ""), ("sealed__isnull", False)),
                    models.Q(models.Q(("refused", ""), _negated=True), ("sealed__isnull", True)),
                    _connector="OR",
                ),
                name="shadow_reading_whole",
            ),
        ),
        # Ciphertext cannot be compressed: Postgres need not try.
        migrations.RunSQL("ALTER TABLE predictions_prediction ALTER COLUMN sealed SET STORAGE EXTERNAL"),
    ]
