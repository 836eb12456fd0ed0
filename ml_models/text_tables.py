"""Tables of text from users: CSV or TSV in UTF-8, and what is said of them when they are refused."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from math import isfinite
from pathlib import Path

Line = tuple[int, list[str]]

NAMED = 5
MISSING = {"", "na", "nan", "null"}
# ASCII digits only: float() would also take "1_0" and "infinity".
NUMBER = re.compile(r"[+-]?(\d{1,40}\.?\d{0,40}|\.\d{1,40})([eE][+-]?\d{1,3})?", re.ASCII)


class CohortRefused(ValueError):
    """For whoever trains: everything that is wrong with the files, at once, and how to mend it."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        count = f"{len(problems)} problem{'s' * (len(problems) != 1)}"
        super().__init__("\n".join([f"The cohort is refused: {count}.", *(f"- {line}" for line in problems)]))


def lines_of(path: Path) -> Iterator[Line]:
    """Number and stripped cells of every line that is not empty.

    Raises
    ------
    CohortRefused
        When the file is not text in UTF-8.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            start = file.readline()
            delimiter = next((sign for sign in "\t;," if sign in start), ",")
            file.seek(0)
            reader = csv.reader(file, delimiter=delimiter)
            for cells in reader:
                if any(cells):
                    yield reader.line_num, [cell.strip() for cell in cells]
    except (UnicodeDecodeError, csv.Error) as error:
        raise CohortRefused([f"{path.name} is not CSV or TSV text in UTF-8: {error}."]) from None


def as_number(text: str) -> float | None:
    """NaN for a missing value, None for what is no decimal number."""
    if text.lower() in MISSING:
        return float("nan")
    if not NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if isfinite(value) else None


def repeated(names: Sequence[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def some(names: Sequence[str], named: int = NAMED) -> str:
    return ", ".join(names[:named]) + (f" and {len(names) - named} more" if len(names) > named else "")


def uneven(path: Path, row: int, cells: int, columns: int) -> str:
    return (
        f"{path.name}, row {row}: {cells} cells for {columns} columns. Give every row a cell for each column."
    )
