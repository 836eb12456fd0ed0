"""What featureCounts of Subread writes: counts with the place and length of each gene."""

from collections.abc import Iterator
from typing import BinaryIO

from predictions.exceptions import PanelRefused
from predictions.intake.cells import split_line
from predictions.intake.findings import not_this_format
from predictions.intake.readers.gene_rows import Columns, read_rows
from predictions.intake.tables import Choices, Head, Table, Wanted
from predictions.intake.text_files import open_text
from predictions.sentences import Sentence, sentence

CODE = "feature_counts"
NAME = sentence("featureCounts")
SHAPE = sentence(
    "A comment with the program, then Geneid, Chr, Start, End, Strand, Length and a column for each BAM."
)
UNIT = sentence("Raw counts.")
ASKED = sentence("Nothing; each column of counts is a sample.")
SAMPLE = "featurecounts.txt"

COMMENT = "# Program:featureCounts"
HEADER = ["Geneid", "Chr", "Start", "End", "Strand", "Length"]


def sniff(head: Head, wanted: Wanted) -> tuple[Sentence, ...]:  # noqa: ARG001 - the comment is enough
    """The comment that the program writes, or its header."""
    if head.lines and head.lines[0].startswith(COMMENT):
        return (sentence("The first line is the comment of featureCounts."),)
    if head.lines and split_line(head.lines[0], "\t")[: len(HEADER)] == HEADER:
        return (sentence("The first line begins with {header}.", header=" ".join(HEADER)),)
    return ()


def read(file: BinaryIO, wanted: Wanted, choices: Choices) -> Table:  # noqa: ARG001 - nothing to choose
    """Read the counts. Raises PanelRefused."""
    text = open_text(file)
    lines = _below_comment(text.lines())
    header = next(lines, (1, [""]))[1]
    if header[: len(HEADER)] != HEADER:
        raise PanelRefused([not_this_format(" ".join(HEADER))])
    columns = Columns(len(header), (0,), dict(enumerate(header[len(HEADER) :], start=len(HEADER))))
    return read_rows(lines, columns, wanted, unit="raw_counts", steps=text.steps)


def _below_comment(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, list[str]]]:
    for number, line in lines:
        if not line.startswith("#"):
            yield number, split_line(line, "\t")
