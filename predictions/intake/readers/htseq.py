"""What HTSeq counts: two columns without a header, and five last rows that are no genes."""

from typing import BinaryIO

from predictions.exceptions import PanelRefused
from predictions.intake.cells import split_line
from predictions.intake.findings import no_rows
from predictions.intake.readers.gene_rows import Columns, read_rows
from predictions.intake.tables import Choices, Head, Table, Wanted
from predictions.intake.text_files import open_text
from predictions.sentences import Sentence, sentence

CODE = "htseq"
NAME = sentence("HTSeq-count")
SHAPE = sentence(
    "A line for each gene, its identifier and its count; the last lines begin with __no_feature."
)
UNIT = sentence("Raw counts.")
ASKED = sentence("Nothing.")
SAMPLE = "htseq-counts.txt"

NO_GENE = "__"


def sniff(head: Head, wanted: Wanted) -> tuple[Sentence, ...]:  # noqa: ARG001 - its shape is enough
    """The rows that are no genes; or, of a file that ends further down, whole numbers of Ensembl genes."""
    rows = [split_line(line, "\t") for line in head.lines]
    if not rows or any(len(row) != 2 for row in rows):  # noqa: PLR2004 - two columns
        return ()
    if any(row[0].startswith("__no_feature") for row in rows):
        return (sentence("There is a row __no_feature."),)
    if all(name.startswith("ENSG") and count.isascii() and count.isdigit() for name, count in rows):
        return (sentence("There are two columns without a header: Ensembl genes and whole numbers."),)
    return ()


def read(file: BinaryIO, wanted: Wanted, choices: Choices) -> Table:  # noqa: ARG001 - nothing to choose
    """Read the counts. Raises PanelRefused."""
    text = open_text(file)
    if next(text.lines(), None) is None:
        raise PanelRefused([no_rows()])
    lines = ((number, split_line(line, "\t")) for number, line in text.lines())
    genes = ((number, cells) for number, cells in lines if not cells[0].startswith(NO_GENE))
    return read_rows(genes, Columns(2, (0,), {1: ""}), wanted, unit="raw_counts", steps=text.steps)
