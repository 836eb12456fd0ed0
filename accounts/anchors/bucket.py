"""What the anchors in object stores have in common: one object for each note, named for its size.

Where a store keeps the versions of an object, a note that was locked stays below whatever is put or deleted
on top of it. So what counts are all versions, never the latest one.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from accounts.anchors.anchor import AnchorAway, AnchorConflict, check_note

# For each request, which is sent twice at most.
CONNECT_SECONDS = 3
READ_SECONDS = 4


class Bucket(ABC):
    """Notes as objects under a prefix.

    Attributes
    ----------
    failures : tuple of exception types
        All that the service's client raises when it, or the service, cannot do something.
    """

    failures: tuple[type[Exception], ...]

    def __init__(self, url: str, bucket: str, prefix: str, retain_days: int | None) -> None:
        self.name = url
        self._bucket_name = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._retain_days = retain_days

    def keep(self, size: int, note: bytes) -> None:
        """See :meth:`accounts.anchors.Anchor.keep`."""
        check_note(size, note)
        key = f"{self._prefix}{size:020}.note"
        with self._failures_told():
            if not self._keeps(key, note):
                self._create_or_meet(key, note)

    def notes(self) -> Iterator[bytes]:
        """See :meth:`accounts.anchors.Anchor.notes`. It takes one request for each note."""
        with self._failures_told():
            for key, version in sorted(self._versions(self._prefix)):
                yield self._read(key, version)

    def weaknesses(self) -> list[str]:
        """See :meth:`accounts.anchors.Anchor.weaknesses`."""
        with self._failures_told():
            return list(self._weaknesses())

    def _keeps(self, key: str, note: bytes) -> bool:
        kept = {self._read(key, version) for found, version in self._versions(key) if found == key}
        if kept - {note}:
            raise AnchorConflict(f"{self.name}: another note is kept in {key}.")
        return bool(kept)

    def _create_or_meet(self, key: str, note: bytes) -> None:
        try:
            self._create(key, note)
        except self.failures as error:
            if not (self._is_taken(error) and self._keeps(key, note)):
                raise

    def _retained_until(self) -> datetime | None:
        if self._retain_days is None:
            return None
        return datetime.now(UTC).replace(microsecond=0) + timedelta(days=self._retain_days)

    @contextmanager
    def _failures_told(self) -> Iterator[None]:
        try:
            yield
        except self.failures as error:
            first_line = str(error).partition("\n")[0]
            raise AnchorAway(f"{self.name}: {first_line}") from error

    @abstractmethod
    def _versions(self, prefix: str) -> Iterable[tuple[str, Any]]:
        """Key and version of each object whose key begins with a prefix, also of those deleted since."""

    @abstractmethod
    def _read(self, key: str, version: Any) -> bytes:
        """The first ``LONGEST_NOTE + 1`` bytes: the one too many says that it is no note of ours."""

    @abstractmethod
    def _create(self, key: str, note: bytes) -> None:
        """Store an object on condition that there is none, locked if that is asked for."""

    @abstractmethod
    def _is_taken(self, error: Exception) -> bool:
        """Whether a failure says that there is such an object already."""

    @abstractmethod
    def _weaknesses(self) -> Iterator[str]:
        """See `weaknesses`."""
