"""Sealed releases in a folder.

``NAME/VERSION/`` holds ``manifest.json``, ``seal.json``, ``model.onnx.sealed`` and ``model.joblib.sealed``.
"""

import os
import re
import shutil
import tempfile
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

if TYPE_CHECKING:
    from ml_models.pickled import PickledModel

MANIFEST = "manifest.json"
SEAL = "seal.json"
PART_FILES: dict[PartName, str] = {"onnx": "model.onnx.sealed", "pickle": "model.joblib.sealed"}


class ReleaseExistsError(FileExistsError):
    """A release of this name and version is stored already; releases are never overwritten."""


class ReleaseMissingError(FileNotFoundError):
    """No such release, or a name that no release can have."""


class ReleaseStore:
    """Releases under a folder, which need not exist before the first is saved."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[tuple[str, str]]:
        """Return name and version of every release, sorted; nothing of them is verified."""
        found = (path.parent for path in self.folder.glob(f"*/*/{MANIFEST}"))
        pairs = ((release.parent.name, release.name) for release in found)
        return sorted(pair for pair in pairs if _is_possible(*pair))

    def save(self, release: SealedRelease) -> None:
        """Store a release: all of it or nothing.

        Raises
        ------
        ReleaseExistsError
        """
        final = self._path(release.manifest.name, release.manifest.version)
        if final.exists():
            raise ReleaseExistsError(str(final))
        final.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{final.name}-", suffix=".part", dir=final.parent))
        try:
            _write(part, release)
            part.chmod(0o755)
            part.rename(final)
        except BaseException:
            shutil.rmtree(part)
            raise

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

    def rewrap(self, name: str, version: str, old: ReleaseKeys, new: ReleaseKeys) -> None:
        """Wrap the data keys of a release with another key-encryption key; nothing else changes.

        Raises
        ------
        ReleaseMissingError
        SealBroken
        """
        _, sealed = verify(*self._public(name, version), old)
        part = self._path(name, version) / f"{SEAL}.part"
        part.write_text(rewrapped(sealed, old, new).model_dump_json())
        part.replace(part.with_name(SEAL))

    def _open(self, part: PartName, expected: Expected, keys: ReleaseKeys) -> tuple[bytes, Manifest]:
        path = self._path(expected.name, expected.version) / PART_FILES[part]
        public = self._public(expected.name, expected.version)
        return open_part(part, _read(path, MAXIMUM_PART_SIZE), *public, expected, keys)

    def _public(self, name: str, version: str) -> tuple[bytes, bytes]:
        path = self._path(name, version)
        return _read(path / MANIFEST, MAXIMUM_MANIFEST_SIZE), _read(path / SEAL, MAXIMUM_SEAL_SIZE)

    def _path(self, name: str, version: str) -> Path:
        if not _is_possible(name, version):
            raise ReleaseMissingError(f"no release can be called {name!r} {version!r}")
        return self.folder / name / version


def _is_possible(name: str, version: str) -> bool:
    """Refuse separators, dots and everything else that means something in a path."""
    return bool(re.fullmatch(NAME_PATTERN, name) and re.fullmatch(VERSION_PATTERN, version))


def _read(path: Path, maximum: int) -> bytes:
    """Read a file, and not a byte more than could be accepted."""
    try:
        with path.open("rb") as file:
            content = file.read(maximum + 1)
    except FileNotFoundError:
        raise ReleaseMissingError(str(path)) from None
    if len(content) > maximum:
        raise SealBroken("too_large", path.name)
    return content


def _write(folder: Path, release: SealedRelease) -> None:
    contents = {
        MANIFEST: release.manifest.canonical_bytes(),
        SEAL: release.seal.model_dump_json().encode(),
        PART_FILES["pickle"]: release.pickle,
        PART_FILES["onnx"]: release.onnx,
    }
    for name, content in contents.items():
        with (folder / name).open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
