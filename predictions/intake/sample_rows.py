"""CSV or TSV with a row for each sample: known identifiers in the header, and optional columns for name and age."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite, nan
from typing import BinaryIO

import numpy as np
import polars as pl

from predictions.exceptions import PanelRefused, Problem
from predictions.intake.delimited import DECIMAL_POINT, LONGEST_NUMBER, MISSING
from predictions.intake.tables import CHUNK, HEAD, Choices, Chunk, Table, Wanted
from predictions.intake.whole_numbers import whole_number
from predictions.sentences import Sentence, sentence

CODE = "sample_rows"
NAME = sentence("CSV or TSV with a row for each sample")
SAMPLE = {"sample", "sample_id", "id"}
AGE = {"age", "age_years"}
BLOCK = 1 << 22


def sniff(head: bytes, name: str) -> tuple[Sentence, ...]:  # noqa: ARG001 - the name is for others
    """Why the first 64 KiB look like this; empty when they do not."""
    first = head.partition(b"\n")[0]
    if max(first.count(mark) for mark in (b",", b"\t", b";")) < 2:  # noqa: PLR2004
        return ()
    return (sentence("The first line names more than two columns."),)


def read(file: BinaryIO, wanted: Wanted, choices: Choices) -> Table:  # noqa: ARG001 - nothing to choose
    """Read a file. Raises PanelRefused when its first line names no columns."""
    columns = _columns(file.readline(HEAD).decode("utf-8-sig", "replace"), wanted)
    return Table(
        identifiers=tuple(columns.names),
        chunks=_chunks(file, columns),
        others=tuple(columns.others[:5]),
        others_count=len(columns.others),
    )


@dataclass(frozen=True)
class _Columns:
    separator: str
    width: int
    places: list[int]
    names: list[str]
    others: list[str]
    sample: int | None
    age: int | None


def _columns(header: str, wanted: Wanted) -> _Columns:
    separator = max("\t;,", key=header.count)
    cells = [cell.strip() for cell in next(csv.reader([header], delimiter=separator), [])]
    if len(cells) < 2:  # noqa: PLR2004
        raise PanelRefused(
            [
                Problem(
                    "empty_panel",
                    sentence("There are no rows in it."),
                    sentence("Send a line of column names, and a row for each sample."),
                )
            ]
        )
    lower = [cell.lower() for cell in cells]
    sample = next((place for place, cell in enumerate(lower) if cell in SAMPLE), None)
    age = next((place for place, cell in enumerate(lower) if cell in AGE), None)
    places = [place for place, cell in enumerate(cells) if wanted(cell) and place not in {sample, age}]
    others = [cell for place, cell in enumerate(cells) if place not in {*places, sample, age}]
    return _Columns(separator, len(cells), places, [cells[place] for place in places], others, sample, age)


def _chunks(file: BinaryIO, columns: _Columns) -> Iterator[Chunk]:
    """Chunks of whole blocks, whose lines the file alone decides."""
    line, rest = 2, b""
    while block := file.read(BLOCK):
        whole, end, rest = (rest + block).rpartition(b"\n")
        yield from _cut(whole + end, line, columns)
        line += (whole + end).count(b"\n")
    if rest.strip():
        yield from _cut(rest, line, columns)


def _cut(block: bytes, line: int, columns: _Columns) -> Iterator[Chunk]:
    lines = block.splitlines(keepends=True)
    for start in range(0, len(lines), CHUNK):
        piece = lines[start : start + CHUNK]
        yield _quick(b"".join(piece), line + start, columns) or _slow(piece, line + start, columns)


def _quick(block: bytes, line: int, columns: _Columns) -> Chunk | None:
    """All at once; None where anything in it needs a closer look."""
    if b'"' in block or b"\n\n" in block or b"\r" in block:
        return None
    try:
        frame = pl.read_csv(
            block,
            separator=columns.separator,
            has_header=False,
            new_columns=[str(place) for place in range(columns.width)],
            infer_schema=False,
            null_values=sorted({*MISSING, "NA", "NaN"}),
            schema_overrides={str(place): pl.Float64 for place in columns.places}
            | {str(place): pl.String for place in (columns.sample,) if place is not None}
            | {str(place): pl.Int64 for place in (columns.age,) if place is not None},
        )
    except pl.exceptions.PolarsError:
        return None
    values = frame.select([str(place) for place in columns.places]).fill_null(nan).to_numpy()
    if np.isinf(values).any() or frame.height != block.count(b"\n") + (not block.endswith(b"\n")):
        return None
    samples = [None] * frame.height if columns.sample is None else frame[str(columns.sample)].to_list()
    ages = [None] * frame.height if columns.age is None else frame[str(columns.age)].to_list()
    return Chunk(
        sample_ids=tuple(sample or "" for sample in samples),
        ages=tuple(ages),
        rows=tuple(range(line, line + frame.height)),
        values=np.ascontiguousarray(values, dtype=np.float64),
    )


def _slow(lines: list[bytes], line: int, columns: _Columns) -> Chunk:
    """Cell by cell, with the problems of each."""
    rows = [_Row(number, text, columns) for number, text in enumerate(lines, start=line) if text.strip()]
    return Chunk(
        sample_ids=tuple(row.sample for row in rows),
        ages=tuple(row.age for row in rows),
        rows=tuple(row.number for row in rows),
        values=np.array([row.values for row in rows], dtype=np.float64).reshape(len(rows), len(columns.places)),
        problems={place: tuple(row.problems) for place, row in enumerate(rows) if row.problems},
    )


class _Row:
    def __init__(self, number: int, line: bytes, columns: _Columns) -> None:
        self.number, self.problems = number, list[Problem]()
        self.sample, self.age = "", None
        self.values = [nan] * len(columns.places)
        text = line.decode("utf-8", "replace")
        cells = [cell.strip() for cell in next(csv.reader([text], delimiter=columns.separator), [])]
        if len(cells) != columns.width:
            self._refuse("wrong_column_count", sentence("The row has {count} cells.", count=len(cells)))
            return
        self.sample = "" if columns.sample is None else cells[columns.sample]
        self.age = None if columns.age is None else self._age(cells[columns.age])
        self.values = [self._value(cells[place]) for place in columns.places]

    def _value(self, cell: str) -> float:
        if cell.lower() in MISSING:
            return nan
        if len(cell) <= LONGEST_NUMBER and DECIMAL_POINT.fullmatch(cell) and isfinite(float(cell)):
            return float(cell)
        self._refuse("not_a_number", sentence("A value is not a finite decimal number."), cell)
        return nan

    def _age(self, cell: str) -> int | None:
        try:
            return None if cell.lower() in MISSING else whole_number(cell)
        except ValueError:
            self._refuse("not_a_number", sentence("The age is not a whole number."), cell)
            return None

    def _refuse(self, code: str, detail: Sentence, value: str | None = None) -> None:
        mend = sentence("Write it like 7.12, or leave it empty (or NA) if it was not measured.")
        shown = None if value is None else ascii(value)[1:-1][:80]
        self.problems.append(Problem(code, detail, mend, row=self.number, value=shown))
