"""Gzip and zip: taken off once, within limits of size and ratio, and never onto a disk."""

import gzip
import io
import struct
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import Any, BinaryIO, cast

from predictions.exceptions import PanelRefused, Problem
from predictions.intake.findings import some
from predictions.intake.measurements import Step
from predictions.sentences import counted, marked, sentence

MOST_BYTES = 2_000_000_000
# Tables of numbers shrink to a third or a tenth; nothing but zeros shrinks to a thousandth.
MOST_RATIO = 200
SMALL = 10_000_000  # what is small may be of any ratio
MOST_DIRECTORY = 200_000
GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
OTHERS = {
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"7z\xbc\xaf": "7z",
    b"Rar!": "rar",
    b"\x28\xb5\x2f\xfd": "zstd",
}
END_OF_DIRECTORY, END_OF_DIRECTORY_64 = b"PK\x05\x06", b"PK\x06\x07"
TAIL = 65_557
UNPACKED = marked("{name} was taken out of {packed}.")

DAMAGE = (EOFError, OSError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError)


def unpack(file: BinaryIO, name: str) -> tuple[BinaryIO, str, tuple[Step, ...]]:
    """What is inside of a gzip file, or of a zip file of one file; anything else as it stands.

    A workbook, and a zip of several RCC files, are formats of their own. `file` can seek.

    Raises
    ------
    PanelRefused
        When it is damaged, packed in a way that is not read, or would become too large.
    """
    file.seek(0)
    start = file.read(8)
    file.seek(0)
    if packed := next((packed for magic, packed in OTHERS.items() if start.startswith(magic)), None):
        raise PanelRefused([_not_unpacked(packed)])
    if start.startswith(GZIP):
        return _gunzip(file, name)
    return _unzip(file, name) if start.startswith(ZIP) else (file, name, ())


def open_zip(file: BinaryIO) -> zipfile.ZipFile:
    """A zip file whose directory has a bearable size and harmless names. Raises PanelRefused."""
    file.seek(0, io.SEEK_END)
    size = file.tell()
    file.seek(max(0, size - TAIL))
    _check_directory(file.read(TAIL))
    file.seek(0)
    try:
        archive = zipfile.ZipFile(file)
    except DAMAGE:
        raise PanelRefused([damaged()]) from None
    for info in archive.infolist():
        path = PurePosixPath(info.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in info.filename:
            raise PanelRefused([_unsafe(info.filename)])
    return archive


def members_of(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The files in it, without what operating systems add."""
    return [
        info
        for info in archive.infolist()
        if not info.is_dir()
        and not info.filename.startswith("__MACOSX/")
        and ".DS_Store" not in info.filename
    ]


def open_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int = MOST_BYTES) -> BinaryIO:
    """One file of a zip file, which is never read beyond its limits. Raises PanelRefused."""
    if info.flag_bits & 1:
        raise PanelRefused([_not_unpacked("zip, with a password")])
    _check_size(info.file_size, info.compress_size, most)
    try:
        return _limited(cast(BinaryIO, archive.open(info)), info.compress_size, most)
    except DAMAGE:
        raise PanelRefused([damaged()]) from None


class _Limited(io.RawIOBase):
    """What is unpacked, while it is no more than allowed."""

    def __init__(self, unpacked: BinaryIO, packed_size: int, most: int) -> None:
        self._unpacked = unpacked
        self._packed_size = packed_size
        self._most = most

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        try:
            return self._unpacked.seek(offset, whence)
        except DAMAGE:
            raise PanelRefused([damaged()]) from None

    def tell(self) -> int:
        return self._unpacked.tell()

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._unpacked.read(len(buffer))
            place = self._unpacked.tell()
        except DAMAGE:
            raise PanelRefused([damaged()]) from None
        _check_size(place, self._packed_size, self._most)
        buffer[: len(data)] = data
        return len(data)


def _limited(unpacked: BinaryIO, packed_size: int, most: int) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(_Limited(unpacked, packed_size, most), 1 << 20))


def _gunzip(file: BinaryIO, name: str) -> tuple[BinaryIO, str, tuple[Step, ...]]:
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    inner = name.removesuffix(".gz")
    unpacked = cast(BinaryIO, gzip.GzipFile(fileobj=file, mode="rb"))
    return _limited(unpacked, size, MOST_BYTES), inner, (_step(inner, "gzip"),)


def _unzip(file: BinaryIO, name: str) -> tuple[BinaryIO, str, tuple[Step, ...]]:
    archive = open_zip(file)
    members = members_of(archive)
    names = [info.filename for info in members]
    if "[Content_Types].xml" in names or (len(names) > 1 and all(is_rcc(name) for name in names)):
        return file, name, ()
    if len(members) != 1:
        raise PanelRefused([_not_one_file(names)])
    return open_member(archive, members[0]), names[0], (_step(names[0], "zip"),)


def is_rcc(name: str) -> bool:
    """Whether a file is named like one of a NanoString lane."""
    return name.lower().endswith(".rcc")


def _step(name: str, packed: str) -> Step:
    return Step("unpacked", sentence(UNPACKED, name=name[:100], packed=packed))


def _check_directory(tail: bytes) -> None:
    """The directory is read as a whole: refuse a huge one, and Zip64, before that."""
    place = tail.find(END_OF_DIRECTORY)
    while place >= 0:
        sizes = struct.unpack_from("<I", tail.ljust(place + 16, b"\0"), place + 12)
        if sizes[0] > MOST_DIRECTORY:
            raise PanelRefused([_too_many_files()])
        place = tail.find(END_OF_DIRECTORY, place + 1)
    if END_OF_DIRECTORY_64 in tail:
        raise PanelRefused([_too_many_files()])


def _check_size(size: int, packed_size: int, most: int) -> None:
    if size > most or (size > SMALL and size > MOST_RATIO * max(packed_size, 1)):
        raise PanelRefused(
            [
                Problem(
                    "unpacks_too_large",
                    sentence(
                        "Unpacked, it is larger than is read: {most} bytes, {ratio} times its size.",
                        most=most,
                        ratio=MOST_RATIO,
                    ),
                    sentence("Send fewer samples, or the file as it is before it is packed."),
                )
            ]
        )


def damaged() -> Problem:
    """That a packed file cannot be unpacked to its end."""
    return Problem(
        "file_incomplete",
        sentence("The packed file is damaged, or ends too early."),
        sentence("Download or export it again, and compare its size."),
    )


def _not_unpacked(packed: str) -> Problem:
    return Problem(
        "not_unpacked",
        sentence("The file is packed as {packed}, which is not read.", packed=packed),
        sentence("Unpack it first, or pack it as gzip or zip."),
    )


def _unsafe(name: str) -> Problem:
    return Problem(
        "not_unpacked",
        sentence("A file in it is named with a path that leads out of it."),
        sentence("Pack it again, with plain names."),
        value=ascii(name)[1:-1][:80],
    )


def _too_many_files() -> Problem:
    return Problem(
        "not_unpacked",
        sentence("The zip file has more files in it, or is larger, than is read."),
        sentence("Pack the one file with the values, or send it as it is."),
    )


def _not_one_file(names: list[str]) -> Problem:
    return Problem(
        "not_unpacked",
        counted(
            "There is {count} file in it; one is read, or several RCC files.",
            "There are {count} files in it; one is read, or several RCC files.",
            count=len(names),
        ),
        sentence("Pack the one file with the values, or send it as it is."),
        value=some(names)[:80],
    )
