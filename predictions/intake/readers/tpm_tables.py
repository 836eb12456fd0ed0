"""Tables that a quantifier wrote for one sample: a known header, a gene or a transcript in each row."""

from collections.abc import Iterator, Sequence
from itertools import chain
from math import isinf

from predictions.exceptions import PanelRefused, Problem
from predictions.intake.cells import read_number, split_line
from predictions.intake.findings import no_rows, not_this_format
from predictions.intake.measurements import Step
from predictions.intake.readers.gene_rows import Columns, Rows, read_rows
from predictions.intake.tables import Head, Table, Wanted
from predictions.intake.text_files import TextFile
from predictions.sentences import Sentence, sentence

TRANSCRIPT = "ENST"


def sniff_headers(head: Head, headers: Sequence[Sequence[str]]) -> tuple[Sentence, ...]:
    """That the first line is exactly one of these."""
    first = split_line(head.lines[0], "\t") if head.lines else []
    if tuple(first) not in headers:
        return ()
    return (sentence("The first line is {header}.", header=" ".join(first)),)


def read_tpm(text: TextFile, headers: Sequence[Sequence[str]], column: str, wanted: Wanted) -> Table:
    """The values of one column below one of these headers, of transcripts added up by gene.

    Raises
    ------
    PanelRefused
        When the header is another, nothing follows, or transcripts are named without their genes.
    """
    lines = ((number, split_line(line, "\t")) for number, line in text.lines())
    header = tuple(next(lines, (1, [""]))[1])
    if header not in headers:
        raise PanelRefused([not_this_format(" ".join(headers[0]))])
    first = next(lines, None)
    if first is None:
        raise PanelRefused([no_rows()])
    rows: Rows = chain([first], lines)
    steps = text.steps
    if first[1][0].startswith(TRANSCRIPT):
        rows = _add_up(rows, header.index(column), len(header), wanted)
        added = Step(
            "transcripts_added_up", sentence("The TPM of the transcripts of each gene were added up.")
        )
        steps = (*steps, added)
    return read_rows(
        rows, Columns(len(header), (0,), {header.index(column): ""}), wanted, unit="tpm", steps=steps
    )


def _add_up(rows: Rows, column: int, width: int, wanted: Wanted) -> Iterator[tuple[int, list[str]]]:
    """A row for each gene. TPM are shares of one whole, so that those of a gene's transcripts add up."""
    sums: dict[str, tuple[int, float]] = {}
    for row, cells in rows:
        gene = _gene_of(cells[0], row)
        value = read_number(cells[column]) if len(cells) == width else -1
        if isinf(value) or value < 0 or not wanted(gene):
            yield row, [gene, *cells[1:]]  # of another gene, or to be refused as it stands
            continue
        first, total = sums.get(gene, (row, 0.0))
        sums[gene] = first, total + value
    for gene, (row, total) in sums.items():
        cells = [gene] + [""] * (width - 1)
        cells[column] = repr(total)
        yield row, cells


def _gene_of(transcript: str, row: int) -> str:
    """GENCODE's FASTA files name a transcript ENST…|ENSG…|OTTHUMG…|OTTHUMT…|name|symbol|length|type|."""
    parts = transcript.split("|")
    if len(parts) > 1:
        return parts[1]
    problem = Problem(
        "genes_of_transcripts_unknown",
        sentence("These are transcripts, and the file does not say of which genes."),
        sentence("Send the table of genes: quant.genes.sf of salmon, or what tximport makes of it."),
        row=row,
        value=transcript[:80],
    )
    raise PanelRefused([problem])
