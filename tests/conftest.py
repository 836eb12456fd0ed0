"""The standing cast, a sealed release, and the doors."""

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client

from accounts import counters, doors, row_scope
from accounts.actors import Actor
from accounts.keys import find_key, issue_key
from accounts.models import Organisation, Person, Role
from accounts.tokens import find_grant
from ml_models import training
from ml_models.manifest import Manifest
from ml_models.registry import ReleaseStore
from predictions import lifecycle, releases
from predictions.models import Release
from tests.cast import make_person, sign_in
from tests.panels import transbig
from tests.policies import force_policies
from tests.product import Product, new_place, remove_place

Post = Callable[..., Any]

IMMUTABLE = (
    "audit.case_key",
    "predictions_cohortrefusal",
    "predictions_madereport",
    "predictions_platformprofile",
    "predictions_erasurecompletion",
    "predictions_erasuredecision",
    "predictions_erasurerequest",
    "predictions_retentionrule",
    "predictions_retentionproposal",
    "predictions_shadowreading",
    "predictions_review",
    "predictions_prediction",
    "predictions_cohort",
    "predictions_activation",
    "predictions_proposal",
    "predictions_release",
    "audit.anchoring",
    "audit.checkpoint",
    "audit.subtree",
    "audit.leaf",
    "audit.event",
)


@pytest.fixture(scope="session")
def product() -> Iterator[Product]:
    """The whole product on its first start, shared by the tests that look at it from outside."""
    place = new_place()
    with Product(place / "state") as running:
        yield running
    remove_place(place)


@pytest.fixture(scope="session", autouse=True)
def _see_all_rows() -> Iterator[None]:
    """Tests look at everybody's rows; requests and tasks say for themselves whose they want."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_scope, "_scope", ContextVar("tests", default=row_scope.EVERYBODY))
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Tests connect as the owner, whom policies do not hold unless they are forced to."""
    with django_db_blocker.unblock():
        force_policies()
        connection.close()


@pytest.fixture(scope="session")
def manifest() -> Manifest:
    """A release that is trained once for the whole run and sealed in the tests' own store."""
    return training.train_release(transbig(), releases.keys(), ReleaseStore(Path(settings.MODEL_STORE)))


@pytest.fixture(scope="session", autouse=True)
def _hash_passwords_quickly() -> Iterator[None]:
    """Argon2 is slow on purpose, and the cast has a password each in a thousand tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "PASSWORD_HASHERS", ["django.contrib.auth.hashers.MD5PasswordHasher"])
        yield


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a process remembers for a second is longer than a test takes; and each test counts from 0."""
    monkeypatch.setattr(counters, "NAMESPACE", f"test:{uuid4()}:")
    yield
    find_key.cache_clear()
    find_grant.cache_clear()
    doors.networks_of.cache_clear()
    releases._find_live.cache_clear()


@pytest.fixture
def release(manifest: Manifest, db: None) -> Release:
    """The release on record, and live."""
    lifecycle.start_with({"name": manifest.name, "version": manifest.version, "sha256": manifest.sha256})
    return releases.find_release()


@pytest.fixture
def clinic(db: None) -> Organisation:
    return Organisation.objects.create(slug="clinic", name="The clinic")


@pytest.fixture
def other_hospital(db: None) -> Organisation:
    return Organisation.objects.create(slug="other", name="Another hospital")


@pytest.fixture
def alice(clinic: Organisation) -> Person:
    return make_person("alice", clinic, Role.CLINICIAN)


@pytest.fixture
def audrey(clinic: Organisation) -> Person:
    return make_person("audrey", clinic, Role.AUDITOR)


@pytest.fixture
def adam(clinic: Organisation) -> Person:
    return make_person("adam", clinic, Role.ADMIN)


@pytest.fixture
def charlie(other_hospital: Organisation) -> Person:
    return make_person("charlie", other_hospital, Role.CLINICIAN)


@pytest.fixture
def alice_acting(alice: Person, clinic: Organisation) -> Actor:
    return Actor(clinic, "form", person=alice)


@pytest.fixture
def browser_of(db: None) -> Iterator[Callable[[Person], Client]]:
    """A signed-in client of a person."""

    yield lambda person: sign_in(Client(), person)
    cache.clear()


@pytest.fixture
def key(clinic: Organisation) -> str:
    return issue_key(clinic, "Lab system", ["predict", "read"])[1]


@pytest.fixture
def post(key: str) -> Post:
    """POST a body to `predict` with the clinic's key."""

    def send(body: Any, **headers: str) -> Any:
        given = {"Authorization": f"Api-Key {key}", **headers}
        return Client(raise_request_exception=False).post(
            "/api/v1/predict", body, content_type="application/json", headers=given
        )

    return send


@pytest.fixture
def transactional_db(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Rows that other connections see. Django's own would be refused by the triggers that keep them."""
    with django_db_blocker.unblock():
        yield
        with connection.cursor() as cursor:
            for table in IMMUTABLE:
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER refuse_truncate")
            roots = [*IMMUTABLE, "accounts_person", "accounts_organisation", "predictions_answeredrequest"]
            cursor.execute(f"TRUNCATE {', '.join(roots)} CASCADE")
            for table in IMMUTABLE:
                cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER refuse_truncate")
        connection.close()
