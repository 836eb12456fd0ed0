"""How `manage.py up` brings the first release into the store."""

import pytest

from breastrisk.embedded.process import ServerFailed
from breastrisk.embedded.state import StateDirectory
from breastrisk.supervisor import Supervisor
from ml_models.registry import ReleaseStore
from ml_models.sealing import generate_keys
from predictions import releases


@pytest.fixture
def supervisor(manifest, tmp_path):
    """One whose training has just ended."""
    supervisor = Supervisor(StateDirectory(tmp_path / "state"), "127.0.0.1", 0)
    releases.store().copy(manifest.name, manifest.version, ReleaseStore(supervisor._drafts))
    return supervisor


@pytest.fixture
def trained(manifest):
    return {"name": manifest.name, "version": manifest.version, "sha256": manifest.sha256}


def test_the_release_is_copied_to_where_the_store_is(supervisor, trained, settings, tmp_path):
    settings.MODEL_STORE = str(tmp_path / "models")
    assert supervisor._publish(trained) == trained
    assert releases.store().names() == [(trained["name"], trained["version"])]


def test_where_another_start_was_faster_its_release_is_used(supervisor, trained):
    """Here the store has it already; the digest that goes on record is that of the stored one."""
    assert supervisor._publish(trained | {"sha256": "0" * 64}) == trained


def test_a_store_that_cannot_be_reached_is_told(supervisor, trained, settings):
    settings.MODEL_STORE = "ftp://server/models"
    with pytest.raises(ServerFailed, match="The first release cannot be stored: MODEL_STORE is ftp://server"):
        supervisor._publish(trained)


def test_a_stored_release_that_others_signed_is_told(supervisor, trained, settings):
    settings.MODEL_KEYS_ENVIRONMENT = settings.MODEL_KEYS_ENVIRONMENT | {
        "MODEL_PUBLIC_KEYS": generate_keys().public_text
    }
    with pytest.raises(ServerFailed, match="no pinned key signed this release"):
        supervisor._publish(trained)
