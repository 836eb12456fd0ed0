"""Two columns of text, gene and value: pasted from a spreadsheet, or a CSV or TSV file. One sample."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from math import inf
from typing import BinaryIO

import numpy as np

from predictions.exceptions import PanelRefused, Problem
from predictions.intake.cells import (
    DELIMITERS,
    has_decimal_comma,
    is_value,
    not_a_number,
    read_number,
    split_line,
)
from predictions.intake.findings import some
from predictions.intake.identifiers import LONGEST_IDENTIFIER
from predictions.intake.measurements import Step
from predictions.intake.readers.totals import has_all, is_gene, known, summands
from predictions.intake.tables import OTHERS_NAMED, Choices, Chunk, Head, Table, Wanted
from predictions.intake.text_files import open_text
from predictions.sentences import Sentence, counted, marked, sentence

CODE = "gene_values"
NAME = sentence("Two columns, gene and value")
SHAPE = sentence("A line for each gene: its name and its value. Pasted from a spreadsheet, or as CSV or TSV.")
UNIT = sentence("The one that you declare.")
ASKED = sentence("The unit.")
SAMPLE = "gene-values.csv"

MOST_ROWS = 70_000
# Longer than any two cells are.
LONGEST_ROW = 10_000
LINES_BELOW = 4
HEADER_SKIPPED = marked("Row {row} was read as a header: {cells}.")


@dataclass(frozen=True)
class _Row:
    number: int
    cells: list[str]


def sniff(head: Head, wanted: Wanted) -> tuple[Sentence, ...]:
    """Two columns in most lines, with genes of the panel or numbers in the second."""
    delimiter = _find_delimiter(head.lines)
    rows = [_split(line, delimiter) for line in head.lines]
    pairs = [row for row in rows if len(row) == 2]  # noqa: PLR2004 - two columns are what this reader is for
    if 2 * len(pairs) <= len(rows):
        return ()
    if known := [row[0] for row in pairs if wanted(row[0])]:
        return (sentence("There are two columns, and the first names genes: {genes}.", genes=some(known)),)
    if sum(is_value(row[1]) for row in pairs) * 2 > len(rows):
        return (sentence("There are two columns, and the second holds numbers."),)
    return ()


def read(file: BinaryIO, wanted: Wanted, choices: Choices) -> Table:  # noqa: ARG001 - nothing to choose
    """Read gene and value from each row. Raises PanelRefused."""
    text = open_text(file)
    lines = list(islice(text.lines(), MOST_ROWS + 1))
    if len(lines) > MOST_ROWS:
        raise PanelRefused([_too_many()])
    delimiter = _find_delimiter([line for _, line in lines])
    rows = [_Row(number, _split(line, delimiter)) for number, line in lines]
    rows = [row for row in rows if any(row.cells)]
    header = rows[:1] if _has_header(rows) and not wanted(rows[0].cells[0]) else []
    body = rows[len(header) :]
    if not body:
        raise PanelRefused([_empty()])
    with_comma = delimiter != "," and has_decimal_comma([row.cells[-1] for row in body])
    return _table(body, wanted, with_comma, (*text.steps, *_steps(header, with_comma)))


def _table(rows: list[_Row], wanted: Wanted, with_comma: bool, steps: tuple[Step, ...]) -> Table:  # noqa: FBT001
    parsed = [(row, *_parse(row, with_comma=with_comma)) for row in rows]
    used = [entry for entry in parsed if _concerns(entry[0].cells[0], wanted)]
    others = [row.cells[0] for row, _, _ in parsed if not _concerns(row.cells[0], wanted)]
    problems = tuple(problem for _, _, problem in parsed if problem)
    genes = np.array([value for row, value, _ in parsed if is_gene(row.cells[0])])
    totals = known(summands(genes).sum(keepdims=True)) if has_all(genes.size) else None
    chunk = Chunk(
        sample_ids=("",),
        ages=(None,),
        rows=(rows[0].number,),
        values=np.array([[value for _, value, _ in used]]),
        problems={0: problems} if problems else {},
        totals=totals,
    )
    return Table(
        identifiers=tuple(row.cells[0] for row, _, _ in used),
        chunks=iter([chunk]),
        others=tuple(others[:OTHERS_NAMED]),
        others_count=len(others),
        steps=steps,
        places=tuple(row.number for row, _, _ in used),
        has_totals=totals is not None,
    )


def _concerns(name: str, wanted: Wanted) -> bool:
    """Whether it may be a gene of the panel, or is no name at all, which is a problem of its own."""
    return wanted(name) or not (name.isprintable() and 0 < len(name) <= LONGEST_IDENTIFIER)


def _find_delimiter(lines: tuple[str, ...] | list[str]) -> str | None:
    """Tab, semicolon or comma, whichever most lines have; None stands for blanks."""
    found = max(DELIMITERS, key=lambda delimiter: sum(delimiter in line for line in lines))
    return found if any(found in line for line in lines) else None


def _split(line: str, delimiter: str | None) -> list[str]:
    if len(line) > LONGEST_ROW:
        return [line]
    return line.split() if delimiter is None else split_line(line, delimiter)


def _has_header(rows: list[_Row]) -> bool:
    """A first row whose second cell is a word, over rows one of which has a number, or none."""
    first = rows[0].cells if rows else []
    if len(first) != 2 or is_value(first[1]):  # noqa: PLR2004
        return False
    below = [row.cells for row in rows[1:LINES_BELOW]]
    return any(len(cells) == 2 and is_value(cells[1]) for cells in below) or (  # noqa: PLR2004
        not below and first[1].isalpha()
    )


def _parse(row: _Row, *, with_comma: bool) -> tuple[float, Problem | None]:
    if len(row.cells[0]) > LONGEST_ROW:
        return inf, _too_long(row)
    if len(row.cells) != 2:  # noqa: PLR2004
        return inf, _wrong_columns(row)
    value = read_number(row.cells[1], with_comma=with_comma)
    return value, not_a_number(row.cells[0], row.cells[1], row.number) if value == inf else None


def _too_long(row: _Row) -> Problem:
    return Problem(
        "row_too_long",
        sentence("This row has more than {most} characters.", most=LONGEST_ROW),
        sentence(
            "Keep two columns, gene and value. A quote that is never closed may have swallowed the rest."
        ),
        row=row.number,
        value=row.cells[0][:80],
    )


def _wrong_columns(row: _Row) -> Problem:
    return Problem(
        "wrong_column_count",
        counted(
            "This row has {count} column; two are needed, gene and value.",
            "This row has {count} columns; two are needed, gene and value.",
            count=len(row.cells),
        ),
        sentence("Keep two columns, parted by a tab, a semicolon or a comma in every row."),
        row=row.number,
        value=" | ".join(row.cells[:20])[:80],
    )


def _too_many() -> Problem:
    return Problem(
        "too_large",
        sentence("There are more than {most} rows; so many are read.", most=MOST_ROWS),
        sentence("Send one sample with the genes of the panel."),
    )


def _empty() -> Problem:
    return Problem(
        "empty_panel",
        sentence("There is no gene in it."),
        sentence("Give one row for each gene: its name and its value."),
    )


def _steps(header: list[_Row], with_comma: bool) -> Iterator[Step]:  # noqa: FBT001
    for row in header:
        cells = ", ".join(row.cells)[:80]
        yield Step("header_skipped", sentence(HEADER_SKIPPED, row=row.number, cells=cells))
    if with_comma:
        yield Step("decimal_comma_read", sentence("A comma was read as the decimal sign."))
