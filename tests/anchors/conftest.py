"""Four kinds of anchor, each empty and behind the same interface."""

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient
from google.cloud import storage as google_storage

from accounts.anchors import Anchor, open_anchor

Make = Callable[[], Anchor]


@pytest.fixture
def locked_bucket(s3_server: None) -> str:
    """An S3 bucket with Object Lock."""
    return _made(lambda name: boto3.client("s3").create_bucket(Bucket=name, ObjectLockEnabledForBucket=True))


@pytest.fixture
def plain_bucket(s3_server: None) -> str:
    return _made(lambda name: boto3.client("s3").create_bucket(Bucket=name))


@pytest.fixture
def google_bucket(gcs_server: None) -> str:
    return _made(google_storage.Client().create_bucket)


@pytest.fixture
def container(azure_server: str) -> ContainerClient:
    service = BlobServiceClient.from_connection_string(azure_server)
    return service.get_container_client(_made(service.create_container))


@pytest.fixture
def make_s3(locked_bucket: str) -> Make:
    return lambda: open_anchor(f"s3://{locked_bucket}/ledger/notes?retain_days=3650")


@pytest.fixture
def make_gcs(google_bucket: str) -> Make:
    return lambda: open_anchor(f"gs://{google_bucket}/ledger/notes?retain_days=3650")


@pytest.fixture
def make_azure(container: ContainerClient, azure_server: str) -> Make:
    url = f"azure://{container.container_name}/ledger/notes?retain_days=3650"
    return lambda: open_anchor(url, azure_connection_string=azure_server)


@pytest.fixture
def make_file(tmp_path: Path) -> Make:
    return lambda: open_anchor(f"file://{tmp_path}/notes.log")


@pytest.fixture(params=["file", "s3", "gcs", "azure"])
def make(request: pytest.FixtureRequest) -> Make:
    """Open the one anchor of this test, each time anew as another process would."""
    opener: Make = request.getfixturevalue(f"make_{request.param}")
    return opener


@pytest.fixture
def anchor(make: Make) -> Anchor:
    return make()


def _made(make: Callable[[str], Any]) -> str:
    name = f"test-{uuid.uuid4().hex}"
    make(name)
    return name
