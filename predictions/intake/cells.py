"""What one cell of a table says: a number, nothing, or what is neither."""

import csv
import re
from math import inf, isfinite, nan

from predictions.exceptions import Problem
from predictions.sentences import sentence

MISSING = {"", "na", "nan", "null"}
# ASCII digits only: float() would also take "1_0", Arabic digits and "infinity".
DECIMAL_POINT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
DECIMAL_COMMA = re.compile(r"[+-]?(\d+,\d*|,\d+)([eE][+-]?\d+)?", re.ASCII)
DELIMITERS = "\t;,"
# As many characters as 75,000 columns of Ensembl identifiers have.
LONGEST_LINE = 2_000_000
csv.field_size_limit(LONGEST_LINE)


def read_number(cell: str, *, with_comma: bool = False) -> float:
    """The finite number that a cell is; NaN where nothing was measured, infinite where it is neither."""
    if cell.lower() in MISSING:
        return nan
    if with_comma:
        cell = cell.replace(".", "?").replace(",", ".")  # a point is no decimal sign beside a comma
    if not DECIMAL_POINT.fullmatch(cell):
        return inf
    value = float(cell)
    return value if isfinite(value) else inf


def is_value(cell: str) -> bool:
    """Whether a cell is what stands below a header: a number, in either spelling, or missing."""
    return cell.lower() in MISSING or bool(DECIMAL_POINT.fullmatch(cell) or DECIMAL_COMMA.fullmatch(cell))


def has_decimal_comma(cells: list[str]) -> bool:
    """A decimal comma is believed only where no value has a decimal point."""
    return any(DECIMAL_COMMA.fullmatch(cell) for cell in cells) and not any(
        DECIMAL_POINT.fullmatch(cell) and "." in cell for cell in cells
    )


def find_delimiter(line: str) -> str | None:
    """The one of tab, semicolon and comma that the line has most often; None when it has none."""
    found = max(DELIMITERS, key=line.count)
    return found if found in line else None


def split_line(line: str, delimiter: str) -> list[str]:
    """The cells of one line. A quote that is never closed costs its own line, not the rest of the file."""
    cells = next(csv.reader([line], delimiter=delimiter)) if '"' in line else line.split(delimiter)
    return [cell.strip() for cell in cells]


def not_a_number(of: str, cell: str, row: int, column: str | None = None) -> Problem:
    """That the value of something is none, and where it stands."""
    return Problem(
        "not_a_number",
        sentence("The value of {gene} is not a finite decimal number.", gene=ascii(of)[1:-1][:60]),
        sentence("Write it like 7.12, or leave it empty (or NA) if the gene was not measured."),
        row=row,
        column=column,
        value=cell[:80],
    )
