"""Where sealed releases lie: the few things that the registry asks of a place, and a folder that does them.

Paths read ``NAME/VERSION/FILE``. The registry makes them from patterns that leave no room for dots and
separators, so that a storage need not look at them again.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol


class StoreUnreachableError(ConnectionError):
    """The place does not answer, or does not let us in: for whoever operates the product."""


class Storage(Protocol):
    """A place for releases. Whatever it cannot do it says with an ``OSError``."""

    def paths(self) -> list[str]:
        """Return the path of every file.

        Raises
        ------
        StoreUnreachableError
        """

    def read(self, path: str, maximum: int) -> bytes:
        """Return a file, or its first ``maximum + 1`` bytes: the one too many says that there is more.

        Raises
        ------
        FileNotFoundError
        StoreUnreachableError
        """

    def create_together(self, folder: str, files: Mapping[str, bytes]) -> None:
        """Store the first files of a folder. The last one given is never there without the others.

        Raises
        ------
        FileExistsError
            When the folder has files; they stay as they are.
        StoreUnreachableError
        """

    def replace(self, path: str, content: bytes) -> None:
        """Store a file in place of the one that is there; readers see the one or the other.

        Raises
        ------
        StoreUnreachableError
        """


class Folder:
    """A folder, which need not exist before the first file is stored."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def paths(self) -> list[str]:
        """Return the path of every file."""
        return [path.relative_to(self.path).as_posix() for path in self.path.glob("*/*/*")]

    def read(self, path: str, maximum: int) -> bytes:
        """Return a file, or its first ``maximum + 1`` bytes; raises ``FileNotFoundError``."""
        with (self.path / path).open("rb") as file:
            return file.read(maximum + 1)

    def create_together(self, folder: str, files: Mapping[str, bytes]) -> None:
        """Store the first files of a folder, all of them or none; raises ``FileExistsError``."""
        final = self.path / folder
        if final.exists():
            raise FileExistsError(str(final))
        final.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{final.name}-", suffix=".part", dir=final.parent))
        try:
            for name, content in files.items():
                _write(draft / name, content)
            draft.chmod(0o755)
            draft.rename(final)
        except BaseException:
            shutil.rmtree(draft)
            raise

    def replace(self, path: str, content: bytes) -> None:
        """Store a file in place of the one that is there."""
        final = self.path / path
        draft = final.with_name(f".{final.name}.part")
        draft.unlink(missing_ok=True)
        _write(draft, content)
        draft.replace(final)


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
