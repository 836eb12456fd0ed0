"""An Excel workbook (.xlsx): one of its sheets, as any of the three kinds of table."""

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import python_calamine as calamine

from predictions.exceptions import PanelRefused, Problem
from predictions.intake.archives import ZIP, open_member, open_zip
from predictions.intake.cells import has_decimal_comma, is_value
from predictions.intake.findings import no_rows
from predictions.intake.measurements import Step
from predictions.intake.readers.gene_rows import Columns, read_rows
from predictions.intake.readers.genes_in_rows import LINES_LOOKED_AT, columns_of
from predictions.intake.readers.samples_in_rows import (
    ENOUGH_GENES,
    Layout,
    find_layout,
    read_samples,
    table_of,
)
from predictions.intake.tables import CHUNK, Choices, Chunk, Head, PartUnclear, Table, Wanted
from predictions.sentences import Sentence, marked, sentence

CODE = "xlsx"
NAME = sentence("Excel workbook (.xlsx)")
SHAPE = sentence("Gene and value, or a row for each gene or each sample, in one sheet.")
UNIT = sentence("The one that you declare.")
ASKED = sentence("The unit; the sheet, where there are several.")
SAMPLE = "panel.xlsx"

SHEET_READ = marked("Sheet {sheet} was read.")
MOST_BYTES = 100_000_000
PIECE = 1 << 20
# Two cells far apart are enough to make a sheet that no memory holds.
MOST_CELLS = 3_000_000
CELL = re.compile(rb"\br\s*=\s*[\"']([A-Z]{1,3})([0-9]{1,7})[\"']", re.IGNORECASE)
LONGEST_MATCH = 100

Rows = list[tuple[int, list[str]]]


def sniff(head: Head, wanted: Wanted) -> tuple[Sentence, ...]:  # noqa: ARG001 - the kind of file is enough
    """A zip file with xl/ in it."""
    if not head.data.startswith(ZIP) or b"xl/" not in head.data:
        return ()
    return (sentence("It is a zip file with xl/ in it, as Excel writes it."),)


def read(file: BinaryIO, wanted: Wanted, choices: Choices) -> Table:
    """Read a sheet. Raises PanelRefused, or PartUnclear for the sheet."""
    _check_size(file)
    file.seek(0)
    try:
        book = calamine.load_workbook(file)
        sheet = book.get_sheet_by_name(_choose(book.sheet_names, choices))
        first = (sheet.start or (0, 0))[0] + 1
        rows = [(number, [*map(_text, row)]) for number, row in enumerate(sheet.iter_rows(), start=first)]
    except (calamine.CalamineError, OSError) as error:
        raise PanelRefused([_unreadable(error)]) from None
    rows = [(number, cells) for number, cells in rows if any(cells)]
    if len(rows) < 2:  # noqa: PLR2004 - a header, and a row below
        raise PanelRefused([no_rows()])
    return _table(rows, wanted, choices.unit, Step("sheet_read", sentence(SHEET_READ, sheet=sheet.name)))


def _choose(names: list[str], choices: Choices) -> str:
    if not names:
        raise PanelRefused([no_rows()])
    if choices.part in names or len(names) == 1:
        return choices.part if choices.part in names else names[0]
    raise PartUnclear({name: sentence("Sheet {name}", name=name) for name in names}, names[0])


def _table(rows: Rows, wanted: Wanted, unit: str, step: Step) -> Table:
    """The sheet with samples in rows if more genes are named across the first row than down a column."""
    look = [cells for _, cells in rows[:LINES_LOOKED_AT]]
    across = sum(map(wanted, look[0]))
    down = sum(any(map(wanted, cells[:ENOUGH_GENES])) for _, cells in rows)
    if across >= ENOUGH_GENES and across > down:
        layout = find_layout(look, "\t", wanted, unit)
        return table_of(layout, _samples(rows[1:], layout), [step])
    columns, body = columns_of(look), rows[1:]
    if len(look[0]) == 2 and (is_value(look[0][1]) or wanted(look[0][0])):  # noqa: PLR2004 - gene and value
        columns, body = Columns(2, (0,), {1: ""}), rows  # without a header
    with_comma = has_decimal_comma([cell for cells in look[1:] for cell in cells[1:]])
    return read_rows(body, columns, wanted, with_comma=with_comma, declared=unit, steps=[step])


def _samples(rows: Rows, layout: Layout) -> Iterator[Chunk]:
    for start in range(0, len(rows), CHUNK):
        yield read_samples(rows[start : start + CHUNK], layout)


def _text(cell: Any) -> str:
    """A cell as text; a number keeps its bits, and a whole one, as an identifier may be, has no point."""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)  # noqa: PLR2004
    return str(cell).strip()


def _check_size(file: BinaryIO) -> None:
    """What is inside, before anything expands it."""
    left = MOST_BYTES
    archive = open_zip(file)
    for info in archive.infolist():
        left -= info.file_size
        if left < 0:
            raise PanelRefused([_too_large()])
        _check_cells(open_member(archive, info, MOST_BYTES))


def _check_cells(member: BinaryIO) -> None:
    rest = b""
    rows, columns = {1}, {1}
    while piece := member.read(PIECE):
        rest += piece
        for column, row in CELL.findall(rest):
            rows.add(int(row))
            columns.add(_column_number(column))
        rest = rest[-LONGEST_MATCH:]
    if max(rows) * max(columns) > MOST_CELLS:
        raise PanelRefused([_too_large()])


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = 26 * number + letter - ord("A") + 1
    return number


def _too_large() -> Problem:
    return Problem(
        "too_large",
        sentence("The workbook is larger than is read: {most} cells.", most=MOST_CELLS),
        sentence("Save the sheet as CSV, which is read however long it is."),
    )


def _unreadable(error: Exception) -> Problem:
    return Problem(
        "wrong_format",
        sentence("The workbook cannot be read."),
        sentence("Open it in a spreadsheet, and save the sheet as CSV or the workbook again."),
        value=ascii(str(error))[1:-1][:80],
    )
