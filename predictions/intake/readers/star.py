"""What STAR counts with --quantMode GeneCounts: no header, four columns, the N_ rows first.

Which of the three counts is right depends on how the library was made: it is inferred from the counts of the
two strands, as STAR's manual says, and a person can say otherwise.
"""

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from predictions.exceptions import PanelRefused
from predictions.intake.cells import read_number, split_line
from predictions.intake.findings import not_this_format
from predictions.intake.measurements import Step
from predictions.intake.readers.gene_rows import Columns, read_rows
from predictions.intake.tables import Choices, Head, PartUnclear, Table, Wanted
from predictions.intake.text_files import TextFile, open_text
from predictions.sentences import Sentence, marked, sentence

CODE = "star"
NAME = sentence("STAR (ReadsPerGene.out.tab)")
SHAPE = sentence("Four columns without a header; the first rows begin with N_.")
UNIT = sentence("Raw counts.")
ASKED = sentence("The strand: the one with more reads is proposed.")
SAMPLE = "ReadsPerGene.out.tab"

WIDTH = 4
NO_GENE = ["N_unmapped", "N_multimapping", "N_noFeature", "N_ambiguous"]
STRANDS = {"unstranded": 1, "forward": 2, "reverse": 3}
# With a stranded library nearly all reads are on one strand; without, both have about half of them.
STRANDED = 3
COLUMN_READ = marked("Column {column} ({strand}) was read: of {forward} and {reverse} reads on the strands.")


def sniff(head: Head, wanted: Wanted) -> tuple[Sentence, ...]:  # noqa: ARG001 - the rows are enough
    """The N_ rows."""
    rows = [split_line(line, "\t") for line in head.lines[: len(NO_GENE)]]
    if [row[0] for row in rows] != NO_GENE or any(len(row) != WIDTH for row in rows):
        return ()
    return (sentence("The first rows are {rows}.", rows=", ".join(NO_GENE)),)


def read(file: BinaryIO, wanted: Wanted, choices: Choices) -> Table:
    """Read the counts of one strand. Raises PanelRefused, or PartUnclear for the strand."""
    text = open_text(file)
    reads = _reads(text)
    if choices.part not in STRANDS:
        raise PartUnclear(_parts(reads), _infer(reads))
    column = STRANDS[choices.part]
    step = Step(
        "strand_read",
        sentence(COLUMN_READ, column=column + 1, strand=choices.part, forward=reads[1], reverse=reads[2]),
    )
    columns = Columns(WIDTH, (0,), {column: ""})
    return read_rows(_genes(text), columns, wanted, unit="raw_counts", steps=(*text.steps, step))


def _genes(text: TextFile) -> Iterator[tuple[int, list[str]]]:
    for number, line in text.lines():
        cells = split_line(line, "\t")
        if cells[0] not in NO_GENE:
            yield number, cells


def _reads(text: TextFile) -> list[int]:
    """How many reads each of the three columns counts. What is no count is for `read_rows` to tell."""
    total: NDArray[np.float64] = np.zeros(WIDTH - 1)
    for _, cells in _genes(text):
        if len(cells) == WIDTH:
            counts = np.array([read_number(cell) for cell in cells[1:]])
            total += np.where(np.isfinite(counts) & (counts > 0), counts, 0)
    if not total.any():
        raise PanelRefused([not_this_format("counts in the second, third and fourth column")])
    return [int(min(count, 1e15)) for count in total.tolist()]


def _infer(reads: list[int]) -> str:
    _, forward, reverse = reads
    if forward > STRANDED * reverse:
        return "forward"
    return "reverse" if reverse > STRANDED * forward else "unstranded"


def _parts(reads: list[int]) -> dict[str, Sentence]:
    return {
        "unstranded": sentence("Unstranded, column 2: {reads} reads", reads=reads[0]),
        "forward": sentence("Forward strand, column 3: {reads} reads", reads=reads[1]),
        "reverse": sentence("Reverse strand, column 4: {reads} reads", reads=reads[2]),
    }
