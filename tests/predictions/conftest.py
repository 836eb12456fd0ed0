"""Further releases, and the people who decide on them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.conf import settings
from django.db import connection

from accounts.actors import Actor, Steward
from accounts.models import Organisation, Person, Role
from ml_models import training
from ml_models.manifest import Manifest, Thresholds
from ml_models.registry import ReleaseStore
from predictions import releases, submission
from predictions.intake.measurements import Measurement, PanelRequest
from predictions.models import Prediction, Release
from tests.cast import make_person
from tests.panels import age_of, transbig, values_of

IMMUTABLE = (
    "audit.case_key",
    "predictions_erasurecompletion",
    "predictions_erasuredecision",
    "predictions_erasurerequest",
    "predictions_retentionrule",
    "predictions_retentionproposal",
    "predictions_shadowreading",
    "predictions_prediction",
    "predictions_activation",
    "predictions_proposal",
    "predictions_release",
    "audit.event",
)


def train(version: str, genes: int = 69, thresholds: Thresholds | None = None) -> Manifest:
    """A release that is quick to train: other seed, one round of cross-validation, and what a test wants."""
    data = transbig()
    provenance = replace(data.provenance, thresholds=thresholds or data.provenance.thresholds)
    data = replace(
        data, values=data.values[:, :genes].copy(), panel=data.panel[:genes], provenance=provenance
    )
    store = ReleaseStore(Path(settings.MODEL_STORE))
    with mock.patch.multiple(training, REPEATS=1, METRIC_BOOTSTRAPS=20):
        return training.train_release(data, releases.keys(), store, version=version, seed=1)


def registered(manifest: Manifest) -> Release:
    return releases.register({"name": manifest.name, "version": manifest.version, "sha256": manifest.sha256})


@pytest.fixture(scope="session")
def candidate_manifest() -> Manifest:
    """Its gate is stricter than the first release's on the order of the genes, and laxer on the scale."""
    thresholds = Thresholds(
        spearman_minimum=0.85, platform_spearman_minimum=0.40, mean_absolute_z_maximum=3.0
    )
    return train("1.1.0", thresholds=thresholds)


@pytest.fixture(scope="session")
def narrow_manifest() -> Manifest:
    """It knows the first 60 of the 69 genes."""
    return train("1.2.0", genes=60)


@pytest.fixture
def candidate(release: Release, candidate_manifest: Manifest) -> Release:
    """On record beside the live release."""
    return registered(candidate_manifest)


@pytest.fixture
def narrow(release: Release, narrow_manifest: Manifest) -> Release:
    return registered(narrow_manifest)


@pytest.fixture
def ada(other_hospital: Organisation) -> Person:
    """The administrator of another hospital."""
    return make_person("ada", other_hospital, Role.ADMIN)


@pytest.fixture
def sue(db: None) -> Person:
    """The superuser, who belongs to no organisation."""
    return Person.objects.create_superuser("sue@clinic.example", name="Sue")


@pytest.fixture
def proposer(adam: Person) -> Steward:
    return Steward(adam, "form")


@pytest.fixture
def approver(audrey: Person) -> Steward:
    return Steward(audrey, "form")


@pytest.fixture
def submit(alice_acting: Actor) -> Callable[..., Prediction]:
    """Alice asks about a patient of GSE7390."""

    def ask(patient: int, changed: dict[str, Any] | None = None, **options: Any) -> Prediction:
        values = {**values_of(patient), **(changed or {})}
        measurements = tuple(Measurement(*item) for item in values.items())
        options = {"age_years": age_of(patient), **options}
        return submission.submit_panel(PanelRequest(measurements, "log2_intensity", **options), alice_acting)

    return ask


@pytest.fixture
def transactional_db(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Rows that other connections see. Django's own would be refused by the triggers that keep them."""
    with django_db_blocker.unblock():
        yield
        with connection.cursor() as cursor:
            for table in IMMUTABLE:
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER refuse_truncate")
            cursor.execute(f"TRUNCATE {', '.join(IMMUTABLE)}, accounts_person, accounts_organisation CASCADE")
            for table in IMMUTABLE:
                cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER refuse_truncate")
        connection.close()
