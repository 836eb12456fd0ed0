"""State directories and users for the tests of the embedded servers, which are real ones."""

import os
import pwd
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2  # noqa: F401 (a forked user may not be able to read it any more)
import pytest

from breastrisk.embedded.state import StateDirectory
from tests.product import new_place, remove_place

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def place() -> Iterator[Path]:
    place = new_place()
    yield place
    remove_place(place)


@pytest.fixture
def state(place: Path) -> StateDirectory:
    return StateDirectory(place / "state")


def fork(action: Callable[[], None]) -> int:
    """Do something in a process of its own, and give its number."""
    pid = os.fork()
    if pid:
        return pid
    try:
        action()
    except BaseException:  # noqa: BLE001 (the parent sees the status)
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def do_as(uid: int, action: Callable[[], None]) -> int:
    """Do something as another user, and give the exit status."""

    def change_user_and_act() -> None:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
        action()

    return os.waitstatus_to_exitcode(os.waitpid(fork(change_user_and_act), 0)[1])


def uid_of(name: str) -> int:
    return pwd.getpwnam(name).pw_uid
