"""CSV or TSV with a row for each gene and a column for each sample, as cBioPortal has it."""

import re
from itertools import islice
from typing import BinaryIO

from predictions.exceptions import PanelRefused
from predictions.intake.cells import find_delimiter, has_decimal_comma, split_line
from predictions.intake.findings import no_rows, some
from predictions.intake.measurements import Step
from predictions.intake.readers.gene_rows import Columns, read_rows
from predictions.intake.readers.orientation import genes_across, genes_down, rows_of
from predictions.intake.tables import Choices, Head, Table, Wanted
from predictions.intake.text_files import open_text
from predictions.sentences import Sentence, sentence

CODE = "genes_in_rows"
NAME = sentence("CSV or TSV, a row for each gene")
SHAPE = sentence(
    "The first column names the genes, and each further column is a sample, named in the header."
)
UNIT = sentence("The one that you declare.")
ASKED = sentence("The unit.")
SAMPLE = "genes-in-rows.tsv"

LINES_LOOKED_AT = 100
FEWEST_COLUMNS = 3
GENE_NAMES = {"ensembl", "ensemblgeneid", "ensemblid", "entrez", "entrezgeneid", "entrezid", "gene", "geneid"}
GENE_NAMES |= {"genename", "genes", "genesymbol", "hgncsymbol", "hugosymbol", "idref", "probe", "probeid"}
GENE_NAMES |= {"probeset", "probesetid", "symbol"}
# Columns that say something about the gene and are no sample.
NOTES = {
    "biotype",
    "chr",
    "chrom",
    "chromosome",
    "cytoband",
    "description",
    "end",
    "genebiotype",
    "genetitle",
}
NOTES |= {"genetype", "length", "start", "strand"}


def sniff(head: Head, wanted: Wanted) -> tuple[Sentence, ...]:
    """Genes of the panel, or the name of a column of genes, down the first column of at least three."""
    rows = rows_of(head)
    if 2 * sum(len(row) >= FEWEST_COLUMNS for row in rows) <= len(rows):
        return ()
    known = genes_down(rows, wanted)
    if len(known) < len(genes_across(rows, wanted)):
        return ()
    reasons = []
    if known:
        reasons.append(sentence("The first column names genes of the panel: {genes}.", genes=some(known)))
    if _plain(rows[0][0]) in GENE_NAMES:
        reasons.append(sentence("The first column is headed '{name}'.", name=rows[0][0]))
    return tuple(reasons)


def read(file: BinaryIO, wanted: Wanted, choices: Choices) -> Table:
    """Read a table of genes. Raises PanelRefused."""
    text = open_text(file)
    lines = list(islice(text.lines(), LINES_LOOKED_AT))
    delimiter = find_delimiter(lines[0][1]) if lines else None
    if not delimiter or len(lines) == 1:
        raise PanelRefused([no_rows()])
    look = [split_line(line, delimiter) for _, line in lines]
    columns = columns_of(look)
    with_comma = delimiter != "," and has_decimal_comma([cell for row in look[1:] for cell in row[1:]])
    rows = ((number, split_line(line, delimiter)) for number, line in islice(text.lines(), 1, None))
    comma = [Step("decimal_comma_read", sentence("A comma was read as the decimal sign."))] * with_comma
    return read_rows(
        rows, columns, wanted, with_comma=with_comma, declared=choices.unit, steps=(*text.steps, *comma)
    )


def columns_of(rows: list[list[str]]) -> Columns:
    """Which columns name the genes, and which are samples, by a header and the first rows below it."""
    header, *body = rows
    if all(len(row) == len(header) + 1 for row in body):
        header = ["", *header]  # R writes no name over the names of its rows
    named = [_plain(name) for name in header]
    identifiers = [column for column, name in enumerate(named) if name in GENE_NAMES] or [0]
    samples = {
        column: name
        for column, name in enumerate(header)
        if column not in {0, *identifiers} and named[column] not in NOTES
    }
    return Columns(len(header), tuple(identifiers), samples)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.casefold())
