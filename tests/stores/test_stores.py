"""What every place for releases promises: a folder, S3, Azure Blob Storage and Google Cloud Storage."""

import socket
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile

from ml_models.pickled import PickledModel
from ml_models.portable import PortableModel
from ml_models.registry import (
    MANIFEST,
    MAXIMUM_SIZES,
    PART_FILES,
    SEAL,
    ReleaseExistsError,
    ReleaseMissingError,
    ReleaseStore,
)
from ml_models.sealing import ReleaseKeys, SealBroken, generate_keys
from ml_models.storage import StoreUnreachableError
from predictions import releases

WEAKENED: dict[str, Callable[[Any], Any]] = {
    "paths": lambda _: list,
    "_store_new": lambda storage: lambda key, content: storage._backend.save(key, ContentFile(content)),
}
NOT_STORABLE: Any = object()
PICKLE, ONNX = PART_FILES["pickle"], PART_FILES["onnx"]


@pytest.fixture
def which(manifest):
    """Name, version, digest and keys of the one release."""
    return (manifest.name, manifest.version, manifest.sha256, releases.keys())


@pytest.fixture
def store(storage):
    return ReleaseStore(storage)


@pytest.fixture
def filled(store, manifest):
    """The store with a release in it."""
    releases.store().copy(manifest.name, manifest.version, store)
    return store


@pytest.fixture
def received(monkeypatch):
    """How many bytes came through sockets, as of the call."""
    counts = []

    def counted(self, buffer, _readinto=socket.SocketIO.readinto):
        counts.append(count := _readinto(self, buffer))
        return count

    monkeypatch.setattr(socket.SocketIO, "readinto", counted)
    return lambda: sum(filter(None, counts))


def path_of(manifest, file):
    return f"{manifest.name}/{manifest.version}/{file}"


class TestStore:
    def test_an_empty_store_has_no_release(self, store, which):
        assert store.names() == []
        with pytest.raises(ReleaseMissingError):
            store.open_portable(*which)

    def test_what_is_stored_is_listed_and_opens_in_both_forms(self, filled, manifest, which):
        assert filled.names() == [(manifest.name, manifest.version)]
        assert filled.manifest(manifest.name, manifest.version, releases.keys()) == manifest
        assert isinstance(filled.open_portable(*which), PortableModel)
        assert isinstance(filled.open_pickled(*which), PickledModel)

    @pytest.mark.parametrize("weakened", [None, "paths", "_store_new"])
    def test_a_release_is_never_overwritten(self, filled, storage, manifest, weakened, monkeypatch):
        """Neither by one who saves at the same moment, nor where the service ignores conditions."""
        before = {path: storage.read(path, 10**8) for path in storage.paths()}
        with monkeypatch.context() as patch:
            if weakened:
                patch.setattr(storage, weakened, WEAKENED[weakened](storage), raising=False)
            with pytest.raises(ReleaseExistsError, match="never overwritten"):
                releases.store().copy(manifest.name, manifest.version, filled)
        assert {path: storage.read(path, 10**8) for path in storage.paths()} == before

    def test_what_a_killed_save_leaves_is_no_release(self, store, storage, manifest, which):
        all_but_the_manifest = {file: b"half" for file in MAXIMUM_SIZES if file != MANIFEST}
        storage.create_together(f"{manifest.name}/{manifest.version}", all_but_the_manifest)
        assert store.names() == []
        with pytest.raises(ReleaseMissingError):
            store.open_portable(*which)
        with pytest.raises(ReleaseExistsError, match="cut off"):
            releases.store().copy(manifest.name, manifest.version, store)

    def test_a_save_that_fails_leaves_nothing_and_can_be_repeated(self, store, storage, manifest):
        folder = f"{manifest.name}/{manifest.version}"
        with pytest.raises((TypeError, StoreUnreachableError)):
            storage.create_together(folder, {PICKLE: b"1", ONNX: b"2", SEAL: NOT_STORABLE})
        assert storage.paths() == []
        releases.store().copy(manifest.name, manifest.version, store)
        assert store.names() == [(manifest.name, manifest.version)]

    def test_of_another_file_no_more_is_fetched_than_could_be_accepted(self, storage, received):
        storage.create_together("big/1.0.0", {MANIFEST: bytes(4_000_000)})
        before = received()
        assert len(storage.read("big/1.0.0/manifest.json", 1000)) == 1001
        assert received() - before < 200_000

    @pytest.mark.parametrize("file", [SEAL, MANIFEST])
    def test_an_oversized_file_is_refused(self, filled, storage, manifest, which, file):
        storage.replace(path_of(manifest, file), bytes(MAXIMUM_SIZES[file] + 1))
        with pytest.raises(SealBroken, match="too_large"):
            filled.open_portable(*which)

    def test_an_altered_or_emptied_part_is_refused(self, filled, storage, manifest, which):
        path = path_of(manifest, ONNX)
        content = storage.read(path, 10**8)
        for altered in (content[:-1] + bytes([content[-1] ^ 1]), content[:-1], b""):
            storage.replace(path, altered)
            with pytest.raises(SealBroken, match="altered"):
                filled.open_portable(*which)

    def test_a_lost_part_is_missing(self, store, storage, manifest, which):
        folder = f"{manifest.name}/{manifest.version}"
        kept = {file: releases.store()._read(folder, file) for file in (ONNX, SEAL, MANIFEST)}
        storage.create_together(folder, kept)
        with pytest.raises(ReleaseMissingError, match=PICKLE):
            store.open_pickled(*which)

    def test_the_key_encryption_key_can_be_changed(self, filled, which):
        name, version, sha256, old = which
        new = ReleaseKeys(generate_keys().encryption, old.public)
        both = ReleaseKeys(new.encryption, old.public, former=(old.encryption,))
        assert filled.awaits_rewrap(name, version, both)
        assert isinstance(filled.open_portable(name, version, sha256, both), PortableModel)
        filled.rewrap(name, version, both)
        assert not filled.awaits_rewrap(name, version, both)
        assert isinstance(filled.open_portable(name, version, sha256, new), PortableModel)
        assert isinstance(filled.open_pickled(name, version, sha256, new), PickledModel)
        with pytest.raises(SealBroken, match="wrong_key"):
            filled.open_portable(*which)

    def test_names_that_could_mean_a_path_are_no_releases(self, filled):
        for name, version in (("..", "1.0.0"), ("a", "../1.0.0"), ("a/b", "1.0.0")):
            with pytest.raises(ReleaseMissingError, match="no release can be called"):
                filled.manifest(name, version, releases.keys())
