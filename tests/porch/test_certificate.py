"""The certificate of `make run TLS=1`."""

import socket
import ssl
import stat
from datetime import timedelta
from threading import Thread

import pytest

from breastrisk import certificate
from breastrisk.certificate import ensure_certificate
from breastrisk.embedded.state import StateDirectory


def greet(files, name):
    """A handshake with a server of these files, as a client does it that trusts the certificate."""
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(*files)
    trusting = ssl.create_default_context(cafile=files[0])
    here, there = socket.socketpair()
    server = Thread(target=lambda: serving.wrap_socket(there, server_side=True).close())
    server.start()
    with trusting.wrap_socket(here, server_hostname=name) as secured:
        version = secured.version()
    server.join()
    return version


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_a_client_that_trusts_it_reaches_the_names_of_this_machine(tmp_path, name):
    assert greet(ensure_certificate(StateDirectory(tmp_path / "state"), "127.0.0.1"), name) == "TLSv1.3"


def test_it_is_kept_and_its_key_is_the_owner_s_alone(tmp_path):
    state = StateDirectory(tmp_path / "state")
    first = [file.read_bytes() for file in ensure_certificate(state, "::1")]
    again = ensure_certificate(state, "::1")
    assert [file.read_bytes() for file in again] == first
    assert stat.S_IMODE(again[1].stat().st_mode) == 0o600


def test_it_is_made_anew_before_it_ends(tmp_path, monkeypatch):
    state = StateDirectory(tmp_path / "state")
    monkeypatch.setattr(certificate, "LIFETIME", timedelta(days=29))
    first = ensure_certificate(state, "127.0.0.1")[0].read_bytes()
    monkeypatch.undo()
    assert ensure_certificate(state, "127.0.0.1")[0].read_bytes() != first
