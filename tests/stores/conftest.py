"""Four places for releases, each empty and behind the same interface."""

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from azure.storage.blob import BlobServiceClient
from django.conf import settings
from google.cloud import storage as google_storage

from ml_models.storage import Storage
from predictions import object_stores

Location = Callable[[], str]


@pytest.fixture(scope="session")
def s3(s3_server: None) -> Location:
    return lambda: f"s3://{_made(lambda name: boto3.client('s3').create_bucket(Bucket=name))}/models/here"


@pytest.fixture(scope="session")
def gcs(gcs_server: None) -> Location:
    return lambda: f"gs://{_made(google_storage.Client().create_bucket)}/models/here"


@pytest.fixture(scope="session")
def azure(azure_server: str, environment: pytest.MonkeyPatch) -> Location:
    environment.setattr(settings, "AZURE_CONNECTION_STRING", azure_server)
    service = BlobServiceClient.from_connection_string(azure_server)
    return lambda: f"azure://{_made(service.create_container)}/models/here"


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
