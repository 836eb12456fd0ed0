"""Sealed releases in a store.

``NAME/VERSION/`` holds ``manifest.json``, ``seal.json``, ``model.onnx.sealed`` and ``model.joblib.sealed``.
The manifest is stored last: what has none is no release.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ml_models.manifest import NAME_PATTERN, VERSION_PATTERN, Manifest, PartName
from ml_models.portable import PortableModel
from ml_models.sealing import (
    MAXIMUM_MANIFEST_SIZE,
    MAXIMUM_PART_SIZE,
    MAXIMUM_SEAL_SIZE,
    Expected,
    ReleaseKeys,
    SealBroken,
    SealedRelease,
    open_part,
    rewrapped,
    verify,
)
from ml_models.storage import Folder, Storage

if TYPE_CHECKING:
    from ml_models.pickled import PickledModel

MANIFEST = "manifest.json"
SEAL = "seal.json"
PART_FILES: dict[PartName, str] = {"onnx": "model.onnx.sealed", "pickle": "model.joblib.sealed"}
MAXIMUM_SIZES = {
    PART_FILES["pickle"]: MAXIMUM_PART_SIZE,
    PART_FILES["onnx"]: MAXIMUM_PART_SIZE,
    SEAL: MAXIMUM_SEAL_SIZE,
    MANIFEST: MAXIMUM_MANIFEST_SIZE,
}


class ReleaseExistsError(FileExistsError):
    """A release of this name and version is stored already; releases are never overwritten."""


class ReleaseMissingError(FileNotFoundError):
    """No such release, or a name that no release can have."""


class ReleaseStore:
    """Releases in a storage, or in a folder when a path is given."""

    def __init__(self, place: Storage | Path) -> None:
        self._storage = Folder(place) if isinstance(place, Path) else place

    def names(self) -> list[tuple[str, str]]:
        """Return name and version of every release, sorted; nothing of them is verified.

        Raises
        ------
        ml_models.storage.StoreUnreachableError
        """
        pairs = (
            path.removesuffix(f"/{MANIFEST}").partition("/")[::2]
            for path in self._storage.paths()
            if path.endswith(f"/{MANIFEST}")
        )
        return sorted(pair for pair in pairs if _is_possible(*pair))

    def save(self, release: SealedRelease) -> None:
        """Store a release: all of it or nothing.

        Raises
        ------
        ReleaseExistsError
        ml_models.storage.StoreUnreachableError
        """
        self._create(
            _folder(release.manifest.name, release.manifest.version),
            {
                PART_FILES["pickle"]: release.pickle,
                PART_FILES["onnx"]: release.onnx,
                SEAL: release.seal.model_dump_json().encode(),
                MANIFEST: release.manifest.canonical_bytes(),
            },
        )

    def copy(self, name: str, version: str, target: "ReleaseStore") -> None:
        """Copy a release as it lies here, unverified, into another store: all of it or nothing.

        Raises
        ------
        ReleaseExistsError
        ReleaseMissingError
        SealBroken
            When a file is larger than any that could be accepted.
        ml_models.storage.StoreUnreachableError
        """
        files = {file: self._read(_folder(name, version), file) for file in MAXIMUM_SIZES}
        target._create(_folder(name, version), files)  # noqa: SLF001 - another of ours

    def manifest(self, name: str, version: str, keys: ReleaseKeys) -> Manifest:
        """Return a manifest whose signature is verified.

        Raises
        ------
        ReleaseMissingError
        SealBroken
        """
        content, _ = verify(*self._public(name, version), keys)
        if (content.name, content.version) != (name, version):
            raise SealBroken("wrong_release", f"{name} {version} holds {content.name} {content.version}")
        return content

    def open_portable(
        self, name: str, version: str, expected_sha256: str, keys: ReleaseKeys
    ) -> PortableModel:
        """Return the ONNX form of a release.

        Parameters
        ----------
        expected_sha256 : str
            Digest of the manifest that the caller's database holds for this release.

        Raises
        ------
        ReleaseMissingError
        SealBroken
        """
        return PortableModel(*self._open("onnx", Expected(name, version, expected_sha256), keys))

    def open_pickled(
        self, name: str, version: str, expected_sha256: str, keys: ReleaseKeys
    ) -> "PickledModel":
        """Return the pickled form of a release; for workers, since it imports scikit-learn.

        Raises
        ------
        ReleaseMissingError
        SealBroken
        ml_models.pickled.WrongLibrariesError
        """
        content, manifest = self._open("pickle", Expected(name, version, expected_sha256), keys)
        from ml_models.pickled import PickledModel  # noqa: PLC0415 - the web tier does without scikit-learn

        return PickledModel(content, manifest)

    def awaits_rewrap(self, name: str, version: str, keys: ReleaseKeys) -> bool:
        """Whether the data keys of a release are wrapped with a former key-encryption key.

        Raises
        ------
        ReleaseMissingError
        SealBroken
        """
        _, sealed = verify(*self._public(name, version), keys)
        return rewrapped(sealed, keys) != sealed

    def rewrap(self, name: str, version: str, keys: ReleaseKeys) -> None:
        """Wrap the data keys of a release with the first key-encryption key; nothing else changes.

        Raises
        ------
        ReleaseMissingError
        SealBroken
        """
        _, sealed = verify(*self._public(name, version), keys)
        content = rewrapped(sealed, keys).model_dump_json().encode()
        self._storage.replace(f"{_folder(name, version)}/{SEAL}", content)

    def _open(self, part: PartName, expected: Expected, keys: ReleaseKeys) -> tuple[bytes, Manifest]:
        ciphertext = self._read(_folder(expected.name, expected.version), PART_FILES[part])
        public = self._public(expected.name, expected.version)
        return open_part(part, ciphertext, *public, expected, keys)

    def _public(self, name: str, version: str) -> tuple[bytes, bytes]:
        folder = _folder(name, version)
        return self._read(folder, MANIFEST), self._read(folder, SEAL)

    def _read(self, folder: str, file: str) -> bytes:
        """Read a file, and not a byte more than could be accepted."""
        path, maximum = f"{folder}/{file}", MAXIMUM_SIZES[file]
        try:
            content = self._storage.read(path, maximum)
        except FileNotFoundError as error:
            raise ReleaseMissingError(str(error)) from None
        if len(content) > maximum:
            raise SealBroken("too_large", path)
        return content

    def _create(self, folder: str, files: Mapping[str, bytes]) -> None:
        try:
            self._storage.create_together(folder, files)
        except FileExistsError as error:
            raise ReleaseExistsError(
                f"{error} is there, of a release or of a save that was cut off. "
                "Releases are never overwritten: take another version."
            ) from None


def _folder(name: str, version: str) -> str:
    if not _is_possible(name, version):
        raise ReleaseMissingError(f"no release can be called {name!r} {version!r}")
    return f"{name}/{version}"


def _is_possible(name: str, version: str) -> bool:
    """Refuse separators, dots and everything else that means something in a path."""
    return bool(re.fullmatch(NAME_PATTERN, name) and re.fullmatch(VERSION_PATTERN, version))
