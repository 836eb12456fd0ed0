"""Whether a table names its genes across or down, by which way more genes of the panel stand."""

from predictions.intake.cells import find_delimiter, split_line
from predictions.intake.tables import Head, Wanted


def rows_of(head: Head) -> list[list[str]]:
    """The cells of each line, parted by what the first line has most."""
    delimiter = find_delimiter(head.lines[0]) if head.lines else None
    return [split_line(line, delimiter) for line in head.lines] if delimiter else []


def genes_across(rows: list[list[str]], wanted: Wanted) -> list[str]:
    """The genes of the panel in the first line."""
    return [name for name in rows[0] if wanted(name)]


def genes_down(rows: list[list[str]], wanted: Wanted) -> list[str]:
    """The genes of the panel in the first column, below the first line."""
    return [row[0] for row in rows[1:] if wanted(row[0])]
