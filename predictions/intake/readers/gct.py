"""GCT 1.2 and 1.3, the table of GenePattern and the Broad Institute."""

from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

from predictions.exceptions import PanelRefused
from predictions.intake.cells import split_line
from predictions.intake.findings import cut_off, not_this_format
from predictions.intake.measurements import Step
from predictions.intake.readers.gene_rows import Columns, read_rows
from predictions.intake.tables import Choices, Head, Table, Wanted
from predictions.intake.text_files import open_text
from predictions.sentences import Sentence, sentence

CODE = "gct"
NAME = sentence("GCT 1.2 and 1.3")
SHAPE = sentence(
    "#1.2 or #1.3, a line of counts, a header, then a line for each gene and a column for each sample."
)
UNIT = sentence("The one that you declare.")
ASKED = sentence("The unit.")
SAMPLE = "expression.gct"

VERSIONS = {"#1.2": 2, "#1.3": 4}
NOT_COUNTS = "two counts, of rows and columns, in the second line; four in GCT 1.3"


def sniff(head: Head, wanted: Wanted) -> tuple[Sentence, ...]:  # noqa: ARG001 - the first line is enough
    """The version in the first line."""
    if not head.lines or head.lines[0].strip() not in VERSIONS:
        return ()
    return (sentence("The first line is {line}.", line=head.lines[0].strip()),)


def read(file: BinaryIO, wanted: Wanted, choices: Choices) -> Table:
    """Read a table of genes. Raises PanelRefused, also when there are not as many rows as it says."""
    text = open_text(file)
    lines = ((number, split_line(line, "\t")) for number, line in text.lines())
    version = next(lines, (1, [""]))[1][0]
    genes, samples, notes, lines_of_notes = _counts(version, next(lines, (2, []))[1])
    header = next(lines, (3, []))[1]
    first = 1 + notes
    if len(header) != first + samples:
        raise PanelRefused([not_this_format(f"a header of {first + samples} columns in the third line")])
    columns = Columns(len(header), tuple(range(first)), dict(enumerate(header[first:], start=first)))
    body = islice(lines, lines_of_notes, None)
    return read_rows(
        _counted(body, genes),
        columns,
        wanted,
        declared=choices.unit,
        steps=(*text.steps, *_steps(lines_of_notes)),
    )


def _counts(version: str, cells: list[str]) -> tuple[int, int, int, int]:
    """How many genes, samples, columns about genes and lines about samples there are."""
    cells = [cell for cell in cells if cell]
    if VERSIONS.get(version) != len(cells) or not all(c.isascii() and c.isdigit() for c in cells):
        raise PanelRefused([not_this_format(NOT_COUNTS)])
    genes, samples, *notes = (int(cell[:9]) for cell in cells)
    return genes, samples, *(notes or (1, 0))


def _counted(rows: Iterator[tuple[int, list[str]]], genes: int) -> Iterator[tuple[int, list[str]]]:
    found = 0
    for row, cells in rows:
        found += 1
        yield row, cells
    if found != genes:
        raise PanelRefused([cut_off(f"its second line says {genes} genes, and there are {found}")])


def _steps(lines_of_notes: int) -> Iterator[Step]:
    if lines_of_notes:
        yield Step("notes_skipped", sentence("The lines that describe the samples were not read."))
