"""The state directory: who may read it, what it remembers and who holds it."""

import os
import signal
import stat
from pathlib import Path

import pytest

from breastrisk.embedded import state as state_module
from breastrisk.embedded.state import StateDirectory, StateLocked, StateUnusable
from tests.embedded.conftest import fork


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_two_checkouts_are_two_installations(monkeypatch):
    monkeypatch.delenv("BREASTRISK_STATE", raising=False)
    here = StateDirectory.default().path
    monkeypatch.setattr(state_module, "CHECKOUT", Path("/elsewhere") / state_module.CHECKOUT.name)
    assert StateDirectory.default().path != here
    assert StateDirectory.default().path.parent == here.parent


def test_an_ordinary_user_keeps_it_at_home(monkeypatch):
    monkeypatch.delenv("BREASTRISK_STATE", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_STATE_HOME", "/home/alice/state")
    assert StateDirectory.default().path.parent == Path("/home/alice/state/breastrisk")


def test_the_environment_chooses_the_place(monkeypatch, place):
    monkeypatch.setenv("BREASTRISK_STATE", str(place / "chosen"))
    assert StateDirectory.default().path == place / "chosen"


def test_nobody_else_can_list_it_or_read_its_secrets(state):
    state.secret("key")
    assert mode(state.path) == (0o711 if os.geteuid() == 0 else 0o700)
    assert mode(state.path / "secrets") == mode(state.logs) == 0o700
    assert mode(state.path / "secrets" / "key") == 0o600


def test_a_secret_is_long_and_stays_the_same(state):
    secret = state.secret("key")
    assert len(secret) >= 43
    assert StateDirectory(state.path).secret("key") == secret
    assert state.secret("other") != secret


def test_the_caller_may_make_the_secret(state):
    assert state.secret("pair", lambda: "one\ntwo\n") == "one\ntwo\n"


def test_racing_processes_agree_on_a_secret(state, place):
    def note() -> None:
        (place / f"seen-{os.getpid()}").write_text(state.secret("key"))

    for pid in [fork(note) for _ in range(8)]:
        os.waitpid(pid, 0)
    assert {file.read_text() for file in place.glob("seen-*")} == {state.secret("key")}
    assert len(list(place.glob("seen-*"))) == 8
    assert [file.name for file in (state.path / "secrets").iterdir()] == ["key"]


def test_the_second_is_told_who_holds_the_lock(state):
    with state.lock("http://localhost:8000"), pytest.raises(StateLocked) as refusal:
        state.lock("http://localhost:9000")
    message = str(refusal.value)
    assert "http://localhost:8000" in message
    assert f"process {os.getpid()} since 20" in message
    assert str(state.path) in message


def test_the_lock_is_free_again_when_its_holder_is_killed(state):
    def hold() -> None:
        with state.lock("http://localhost:8000"):
            signal.pause()

    holder = fork(hold)
    while not (state.path / "lock").exists() or not (state.path / "lock").read_text():
        pass
    os.kill(holder, signal.SIGKILL)
    os.waitpid(holder, 0)
    state.lock("http://localhost:9000").close()


def test_a_directory_that_others_can_write_to_is_refused(state):
    state.path.mkdir()
    state.path.chmod(0o777)
    with pytest.raises(StateUnusable, match="BREASTRISK_STATE"):
        state.secret("key")


def test_a_link_in_its_place_is_refused(state, place):
    state.path.symlink_to(place)
    with pytest.raises(StateUnusable):
        state.secret("key")
