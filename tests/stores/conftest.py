"""Four places for releases, each empty and behind the same interface."""

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from azure.storage.blob import BlobServiceClient
from django.conf import settings
from google.cloud import storage as google_storage

from ml_models.storage import Storage
from predictions import object_stores
from tests.stores import emulators

Location = Callable[[], str]


@pytest.fixture(scope="session")
def environment() -> Iterator[pytest.MonkeyPatch]:
    """What an operator would set; nothing of the machine's own accounts is looked at."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("AWS_", "AZURE_", "GOOGLE_"))]:
            patch.delenv(name)
        yield patch


@pytest.fixture(scope="session")
def s3(environment: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Location]:
    with emulators.moto(tmp_path_factory.mktemp("moto") / "log") as address:
        environment.setenv("AWS_ENDPOINT_URL_S3", address)
        environment.setenv("AWS_ACCESS_KEY_ID", "key")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield lambda: f"s3://{_made(lambda name: boto3.client('s3').create_bucket(Bucket=name))}/models/here"


@pytest.fixture(scope="session")
def gcs(environment: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Location]:
    with emulators.fake_gcs_server(tmp_path_factory.mktemp("gcs") / "log") as address:
        environment.setenv("STORAGE_EMULATOR_HOST", address)
        yield lambda: f"gs://{_made(google_storage.Client().create_bucket)}/models/here"


@pytest.fixture(scope="session")
def azure(environment: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Location]:
    with emulators.azurite(tmp_path_factory.mktemp("azurite") / "log") as connection:
        environment.setattr(settings, "AZURE_CONNECTION_STRING", connection)
        service = BlobServiceClient.from_connection_string(connection)
        yield lambda: f"azure://{_made(service.create_container)}/models/here"


@pytest.fixture
def folder(tmp_path: Path) -> Location:
    return lambda: str(tmp_path / "models")


@pytest.fixture(params=["folder", "s3", "gcs", "azure"])
def location(request: pytest.FixtureRequest) -> str:
    """A MODEL_STORE with nothing in it."""
    make: Location = request.getfixturevalue(request.param)
    return make()


@pytest.fixture
def storage(location: str) -> Storage:
    return object_stores.open_storage(location)


def _made(make: Callable[[str], Any]) -> str:
    name = f"test-{uuid.uuid4().hex}"
    make(name)
    return name
