"""CSV or TSV with a row for each sample and a column for each gene; columns for id and age are optional.

A block whose cells are all plain is parsed by polars. Any other is read cell by cell, which is what decides:
both ways give the same bits, and only the second can say what is wrong and where.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from itertools import islice, product
from math import inf, nan
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from predictions.exceptions import PanelRefused, Problem
from predictions.intake.cells import (
    MISSING,
    find_delimiter,
    has_decimal_comma,
    is_value,
    not_a_number,
    read_number,
    split_line,
)
from predictions.intake.conversions import may_need_totals
from predictions.intake.findings import (
    CELLS_NAMED,
    more_not_numbers,
    no_gene_known,
    no_rows,
    some,
    too_many_columns,
    wrong_width,
)
from predictions.intake.measurements import Step
from predictions.intake.readers.orientation import genes_across, genes_down, rows_of
from predictions.intake.readers.repeats import refuse_repeats
from predictions.intake.readers.totals import has_all, is_gene, known, read_summands
from predictions.intake.tables import CHUNK, OTHERS_NAMED, Choices, Chunk, Head, Table, Wanted
from predictions.intake.text_files import TextFile, open_text
from predictions.intake.whole_numbers import whole_number
from predictions.sentences import Sentence, marked, sentence

if TYPE_CHECKING:
    import polars as pl

SAMPLES_NAMED = marked("Column {column} was read as the name of the sample.")
AGES_READ = marked("Column {column} was read as the age in years.")

CODE = "samples_in_rows"
NAME = sentence("CSV or TSV, a row for each sample")
SHAPE = sentence(
    "A header with the names of the genes, then a line for each sample; id and age are optional."
)
UNIT = sentence("The one that you declare.")
ASKED = sentence("The unit.")
SAMPLE = "samples-in-rows.csv"

MOST_COLUMNS = 75_000
LINES_LOOKED_AT = 100
SPARSE = 5
ENOUGH_GENES = 2
SAMPLE_NAMES = set(
    "barcode caseid geoaccession id patient patientid sample sampleid samplename".split()  # noqa: SIM905
)
AGE_NAMES = {"age", "ageatdiagnosis", "ageinyears", "ageyears"}
# Every spelling of what is missing: polars knows no case.
SPELLINGS = sorted(
    "".join(letters) for word in MISSING for letters in product(*((a, a.upper()) for a in word))
)


@dataclass(frozen=True)
class Layout:
    """What stands where in each row."""

    header: tuple[str, ...]
    delimiter: str
    with_comma: bool
    genes: tuple[int, ...]
    sample: int | None
    age: int | None
    unit: str = ""

    @property
    def width(self) -> int:
        """How many cells a row has."""
        return len(self.header)

    @property
    def is_sparse(self) -> bool:
        """Whether so few of the columns are read that parsing all of them is the slower way."""
        return len(self.header) > SPARSE * len(self.genes)

    @property
    def others(self) -> list[str]:
        """The names of the columns that are not read."""
        used = {*self.genes, self.sample, self.age}
        return [name for column, name in enumerate(self.header) if column not in used]

    @cached_property
    def added_up(self) -> list[int]:
        """The columns of all genes, of the panel or not; none where a sum is not needed or not whole."""
        besides = {self.sample, self.age}
        genes = [c for c, name in enumerate(self.header) if c not in besides and is_gene(name)]
        return genes if may_need_totals(self.unit) and has_all(len(genes)) else []


@dataclass(frozen=True)
class _Sample:
    row: int
    name: str
    age: int | None
    values: list[float]
    problems: tuple[Problem, ...]
    total: float = nan


def sniff(head: Head, wanted: Wanted) -> tuple[Sentence, ...]:
    """Genes of the panel across the first line."""
    rows = rows_of(head)
    known = genes_across(rows, wanted) if rows else []
    if len(known) < max(ENOUGH_GENES, len(genes_down(rows, wanted))):
        return ()
    return (sentence("The first line names genes of the panel: {genes}.", genes=some(known)),)


def read(file: BinaryIO, wanted: Wanted, choices: Choices) -> Table:
    """Read a table of samples. Raises PanelRefused."""
    text = open_text(file)
    lines = list(islice(text.lines(), LINES_LOOKED_AT))
    delimiter = find_delimiter(lines[0][1]) if lines else None
    if not delimiter:
        raise PanelRefused([no_rows()])
    look = [split_line(line, delimiter) for _, line in lines]
    layout = find_layout(look, delimiter, wanted, choices.unit)
    return table_of(layout, _read_chunks(text, lines[0][0], layout), text.steps)


def table_of(layout: Layout, chunks: Iterator[Chunk], steps: Sequence[Step] = ()) -> Table:
    """The table of which this is the layout and these are the samples."""
    return Table(
        identifiers=tuple(layout.header[column] for column in layout.genes),
        chunks=refuse_repeats(chunks),
        others=tuple(layout.others[:OTHERS_NAMED]),
        others_count=len(layout.others),
        steps=(*steps, *_steps(layout)),
        has_totals=bool(layout.added_up),
    )


def find_layout(rows: Sequence[list[str]], delimiter: str, wanted: Wanted, unit: str) -> Layout:
    """What stands where, by the header and the first rows below it. Raises PanelRefused."""
    header, *body = rows
    if not body:
        raise PanelRefused([no_rows()])
    if all(len(row) == len(header) + 1 for row in body):
        header = ["", *header]  # R writes no name over the names of its rows
    if len(header) > MOST_COLUMNS:
        raise PanelRefused([too_many_columns(len(header), MOST_COLUMNS)])
    genes = [column for column, name in enumerate(header) if wanted(name)]
    if not genes:
        raise PanelRefused([no_gene_known(header, len(header))])
    named = [re.sub(r"[^a-z]", "", name.casefold()) for name in header]
    sample = next((column for column, name in enumerate(named) if name in SAMPLE_NAMES), None)
    if sample is None and 0 not in genes and not any(is_value(row[0]) for row in body):
        sample = 0
    return Layout(
        tuple(header),
        delimiter,
        with_comma=delimiter != ","
        and has_decimal_comma([row[column] for row in body for column in genes if column < len(row)]),
        genes=tuple(genes),
        sample=sample,
        age=next((column for column, name in enumerate(named) if name in AGE_NAMES), None),
        unit=unit,
    )


def _read_chunks(text: TextFile, header_row: int, layout: Layout) -> Iterator[Chunk]:
    for number, block in text.blocks(CHUNK):
        skipped = max(0, header_row + 1 - number)
        if body := block.split(b"\n", skipped)[-1]:
            row = number + skipped
            yield read_plain(body, row, layout) or read_cells(body, row, layout)


def read_plain(block: bytes, row: int, layout: Layout) -> Chunk | None:
    """The samples of a block in which every cell is plainly a number or missing; None of any other."""
    frame = _parse(block, layout)
    if frame is None:
        return None
    genes = frame.select(f"{column}" for column in layout.genes)
    values = genes.to_numpy()
    missing = np.isnan(values)
    if missing.all() or np.isinf(values).any() or missing.sum() != sum(genes.null_count().row(0)):
        return None
    names = [_read_name(cell) for cell in _texts(frame, layout.sample)]
    if any(not name for name, is_empty in zip(names, missing.all(axis=1), strict=True) if is_empty):
        return None  # perhaps a row of nothing but delimiters, which is no sample
    try:
        ages = [_read_age(cell.strip()) for cell in _texts(frame, layout.age)]
    except ValueError:
        return None
    return Chunk(tuple(names), tuple(ages), tuple(range(row, row + len(names))), values)


def _texts(frame: "pl.DataFrame", column: int | None) -> list[str]:
    return [""] * frame.height if column is None else frame[f"{column}"].fill_null("").to_list()


def _parse(block: bytes, layout: Layout) -> "pl.DataFrame | None":
    import polars as pl  # noqa: PLC0415 - 25 MB that a process without tables does not need

    block = _unquote(block, layout.delimiter)
    if layout.is_sparse or not _may_be_plain(block, layout):
        return None
    schema = {f"{c}": pl.Float64 if c in layout.genes else pl.String for c in range(layout.width)}
    for words in (None, SPELLINGS):
        with suppress(pl.exceptions.PolarsError):
            return pl.read_csv(
                block,
                has_header=False,
                schema=schema,
                separator=layout.delimiter,
                decimal_comma=layout.with_comma,
                quote_char=None,
                null_values=words,
            )
    return None


def _unquote(block: bytes, delimiter: str) -> bytes:
    """Take off the quotes of cells that do not need them: those without a delimiter or a quote inside."""
    if b'"' not in block:
        return block
    border = f"[^{delimiter}\n]".encode()
    return re.sub(rb'(?<!%s)"([^"%s\n]*)"(?!%s)' % (border, delimiter.encode(), border), rb"\1", block)


def _may_be_plain(block: bytes, layout: Layout) -> bool:
    """Whether polars would not overlook anything: a quote, a point beside commas, a line that is too short.

    It fills up a short line in silence, but not a line that is too long; and the marks are all there.
    """
    if b'"' in block or (layout.with_comma and b"." in block):
        return False
    data = np.frombuffer(block, np.uint8)
    lines, marks = (np.count_nonzero(data == ord(mark)) for mark in ("\n", layout.delimiter))
    return bool(marks == lines * (layout.width - 1))


def read_cells(block: bytes, row: int, layout: Layout) -> Chunk:
    """The samples of any block, cell by cell, with everything that is wrong and where."""
    empty = f"{layout.delimiter} \t"
    lines = enumerate(block.decode().split("\n")[:-1], start=row)
    rows = ((number, split_line(line, layout.delimiter)) for number, line in lines if line.strip(empty))
    return read_samples(rows, layout)


def read_samples(rows: Iterable[tuple[int, list[str]]], layout: Layout) -> Chunk:
    """The samples of numbered rows; a row of empty cells is none."""
    samples = [_read_sample(number, cells, layout) for number, cells in rows if any(cells)]
    return Chunk(
        sample_ids=tuple(sample.name for sample in samples),
        ages=tuple(sample.age for sample in samples),
        rows=tuple(sample.row for sample in samples),
        values=np.array([sample.values for sample in samples]).reshape(len(samples), len(layout.genes)),
        problems={index: sample.problems for index, sample in enumerate(samples) if sample.problems},
        totals=known(np.array([sample.total for sample in samples])) if layout.added_up else None,
    )


def _read_sample(row: int, cells: list[str], layout: Layout) -> _Sample:
    name = "" if layout.sample is None else _read_name("".join(cells[layout.sample : layout.sample + 1]))
    if len(cells) != layout.width:
        problem = wrong_width(row, cells, layout.width)
        return _Sample(row, name, None, [inf] * len(layout.genes), (problem,))
    values = [read_number(cells[column], with_comma=layout.with_comma) for column in layout.genes]
    problems = list(_unreadable(row, cells, layout, values))
    age = None
    if layout.age is not None:
        try:
            age = _read_age(cells[layout.age])
        except ValueError:
            problems.append(_not_an_age(cells[layout.age], row, layout.header[layout.age]))
    number = partial(read_number, with_comma=layout.with_comma)
    total = read_summands([cells[column] for column in layout.added_up], number).sum()
    return _Sample(row, name, age, values, tuple(problems), float(total))


def _unreadable(row: int, cells: list[str], layout: Layout, values: list[float]) -> Iterator[Problem]:
    columns = [column for column, value in zip(layout.genes, values, strict=True) if value == inf]
    for column in columns[:CELLS_NAMED]:
        yield not_a_number(layout.header[column], cells[column], row, layout.header[column])
    if len(columns) > CELLS_NAMED:
        yield more_not_numbers(len(columns) - CELLS_NAMED, row)


def _read_name(cell: str) -> str:
    name = cell.strip()
    return "" if name.lower() in MISSING else name


@lru_cache(maxsize=1_000)
def _read_age(cell: str) -> int | None:
    """Whole years; pandas writes them with a decimal place where one is missing."""
    return None if cell.lower() in MISSING else whole_number(cell.removesuffix(".0"))


def _not_an_age(cell: str, row: int, column: str) -> Problem:
    return Problem(
        "age_unreadable",
        sentence("The age is not a whole number of years."),
        sentence("Write it like 57, or leave it empty (or NA) if it is not known."),
        row=row,
        column=column,
        value=cell[:80],
    )


def _steps(layout: Layout) -> Iterator[Step]:
    if layout.sample is not None:
        yield Step("samples_named", sentence(SAMPLES_NAMED, column=layout.header[layout.sample] or "1"))
    if layout.age is not None:
        yield Step("ages_read", sentence(AGES_READ, column=layout.header[layout.age]))
    if layout.with_comma:
        yield Step("decimal_comma_read", sentence("A comma was read as the decimal sign."))
