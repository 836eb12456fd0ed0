"""The embedded servers that the tests run against; loaded with `-p tests.servers`, ahead of the settings.

They keep their state in a directory of their own, so that tests never meet a running product.
"""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from breastrisk.embedded import postgres, valkey
from breastrisk.embedded.process import Server
from breastrisk.embedded.state import StateDirectory

# As root the servers run as another user, who has to pass through the directory.
_state = Path(tempfile.mkdtemp(prefix="breastrisk-tests-"))
_state.chmod(0o711)
os.environ["BREASTRISK_STATE"] = str(_state)
os.environ["MODEL_STORE"] = str(_state / "releases")
_embeds_postgres = "DATABASE_URL" not in os.environ
# Tests make and drop databases, and go behind the back of triggers: they are the owner.
os.environ.setdefault("DATABASE_URL", postgres.url(StateDirectory.default()))
_running: list[Server] = []


def pytest_configure(config: pytest.Config) -> None:
    if config.option.collectonly:
        return
    state = StateDirectory.default()
    if _embeds_postgres:
        _running.append(postgres.start(state))
    if "REDIS_URL" not in os.environ:
        _running.append(valkey.start(state))


def pytest_unconfigure() -> None:
    for server in reversed(_running):
        server.stop()
    shutil.rmtree(_state, ignore_errors=True)
