"""One trained, sealed release for every test of the model; training takes three seconds."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from ml_models.cohorts import TrainingData, load_transbig
from ml_models.manifest import Manifest
from ml_models.pickled import PickledModel
from ml_models.portable import PortableModel
from ml_models.registry import ReleaseStore
from ml_models.sealing import ReleaseKeys, generate_keys
from ml_models.training import train_release


@dataclass(frozen=True)
class Release:
    """A stored release with everything a test may want of it."""

    manifest: Manifest
    keys: ReleaseKeys
    root: Path
    store: ReleaseStore
    portable: PortableModel
    pickled: PickledModel

    @property
    def folder(self) -> Path:
        return self.root / self.manifest.name / self.manifest.version


@pytest.fixture(scope="session")
def transbig() -> TrainingData:
    return load_transbig()


@pytest.fixture(scope="session")
def release(transbig, tmp_path_factory) -> Release:
    keys, root = generate_keys(), tmp_path_factory.mktemp("releases")
    store = ReleaseStore(root)
    manifest = train_release(transbig, keys, store)
    which = (manifest.name, manifest.version, manifest.sha256, keys)
    return Release(manifest, keys, root, store, store.open_portable(*which), store.open_pickled(*which))
