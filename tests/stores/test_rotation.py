"""`manage.py rotate_model_key`: rehearsed, interrupted, repeated."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Event
from breastrisk import model_keys
from breastrisk.embedded.state import StateDirectory
from ml_models.registry import ReleaseStore
from ml_models.sealing import Expected, ReleaseKeys, SealBroken, generate_keys, seal
from predictions import events, releases
from tests.ml_models.test_sealing import fresh

pytestmark = pytest.mark.django_db

VERSIONS = ("1.0.0", "1.0.1", "1.0.2")


@pytest.fixture
def store(manifest, settings, tmp_path):
    """Three releases in the store that MODEL_STORE names."""
    keys, expected = releases.keys(), Expected(manifest.name, manifest.version, manifest.sha256)
    pickle, onnx = (releases.store()._open(part, expected, keys)[0] for part in ("pickle", "onnx"))
    settings.MODEL_STORE = str(tmp_path / "models")
    for version in VERSIONS:
        releases.store().save(seal(fresh(manifest, version=version), pickle, onnx, keys))
    return releases.store()


@pytest.fixture
def old():
    return releases.keys()


@pytest.fixture
def both(old, settings, monkeypatch):
    """The environment gives a new key and, behind it, the old one."""
    keys = ReleaseKeys(generate_keys().encryption, old.public, old.signing, former=(old.encryption,))
    monkeypatch.setenv("MODEL_ENCRYPTION_KEY", keys.encryption_text)
    settings.MODEL_KEYS_ENVIRONMENT = settings.MODEL_KEYS_ENVIRONMENT | {
        "MODEL_ENCRYPTION_KEY": keys.encryption_text
    }
    return keys


@pytest.fixture
def kept(old, monkeypatch, tmp_path):
    """The old key is kept in a state directory."""
    monkeypatch.setenv("BREASTRISK_STATE", str(tmp_path / "state"))
    model_keys.keep(StateDirectory.default(), old)
    return StateDirectory.default()


def rotate(*arguments):
    output = io.StringIO()
    call_command("rotate_model_key", *arguments, stdout=output, stderr=output)
    return output.getvalue().splitlines()


def interrupt_after(count, monkeypatch):
    """Let the store fail from then on."""
    rewrap, left = ReleaseStore.rewrap, iter(range(count))

    def failing(*arguments):
        if next(left, None) is None:
            raise OSError("The store is away.")
        rewrap(*arguments)

    monkeypatch.setattr(ReleaseStore, "rewrap", failing)


def versions_opened_by(key, keys, store):
    def opens(version):
        try:
            return not store.awaits_rewrap("rotterdam76-ridge", version, ReleaseKeys(key, keys.public))
        except SealBroken:
            return False

    return [version for version in VERSIONS if opens(version)]


def recorded():
    found = Event.objects.filter(action=events.RELEASE_REWRAPPED).order_by("id")
    return [(event.release, json.loads(bytes(event.body))["key_id"]) for event in found]


def test_one_key_cannot_be_rotated_and_the_operator_is_told_how_to_add_one(store, old, monkeypatch):
    monkeypatch.setenv("MODEL_ENCRYPTION_KEY", old.encryption_text)
    with pytest.raises(CommandError, match="Put a new one in front of it"):
        rotate()
    assert versions_opened_by(old.encryption, old, store) == [*VERSIONS]


def test_every_release_opens_with_the_new_key_alone_and_each_is_on_record(store, old, both):
    assert rotate() == [
        *(f"rotterdam76-ridge {version}: rewrapped" for version in VERSIONS),
        f"Every release opens with key {both.encryption_id} alone. Take the former one out of "
        "MODEL_ENCRYPTION_KEY and restart web servers and workers.",
    ]
    assert versions_opened_by(both.encryption, both, store) == [*VERSIONS]
    assert versions_opened_by(old.encryption, old, store) == []
    assert recorded() == [(f"rotterdam76-ridge {version}", both.encryption_id) for version in VERSIONS]


def test_a_dry_run_tells_and_changes_nothing(store, old, both):
    assert rotate("--dry-run") == [
        *(f"rotterdam76-ridge {version}: would be rewrapped" for version in VERSIONS),
        "Nothing was changed.",
    ]
    assert versions_opened_by(old.encryption, old, store) == [*VERSIONS]
    assert recorded() == []


def test_an_interrupted_rotation_leaves_everything_readable_and_is_finished_by_the_next(
    store, old, both, monkeypatch
):
    with monkeypatch.context() as patch:
        interrupt_after(1, patch)
        with pytest.raises(CommandError, match=r"The store is away\. Keep the former key"):
            rotate()
    assert versions_opened_by(both.encryption, both, store) == ["1.0.0"]
    assert versions_opened_by(old.encryption, old, store) == ["1.0.1", "1.0.2"]
    assert [release for release, _ in recorded()] == ["rotterdam76-ridge 1.0.0"]
    assert rotate()[:2] == [
        "rotterdam76-ridge 1.0.0: opens with the new key already",
        "rotterdam76-ridge 1.0.1: rewrapped",
    ]
    assert len(recorded()) == 3


def test_a_release_that_is_broken_is_named_and_does_not_stop_the_others(store, both, settings, tmp_path):
    (tmp_path / "models" / "rotterdam76-ridge" / "1.0.1" / "manifest.json").write_text("{}")
    with pytest.raises(CommandError, match=r"1 of 3 cannot be opened\. Keep the former key"):
        rotate()
    assert [release[-5:] for release, _ in recorded()] == ["1.0.0", "1.0.2"]


def test_kept_keys_get_a_new_one_in_front_and_forget_the_former_when_all_is_done(store, old, kept):
    assert "The former one is forgotten. Restart" in rotate()[-1]
    new = ReleaseKeys.from_text(
        encryption=model_keys.read(kept)["MODEL_ENCRYPTION_KEY"], public=old.public_text
    )
    assert new.encryption != old.encryption
    assert new.former == ()
    assert versions_opened_by(new.encryption, new, store) == [*VERSIONS]


def test_kept_keys_are_both_there_after_an_interruption_and_no_third_one_is_made(
    store, old, kept, settings, monkeypatch
):
    with monkeypatch.context() as patch:
        interrupt_after(1, patch)
        with pytest.raises(CommandError):
            rotate()
    settings.MODEL_KEYS_ENVIRONMENT = model_keys.read(kept)
    new, former = settings.MODEL_KEYS_ENVIRONMENT["MODEL_ENCRYPTION_KEY"].split(",")
    assert former == old.encryption_text
    rotate()
    assert model_keys.read(kept)["MODEL_ENCRYPTION_KEY"] == new


def test_a_dry_run_makes_no_key(store, old, kept):
    rotate("--dry-run")
    assert model_keys.read(kept)["MODEL_ENCRYPTION_KEY"] == old.encryption_text
