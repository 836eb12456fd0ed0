"""Files of many samples, stored sealed: never in the clear on a disk, and where every worker reaches them.

A file is cut into parts of a megabyte. Each is AES-256-GCM (NIST SP 800-38D) under a key of the file's own,
bound to its place in it. The parts are rows of Postgres, written as they arrive; the key is kept, wrapped,
only once the file is taken. Deleting that one row makes the whole file unreadable.
"""

import hashlib
import io
import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePath
from typing import Any, BinaryIO, Protocol
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts import case_keys, ledger
from accounts.case_keys import KEY_SIZE, CaseUnreadable
from accounts.models import CaseKey
from accounts.row_scope import across_organisations
from predictions import events
from predictions.cohort_records import OPEN, Cohort, CohortInput, CohortRefusal, InputPart

PART = 1 << 20
# A million samples of 76 values in text have some 600 MB.
LARGEST_FILE = 1 << 30
# How long a file with refused samples is kept, so that they can be read again.
KEPT = timedelta(days=14)
# An upload that nobody took within a day was given up.
ABANDONED = timedelta(days=1)
NAME = b"cohort-input-name:"


class Readable(Protocol):
    """A file that is read once, from where it is."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at its end."""


@dataclass(frozen=True)
class Stored:
    """A file in its parts, and what opens it."""

    upload: UUID
    key: bytes
    size: int
    sha256: str
    name: str = ""

    @property
    def parts(self) -> int:
        """How many parts it has."""
        return -(-self.size // PART)

    def open(self) -> BinaryIO:
        """The file, to be read from any place."""
        return io.BufferedReader(_SealedFile(self), PART)


class Sealing:
    """A file on its way in: what is written is sealed part by part, and never more than one is held."""

    def __init__(self) -> None:
        self.upload = uuid7()
        self._key = os.urandom(KEY_SIZE)
        self._digest = hashlib.sha256()
        self._waiting = bytearray()
        self._count = self._size = 0

    def write(self, data: bytes) -> None:
        """Take the next bytes."""
        self._digest.update(data)
        self._size += len(data)
        self._waiting += data
        while len(self._waiting) >= PART:
            self._store(bytes(self._waiting[:PART]))
            del self._waiting[:PART]

    def finish(self, name: str = "") -> Stored:
        """Store what is left. The name of a file helps to recognise what is in it."""
        if self._waiting:
            self._store(bytes(self._waiting))
            self._waiting.clear()
        return Stored(self.upload, self._key, self._size, self._digest.hexdigest(), name)

    def _store(self, content: bytes) -> None:
        sealed = case_keys.encrypt(self._key, content, _bound(self.upload, self._count))
        with across_organisations():  # until a cohort takes the file, its parts are of no organisation
            InputPart.objects.create(upload=self.upload, number=self._count, sealed=sealed)
        self._count += 1


def store(file: Stored | Readable) -> Stored:
    """Seal a whole file; what is stored already, as a sealed upload is, is taken as it is."""
    stored = getattr(file, "stored", file)
    if isinstance(stored, Stored):
        return stored
    sealing = Sealing()
    while data := stored.read(PART):
        sealing.write(data)
    return sealing.finish(PurePath(getattr(file, "name", None) or "").name)


def keep(stored: Stored, cohort: Cohort) -> None:
    """Keep the key of a file for the cohort that is read from it."""
    CohortInput.objects.create(
        cohort=cohort,
        upload=stored.upload,
        parts=stored.parts,
        name=case_keys.encrypt(stored.key, stored.name.encode(), NAME + stored.upload.bytes),
        expires_at=timezone.now() + KEPT,
        **case_keys.wrap(stored.key, stored.upload, cohort.organisation_id),
    )


def find(cohort: Cohort) -> Stored | None:
    """The file of a cohort; None when it was deleted.

    Raises
    ------
    CaseUnreadable
        When CASE_KEYS lacks the key that wrapped its own.
    """
    kept = CohortInput.objects.filter(cohort=cohort).first()
    if kept is None:
        return None
    wrapped = CaseKey(
        id=kept.upload, organisation_id=cohort.organisation_id, wrapped=kept.wrapped, kek_id=kept.kek_id
    )
    key = case_keys.data_key(wrapped)
    name = case_keys.decrypt(key, bytes(kept.name), NAME + kept.upload.bytes).decode()
    return Stored(kept.upload, key, cohort.input_bytes, cohort.input_sha256, name)


@transaction.atomic
def forget(cohort: Cohort) -> bool:
    """Delete a cohort's file and the key that also opens its refused samples; whether it was there."""
    kept = CohortInput.objects.select_for_update().filter(cohort=cohort).first()
    if kept is None:
        return False
    kept.delete()
    discard(kept.upload)
    ledger.record(events.COHORT_INPUT_DELETED, organisation=cohort.organisation_id, cohort=cohort.id)
    return True


def forget_ended(cohorts: QuerySet[Cohort]) -> int:
    """Delete the files of these cohorts, but for those of which there is more to read; how many."""
    return sum(forget(cohort) for cohort in cohorts.exclude(state__in=OPEN).exclude(input=None))


def forget_expired() -> int:
    """Delete the files that were kept for two weeks after they arrived; how many."""
    return forget_ended(Cohort.objects.filter(input__expires_at__lt=timezone.now()))


@across_organisations()
def discard(upload: UUID) -> None:
    """Delete the parts of a file that is not taken."""
    InputPart.objects.filter(upload=upload).delete()


def discard_abandoned() -> int:
    """Delete parts of files that nobody took within a day; nobody could read them. How many."""
    taken = CohortInput.objects.filter(upload=OuterRef("upload"))
    old = InputPart.objects.filter(~Exists(taken), stored_at__lt=timezone.now() - ABANDONED)
    return old.delete()[0]


def seal_refusal(said: dict[str, Any], refusal: CohortRefusal, stored: Stored) -> bytes:
    """What is known of a refused sample, under the key of its file, so that it goes with it."""
    return case_keys.encrypt(stored.key, msgspec.json.encode(said), _refusal_bound(refusal))


def open_refusal(refusal: CohortRefusal, stored: Stored) -> dict[str, Any]:
    """What was sealed of a refused sample.

    Raises
    ------
    CaseUnreadable
    """
    said: dict[str, Any] = msgspec.json.decode(
        case_keys.decrypt(stored.key, bytes(refusal.sealed), _refusal_bound(refusal))
    )
    return said


class _SealedFile(io.RawIOBase):
    """The parts of a file as one, opened one at a time."""

    def __init__(self, stored: Stored) -> None:
        self._stored = stored
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._stored.size}[whence]
        self._place = max(0, start + offset)
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: Any) -> int:
        if self._place >= self._stored.size:
            return 0
        number, offset = divmod(self._place, PART)
        content = memoryview(_open_part(self._stored, number))[offset : offset + len(buffer)]
        buffer[: len(content)] = content
        self._place += len(content)
        return len(content)


@across_organisations()
def _open_part(stored: Stored, number: int) -> bytes:
    part = InputPart.objects.filter(upload=stored.upload, number=number).first()
    if part is None:
        raise CaseUnreadable("A part of a stored file is gone.")
    return case_keys.decrypt(stored.key, bytes(part.sealed), _bound(stored.upload, number))


def _refusal_bound(refusal: CohortRefusal) -> bytes:
    return b"refusal:" + refusal.cohort_id.bytes + refusal.number.to_bytes(8, "big")


def _bound(upload: UUID, number: int) -> bytes:
    return b"cohort-input:" + upload.bytes + number.to_bytes(8, "big")
