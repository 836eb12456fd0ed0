"""One file to which notes are only ever added. Each is followed by a line of two hyphens.

A power cut may leave the start of a note. Nothing can be taken out of an append-only file, so whoever keeps
the next note first ends that one with the lines ``(torn)`` and ``--``: such a record is no note.
"""

import errno
import fcntl
import os
import stat
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from accounts.anchors.anchor import (
    END_LINE,
    TORN_LINE,
    AnchorAway,
    AnchorConflict,
    check_note,
    size_in,
)

LOCK_SECONDS = 5
_END = b"\n" + END_LINE + b"\n"
_TORN_END = b"\n" + TORN_LINE + _END
# linux/fs.h: _IOR('f', 1, long), of which the kernel fills an int.
_FS_IOC_GETFLAGS = 0x80006601 | struct.calcsize("l") << 16
_FS_APPEND_FL = 0x20


class NotesFile:
    """A file of this machine, or of one whose folder is mounted here."""

    def __init__(self, path: Path) -> None:
        self.name = f"file://{path}"
        self._path = path

    def keep(self, size: int, note: bytes) -> None:
        """See :meth:`accounts.anchors.Anchor.keep`. Makes the file, not its folder, when it is not there."""
        check_note(size, note)
        with self._failures_told(), _opened(self._path, "a+") as file:
            _lock(file)
            content = _whole_records(file)
            kept = _notes_of(size, content)
            if kept - {note}:
                raise AnchorConflict(f"{self.name}: another note is kept for size {size}.")
            if not kept:
                _append(file, note + END_LINE + b"\n")
            os.fsync(file.fileno())
            if not content:
                _sync_folder(self._path.parent)

    def notes(self) -> Iterator[bytes]:
        """See :meth:`accounts.anchors.Anchor.notes`."""
        with self._failures_told():
            return iter(sorted(_notes_in(self._content()), key=size_in))

    def weaknesses(self) -> list[str]:
        """See :meth:`accounts.anchors.Anchor.weaknesses`."""
        with self._failures_told():
            return list(self._weaknesses())

    def _content(self) -> bytes:
        try:
            with _opened(self._path, "r") as file:
                return file.readall()
        except FileNotFoundError:
            if self._path.parent.is_dir():
                return b""
            raise  # what is not mounted is away, not empty

    def _weaknesses(self) -> Iterator[str]:
        if not self._path.exists():
            yield f"{self._path} is not there yet; what this account makes it can remove: make it as another."
            return
        if not _is_append_only(self._path):
            yield f"This account can cut {self._path} off: make it append-only (as root, chattr +a)."
        if os.geteuid() == 0:
            yield "The product runs as root, which can undo what protects a file: run it as another account."
            return
        if self._path.stat().st_uid == os.geteuid():
            yield f"{self._path} belongs to this account: give it to another one."
        if folders := _folders_that_let_replace(self._path.resolve()):
            yield f"This account can replace {self._path} by way of {folders}: give that to another one."

    @contextmanager
    def _failures_told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise AnchorAway(f"{self.name}: {error.strerror or error}") from error


def _opened(path: Path, mode: str) -> FileIO:
    """A regular file, unbuffered; of a pipe or a device nobody knows when it ends."""
    file = FileIO(path, mode, opener=_open_no_link)
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is not a regular file")
    return file


def _open_no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)


def _lock(file: FileIO) -> None:
    """Until it is closed. Not for ever: whoever may read the file can lock it."""
    deadline = time.monotonic() + LOCK_SECONDS
    while not _locks(file):
        if time.monotonic() > deadline:
            raise TimeoutError(errno.ETIMEDOUT, "another process keeps it locked")
        time.sleep(0.02)


def _locks(file: FileIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _whole_records(file: FileIO) -> bytes:
    """The content, of which a torn last record has been ended."""
    file.seek(0)
    content = file.readall()
    if not content or content.endswith(_END):
        return content
    _append(file, _TORN_END)
    return content + _TORN_END


def _append(file: FileIO, record: bytes) -> None:
    if file.write(record) != len(record):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _notes_in(content: bytes) -> list[bytes]:
    """The notes of all ended records; what follows the last end is not kept yet."""
    records = content.split(_END)[:-1]
    return [record + b"\n" for record in records if record.rpartition(b"\n")[2] != TORN_LINE]


def _notes_of(size: int, content: bytes) -> set[bytes]:
    if b"\n%d\n" % size not in content:  # nearly always, and fast: the file only ever grows
        return set()
    return {note for note in _notes_in(content) if size_in(note) == size}


def _sync_folder(folder: Path) -> None:
    """The name of a new file is on the disk only when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_append_only(path: Path) -> bool:
    """Whether it has the attribute that ``chattr +a`` sets: see FS_IOC_GETFLAGS in ioctl_iflags(2)."""
    with _opened(path, "r") as file:
        try:
            answer = fcntl.ioctl(file, _FS_IOC_GETFLAGS, bytes(8))
        except OSError:  # the file system has no attributes
            return False
    flags: int = struct.unpack("i4x", answer)[0]
    return bool(flags & _FS_APPEND_FL)


def _folders_that_let_replace(path: Path) -> str:
    return ", ".join(str(step.parent) for step in (path, *path.parents[:-1]) if _can_be_replaced(step))


def _can_be_replaced(path: Path) -> bool:
    """Whether this account can put something else at a path, or let itself do so."""
    mine, folder = os.geteuid(), path.parent.stat()
    if folder.st_uid == mine:
        return True
    sticky = folder.st_mode & stat.S_ISVTX and path.stat().st_uid != mine
    return os.access(path.parent, os.W_OK, effective_ids=True) and not sticky
