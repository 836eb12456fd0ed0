"""A store that is away, or wrongly named: told clearly and soon, and nothing is lost."""

import subprocess
import sys
import time

import pytest

from ml_models.sealing import ReleaseKeys, generate_keys
from ml_models.storage import StoreUnreachableError
from predictions import confirmation, object_stores, pickled_forms, releases
from predictions.models import Prediction, ReleaseState
from tests.emulators import AZURITE_KEY
from tests.panels import as_body, values_of
from tests.product import CHECKOUT, free_port

SDKS = ("boto3", "botocore", "azure.storage", "google.cloud.storage", "storages")


@pytest.fixture
def nowhere(monkeypatch, settings):
    """Every cloud is at an address where nobody listens."""
    address = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", address)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
    settings.AZURE_CONNECTION_STRING = (
        f"AccountName=devstoreaccount1;AccountKey={AZURITE_KEY};BlobEndpoint={address}/devstoreaccount1;"
    )


@pytest.fixture
def opened_anew():
    """What this process has opened of releases is forgotten, before and after."""
    caches = (releases._open_manifest, releases._open_portable, pickled_forms._open_pickled)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


@pytest.mark.parametrize("location", ["s3://away/x", "azure://away/x", "gs://away/x"])
def test_a_store_that_is_away_is_told_within_seconds(nowhere, location):
    storage = object_stores.open_storage(location)
    started = time.monotonic()
    with pytest.raises(StoreUnreachableError, match=f"^{location}/a/1.0.0/seal.json: "):
        storage.read("a/1.0.0/seal.json", 10)
    with pytest.raises(StoreUnreachableError, match=f"^{location}/"):
        storage.paths()
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("location", ["ftp://server/models", "s3://", "gs:///models"])
def test_an_address_of_no_store_is_told(location):
    with pytest.raises(StoreUnreachableError, match=f"MODEL_STORE is {location}: not a path"):
        object_stores.open_storage(location)


@pytest.mark.parametrize("text", ["", "no connection string"])
def test_azure_without_a_connection_string_is_told(settings, text):
    settings.AZURE_CONNECTION_STRING = text
    with pytest.raises(StoreUnreachableError, match="AZURE_STORAGE_CONNECTION_STRING"):
        object_stores.open_storage("azure://unconnected")


def test_the_api_answers_503_while_the_store_is_away(release, post, nowhere, settings, opened_anew):
    settings.MODEL_STORE = "s3://away/models"
    response = post(as_body(values_of(0)))
    assert response.status_code == 503
    assert response["Retry-After"]


def test_predictions_wait_while_the_store_is_away(release, post, nowhere, settings, opened_anew, caplog):
    assert post(as_body(values_of(0))).status_code == 201
    settings.MODEL_STORE = "s3://away/models"
    assert confirmation.confirm_waiting() == 0
    assert "its readings wait" in caplog.text
    assert_still_waiting(release)


def test_predictions_wait_for_a_worker_that_has_the_new_key(release, post, settings, opened_anew):
    assert post(as_body(values_of(0))).status_code == 201
    keys = ReleaseKeys(generate_keys().encryption, releases.keys().public)
    settings.MODEL_KEYS_ENVIRONMENT = settings.MODEL_KEYS_ENVIRONMENT | {
        "MODEL_ENCRYPTION_KEY": keys.encryption_text
    }
    assert confirmation.confirm_waiting() == 0
    assert_still_waiting(release)


def assert_still_waiting(release):
    release.refresh_from_db()
    assert release.state == ReleaseState.LIVE
    assert Prediction.objects.get().second_reading_at is None


def test_a_folder_costs_no_cloud_library():
    code = (
        "import django, sys; django.setup(); from predictions import releases; "
        "import predictions.api.views, predictions.views; releases.store().names(); "
        f"print([name for name in {SDKS!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
