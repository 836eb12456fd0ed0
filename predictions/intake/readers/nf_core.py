"""What the nf-core/rnaseq pipeline merges: gene_id, gene_name, and a column for each sample."""

from typing import BinaryIO

from predictions.exceptions import PanelRefused
from predictions.intake.cells import split_line
from predictions.intake.findings import not_this_format
from predictions.intake.readers.gene_rows import Columns, read_rows
from predictions.intake.tables import Choices, Head, Table, Wanted
from predictions.intake.text_files import open_text
from predictions.sentences import Sentence, sentence

CODE = "nf_core"
NAME = sentence("nf-core/rnaseq, merged (salmon.merged.gene_tpm.tsv)")
SHAPE = sentence("gene_id, gene_name, then a column for each sample.")
UNIT = sentence("TPM or counts: its name says gene_tpm or gene_counts.")
ASKED = sentence("The unit.")
SAMPLE = "salmon.merged.gene_tpm.tsv"

HEADER = ["gene_id", "gene_name"]


def sniff(head: Head, wanted: Wanted) -> tuple[Sentence, ...]:  # noqa: ARG001 - the header is enough
    """Both columns of identifiers."""
    if not head.lines or split_line(head.lines[0], "\t")[:2] != HEADER:
        return ()
    return (sentence("The first line begins with gene_id and gene_name."),)


def read(file: BinaryIO, wanted: Wanted, choices: Choices) -> Table:
    """Read a table of genes. Raises PanelRefused."""
    text = open_text(file)
    lines = ((number, split_line(line, "\t")) for number, line in text.lines())
    header = next(lines, (1, [""]))[1]
    if header[:2] != HEADER:
        raise PanelRefused([not_this_format("gene_id and gene_name at the beginning of the first line")])
    columns = Columns(len(header), (0, 1), dict(enumerate(header[2:], start=2)))
    return read_rows(lines, columns, wanted, declared=choices.unit, steps=text.steps)
