"""What the object stores have in common.

The back ends of django-storages know how to connect, to replace and to delete. They cannot read a part of an
object, nor store one on condition that there is none: for these two promises, and for listings without
folders, each service's own client is asked.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from django.core.files.base import ContentFile

from ml_models.storage import StoreUnreachableError

# A request waits for these, twice at most: an outage has to be told while somebody is still there to hear it.
CONNECT_SECONDS = 3
READ_SECONDS = 10


class Bucket(ABC):
    """Objects under a prefix, as :class:`ml_models.storage.Storage` wants them.

    Attributes
    ----------
    failures : tuple of exception types
        All that the service's client raises when it, or the service, cannot do something.
    """

    failures: tuple[type[Exception], ...]

    def __init__(self, backend: Any, address: str, prefix: str) -> None:
        self._backend = backend
        self._address = address
        self._prefix = f"{prefix}/" if prefix else ""

    def paths(self) -> list[str]:
        """Return the path of every object."""
        with self._failures_told(""):
            return [key.removeprefix(self._prefix) for key in self._keys(self._prefix)]

    def read(self, path: str, maximum: int) -> bytes:
        """Return an object, or its first ``maximum + 1`` bytes; no more of it are fetched."""
        with self._failures_told(path):
            return self._first_bytes(self._prefix + path, maximum + 1)

    def create_together(self, folder: str, files: Mapping[str, bytes]) -> None:
        """Store the first objects of a folder one after the other, each on condition that it is new.

        The first is the claim: of two who save at once, the one who cannot create it leaves everything alone.
        """
        if any(path.startswith(f"{folder}/") for path in self.paths()):  # some services ignore conditions
            raise FileExistsError(f"{self._address}/{self._prefix}{folder}")
        (claim, content), *others = ((f"{folder}/{name}", content) for name, content in files.items())
        self._create(claim, content)
        made = [claim]
        try:
            for path, content in others:
                made.append(path)  # before it is: without an answer nobody knows whether it was
                self._create(path, content)
        except FileExistsError:
            raise  # ours, if an answer got lost and the client asked again, and maybe what completes it all
        except BaseException:
            self._remove(made)
            raise

    def replace(self, path: str, content: bytes) -> None:
        """Store an object in place of the one that is there."""
        with self._failures_told(path):
            self._backend.save(self._prefix + path, ContentFile(content))

    def _create(self, path: str, content: bytes) -> None:
        with self._failures_told(path):
            self._store_new(self._prefix + path, content)

    def _remove(self, paths: list[str]) -> None:
        """From the last, whose absence makes the others harmless, to the claim."""
        with suppress(*self.failures):
            for path in reversed(paths):
                self._backend.delete(self._prefix + path)

    @contextmanager
    def _failures_told(self, path: str) -> Iterator[None]:
        try:
            yield
        except self.failures as error:
            first_line = str(error).partition("\n")[0]
            raise self._meaning(error)(f"{self._address}/{self._prefix}{path}: {first_line}") from error

    def _meaning(self, error: Exception) -> type[OSError]:
        if self._is_missing(error):
            return FileNotFoundError
        return FileExistsError if self._is_taken(error) else StoreUnreachableError

    @abstractmethod
    def _keys(self, prefix: str) -> Iterable[str]:
        """Every key that begins with a prefix."""

    @abstractmethod
    def _first_bytes(self, key: str, count: int) -> bytes:
        """The first bytes of an object; no more of it are fetched."""

    @abstractmethod
    def _store_new(self, key: str, content: bytes) -> None:
        """Store an object on condition that there is none."""

    @abstractmethod
    def _is_missing(self, error: Exception) -> bool:
        """Whether a failure says that there is no such object."""

    @abstractmethod
    def _is_taken(self, error: Exception) -> bool:
        """Whether a failure says that there is such an object already."""
