"""The text of a file, whatever its encoding and line endings, as whole lines of UTF-8 in constant memory."""

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from predictions.exceptions import PanelRefused, Problem
from predictions.intake.cells import LONGEST_LINE
from predictions.intake.measurements import Step
from predictions.sentences import sentence

PIECE = 1_000_000
# Three times the largest cohort that is meant to be read: nobody waits for a gigabyte of empty lines.
MOST_LINES = 3_000_000
LATIN = "cp1252"  # what spreadsheets call Latin-1
LATIN_READ = Step("latin_1_read", sentence("The text is not UTF-8; it was read as Latin-1 (Windows-1252)."))
BYTE_ORDER_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(frozen=True)
class TextFile:
    """A text whose encoding is known, and what had to be supposed to know it."""

    file: BinaryIO
    encoding: str
    steps: tuple[Step, ...] = ()

    def blocks(self, most_lines: int) -> Iterator[tuple[int, bytes]]:
        r"""Whole lines, each ended by \n, in blocks of at most so many; with the number of the first.

        Raises PanelRefused at a line that is longer than any that is read, and after too many.
        """
        for number, block in _cut(self._pieces(), most_lines):
            if number > MOST_LINES:
                raise PanelRefused([_too_many_lines()])
            yield number, block

    def lines(self) -> Iterator[tuple[int, str]]:
        """Each line that is not blank, with its number. Raises PanelRefused like `blocks`."""
        for first, block in self.blocks(1_000):
            for number, line in enumerate(block.decode().split("\n")[:-1], start=first):
                if line.strip():
                    yield number, line

    def _pieces(self) -> Iterator[bytes]:
        self.file.seek(0)
        pieces = iter(lambda: self.file.read(PIECE), b"")
        if self.encoding == "utf-8":
            return _end_alike(_without_mark(pieces))
        return _end_alike(text.encode() for text in codecs.iterdecode(pieces, self.encoding))


def open_text(file: BinaryIO) -> TextFile:
    """Find the encoding by reading the whole file once: UTF-8, UTF-16 with its mark, or else Latin-1.

    `file` can seek.

    Raises
    ------
    PanelRefused
        When it is no text.
    """
    file.seek(0)
    marked = BYTE_ORDER_MARKS.get(file.read(2))
    for encoding in (marked,) if marked else ("utf-8", LATIN):
        try:
            _check_text(file, encoding)
        except UnicodeDecodeError:
            continue
        return TextFile(file, encoding, (LATIN_READ,) if encoding == LATIN else ())
    raise PanelRefused([_not_text()])


def _check_text(file: BinaryIO, encoding: str) -> None:
    file.seek(0)
    for text in codecs.iterdecode(iter(lambda: file.read(PIECE), b""), encoding):
        if "\0" in text:
            raise PanelRefused([_not_text()])
        if len(text) > LONGEST_LINE and "\n" not in text and "\r" not in text:
            raise PanelRefused([_too_long(None)])  # no need to read to the end of a gigabyte


def _without_mark(pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield next(pieces, b"").removeprefix(codecs.BOM_UTF8)
    yield from pieces


def _end_alike(pieces: Iterable[bytes]) -> Iterator[bytes]:
    r"""Lines that end with \r\n or \r end with \n, also where a piece parts the two."""
    held = b""
    for piece in pieces:
        whole = held + piece
        held = b"\r" if whole.endswith(b"\r") else b""
        whole = whole.removesuffix(b"\r")
        yield whole.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in whole else whole
    yield b"\n" if held else b""


def _cut(pieces: Iterable[bytes], most_lines: int) -> Iterator[tuple[int, bytes]]:
    rest, number, start = b"", 1, 0
    for piece in pieces:
        rest, start = rest[start:] + piece, 0
        ends = np.flatnonzero(np.frombuffer(rest, np.uint8) == ord("\n")) + 1
        _refuse_long_line(ends, len(rest), number)
        for end in _cuts(ends, len(rest), most_lines):
            block = rest[start:end]
            yield number, block
            start, number = end, number + block.count(b"\n")
    if rest[start:]:
        yield number, rest[start:].removesuffix(b"\n") + b"\n"


def _cuts(ends: NDArray[np.intp], size: int, most_lines: int) -> list[int]:
    """Where blocks end: after so many lines, or after the last whole line when too much would be kept."""
    cuts: list[int] = ends[most_lines - 1 :: most_lines].tolist()
    if ends.size and size - (cuts[-1] if cuts else 0) > PIECE:
        cuts.append(int(ends[-1]))
    return cuts


def _refuse_long_line(ends: NDArray[np.intp], size: int, number: int) -> None:
    lengths = np.diff(ends, prepend=0, append=size)
    if lengths.max() <= LONGEST_LINE:
        return
    raise PanelRefused([_too_long(number + int(lengths.argmax()))])


def _too_long(row: int | None) -> Problem:
    return Problem(
        "row_too_long",
        sentence("A row has more than {most} characters.", most=LONGEST_LINE),
        sentence("Send a table with a line for each row. A file of another kind may look like one line."),
        row=row,
    )


def _too_many_lines() -> Problem:
    return Problem(
        "too_large",
        sentence("There are more than {most} lines.", most=MOST_LINES),
        sentence("Part the file, and leave out rows that are empty."),
    )


def _not_text() -> Problem:
    return Problem(
        "not_text",
        sentence("The file is not text in UTF-8, UTF-16 or Latin-1."),
        sentence("Save it as CSV or tab-separated text in UTF-8, or send one of the formats that are read."),
    )
