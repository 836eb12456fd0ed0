"""A store that nobody answers for, or that accepts and never answers: told within seconds."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from accounts.anchors import AnchorAway, open_anchor
from tests.anchors.notes import note_of
from tests.emulators import AZURITE_KEY
from tests.product import free_port

URLS = ["s3://away/x", "gs://away/x", "azure://away/x"]


@pytest.fixture
def point_to(monkeypatch):
    """Let every cloud be at an address; gives their anchors."""

    def point(address):
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", address)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
        connection = f"AccountName=account;AccountKey={AZURITE_KEY};BlobEndpoint={address}/account;"
        return [open_anchor(url, azure_connection_string=connection) for url in URLS]

    return point


@pytest.fixture
def silent():
    """The address of a server that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def seconds_until_told(ask):
    started = time.monotonic()
    with pytest.raises(AnchorAway, match="://away/x: "):
        ask()
    return time.monotonic() - started


def test_where_nobody_listens_is_told_within_seconds(point_to):
    anchors = point_to(f"http://127.0.0.1:{free_port()}")
    with ThreadPoolExecutor() as pool:
        asked = [lambda anchor=anchor: anchor.keep(7, note_of(7)) for anchor in anchors]
        asked += [lambda anchor=anchor: list(anchor.notes()) for anchor in anchors]
        asked += [anchor.weaknesses for anchor in anchors]
        assert max(pool.map(seconds_until_told, asked)) < 10


def test_where_nobody_answers_is_told_within_seconds(point_to, silent):
    with ThreadPoolExecutor() as pool:
        asked = [lambda anchor=anchor: anchor.keep(7, note_of(7)) for anchor in point_to(silent)]
        assert max(pool.map(seconds_until_told, asked)) < 20


def test_a_key_of_azure_that_is_none_is_told_and_not_repeated():
    connection = "AccountName=account;AccountKey=hunter22x;BlobEndpoint=http://127.0.0.1:1/account;"
    anchor = open_anchor("azure://away/x", azure_connection_string=connection)
    with pytest.raises(AnchorAway) as told:
        anchor.keep(7, note_of(7))
    assert "hunter22" not in str(told.value)


def test_an_address_that_is_none_is_told(point_to, monkeypatch):
    s3, google, _ = point_to("http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "no address")
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "no address")
    for anchor in (s3, google):
        seconds_until_told(lambda anchor=anchor: anchor.keep(7, note_of(7)))
