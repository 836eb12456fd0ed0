"""Two columns of text, gene and value: pasted from a spreadsheet, or a CSV or TSV file."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite

from predictions.exceptions import PanelRefused, Problem
from predictions.intake.measurements import Measurement, Step
from predictions.sentences import Sentence, counted, marked, sentence

MAXIMUM_BYTES = 2_000_000
MAXIMUM_ROWS = 70_000
MISSING = {"", "na", "nan", "null"}

# ASCII digits only: float() would also take "1_0", Arabic digits and "infinity".
DECIMAL_POINT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?", re.ASCII)
# Longer than any two cells are; csv itself gives up, with an error, on a cell of 131,073 characters.
LONGEST_ROW = 10_000
# Longer than any number means: also keeps float() from working on a megabyte of digits.
LONGEST_NUMBER = 40

HEADER_SKIPPED = marked("Row {row} was read as a header: {cells}.")


@dataclass(frozen=True)
class TwoColumns:
    """What was read, what reading it took, and the row that was taken for a header, if there is one.

    `problems` holds one entry for each row that could not be read; its gene stands in `measurements` as
    unreadable, so that it is not reported as missing too.
    """

    measurements: tuple[Measurement, ...]
    steps: tuple[Step, ...]
    header: Measurement | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class _Row:
    number: int
    cells: list[str]


def read_two_columns(data: bytes | str) -> TwoColumns:
    """Read gene and value from each row.

    Raises
    ------
    PanelRefused
        When there is nothing in it that could be read row by row.
    """
    text = data if isinstance(data, str) else decode(data)
    _refuse_unreadable(text)
    delimiter = _find_delimiter(text)
    rows = list(_split(text, delimiter))
    if not rows:
        raise PanelRefused([_empty()])
    if len(rows) > MAXIMUM_ROWS:
        raise PanelRefused([_too_large(_too_many(len(rows)))])
    has_header = _is_header(rows)
    body = rows[1:] if has_header else rows
    if not body:
        raise PanelRefused([_empty()])
    with_comma = delimiter != "," and _has_decimal_comma(body)
    header = Measurement(rows[0].cells[0], None, row=rows[0].number) if has_header else None
    parsed = [_parse(row, with_comma=with_comma) for row in body]
    return TwoColumns(
        measurements=tuple(measurement for measurement, _ in parsed),
        steps=tuple(_steps(rows, with_comma, has_header)),
        header=header,
        problems=tuple(problem for _, problem in parsed if problem),
    )


def decode(data: bytes) -> str:
    """The text of a file: UTF-8, or UTF-16 with a byte order mark.

    Raises
    ------
    PanelRefused
        When it is too large or no such text.
    """
    if len(data) > MAXIMUM_BYTES:
        raise PanelRefused([_too_large(too_many_bytes(len(data)))])
    encoding = "utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        problem = Problem(
            "not_text",
            sentence("The file is not UTF-8 or UTF-16 text."),
            sentence(
                "Save it as CSV or tab-separated text in UTF-8; a spreadsheet itself (.xlsx) is not read yet."
            ),
        )
        raise PanelRefused([problem]) from None


def too_many_bytes(size: int) -> Sentence:
    """That a file is larger than any that is read."""
    return sentence("The file has {size} bytes; at most {most} are read.", size=size, most=MAXIMUM_BYTES)


def _refuse_unreadable(text: str) -> None:
    if not text.strip():
        raise PanelRefused([_empty()])
    if "\0" in text:
        problem = Problem(
            "not_text",
            sentence("The text has NUL characters in it."),
            sentence("Save the panel as plain CSV or TSV text."),
        )
        raise PanelRefused([problem])


def _find_delimiter(text: str) -> str | None:
    """Tab, semicolon or comma, whichever the first full line has; None stands for blanks."""
    first = next(line for line in text.splitlines() if line.strip())
    return next((delimiter for delimiter in "\t;," if delimiter in first), None)


def _split(text: str, delimiter: str | None) -> Iterator[_Row]:
    # One line is one row: a quote that is never closed then costs its own row, not the rest of the file.
    for number, line in enumerate(text.splitlines(), start=1):
        cells = [cell.strip() for cell in _split_line(line, delimiter)]
        if any(cells):
            yield _Row(number, cells)


def _split_line(line: str, delimiter: str | None) -> list[str]:
    if not line.strip():
        return []
    if len(line) > LONGEST_ROW:
        return [line]
    return line.split() if delimiter is None else next(csv.reader([line], delimiter=delimiter))


def _is_header(rows: list[_Row]) -> bool:
    """A first row whose second cell is a word, over a row whose second cell is a number or missing."""
    first, second = rows[0].cells, rows[1].cells if len(rows) > 1 else []
    if len(first) != 2:  # noqa: PLR2004 - two columns are what this reader is for
        return False
    below = len(second) == 2 and _looks_like_value(second[1])  # noqa: PLR2004
    only_row = len(rows) == 1 and first[1].isalpha()
    return not _looks_like_value(first[1]) and (below or only_row)


def _looks_like_value(cell: str) -> bool:
    return cell.lower() in MISSING or bool(DECIMAL_POINT.fullmatch(cell) or DECIMAL_COMMA.fullmatch(cell))


def _has_decimal_comma(rows: list[_Row]) -> bool:
    """A decimal comma is believed only where no value has a decimal point."""
    values = [row.cells[1] for row in rows if len(row.cells) == 2]  # noqa: PLR2004
    return any(DECIMAL_COMMA.fullmatch(value) for value in values) and not any(
        "." in value for value in values
    )


def _parse(row: _Row, *, with_comma: bool) -> tuple[Measurement, Problem | None]:
    unreadable = Measurement(row.cells[0], None, row=row.number, unreadable=True)
    if len(row.cells[0]) > LONGEST_ROW:
        return unreadable, _too_long(row)
    if len(row.cells) != 2:  # noqa: PLR2004
        return unreadable, _wrong_columns(row)
    identifier, cell = row.cells
    if cell.lower() in MISSING:
        return Measurement(identifier, None, row=row.number), None
    value = _as_number(cell.replace(",", ".") if with_comma and DECIMAL_COMMA.fullmatch(cell) else cell)
    if value is None:
        return unreadable, _not_a_number(row)
    return Measurement(identifier, value, row=row.number), None


def _as_number(text: str) -> float | None:
    """The finite number that this text is, if it is one."""
    if len(text) > LONGEST_NUMBER or not DECIMAL_POINT.fullmatch(text):
        return None
    value = float(text)
    return value if isfinite(value) else None


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
        value=" | ".join(row.cells)[:80],
    )


def _not_a_number(row: _Row) -> Problem:
    identifier, cell = row.cells
    return Problem(
        "not_a_number",
        sentence("The value of {gene} is not a finite decimal number.", gene=ascii(identifier)[1:-1][:60]),
        sentence("Write it like 7.12, or leave it empty (or NA) if the gene was not measured."),
        row=row.number,
        value=cell[:80],
    )


def _too_many(rows: int) -> Sentence:
    return sentence("There are {rows} rows; at most {most} are read.", rows=rows, most=MAXIMUM_ROWS)


def _too_large(detail: str) -> Problem:
    return Problem("too_large", detail, sentence("Send one sample with the genes of the panel."))


def _empty() -> Problem:
    return Problem(
        "empty_panel",
        sentence("There is no gene in it."),
        sentence("Give one row for each gene: its name and its value."),
    )


def _steps(rows: list[_Row], with_comma: bool, has_header: bool) -> Iterator[Step]:  # noqa: FBT001
    if has_header:
        yield Step(
            "header_skipped",
            sentence(HEADER_SKIPPED, row=rows[0].number, cells=", ".join(rows[0].cells)[:80]),
        )
    if with_comma:
        yield Step("decimal_comma_read", sentence("A comma was read as the decimal sign."))
