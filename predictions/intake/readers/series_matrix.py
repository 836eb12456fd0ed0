"""GEO series matrix: lines about the series and its samples, and a table between two marks."""

from collections.abc import Iterator
from itertools import takewhile
from typing import BinaryIO

from predictions.exceptions import PanelRefused
from predictions.intake.cells import split_line
from predictions.intake.findings import cut_off, not_this_format
from predictions.intake.measurements import Step
from predictions.intake.readers.ages import Ages, is_age, settle_ages
from predictions.intake.readers.gene_rows import Columns, read_rows
from predictions.intake.tables import Choices, Head, Table, Wanted
from predictions.intake.text_files import open_text
from predictions.sentences import Sentence, marked, sentence

CODE = "series_matrix"
NAME = sentence("GEO series matrix")
SHAPE = sentence("Lines that begin with !Series_ and !Sample_, then a table of probe sets and samples.")
UNIT = sentence("The one that you declare; what the series says of its processing is shown.")
ASKED = sentence("The unit.")
SAMPLE = "series_matrix.txt"

BEGIN, END = "!series_matrix_table_begin", "!series_matrix_table_end"
TOLD = {
    "!Sample_data_processing": marked("The series says of its processing: {text}"),
    "!Sample_platform_id": marked("The series says of its platform: {text}"),
}
LONGEST_TOLD = 300
NAMES, DESCRIBED = "!Sample_geo_accession", "!Sample_characteristics_ch1"

Lines = Iterator[tuple[int, str]]


def sniff(head: Head, wanted: Wanted) -> tuple[Sentence, ...]:  # noqa: ARG001 - the first line is enough
    """Lines about the series."""
    if not head.lines or not head.lines[0].startswith("!Series_"):
        return ()
    return (sentence("The first line begins with !Series_."),)


def read(file: BinaryIO, wanted: Wanted, choices: Choices) -> Table:
    """Read the table of a series. Raises PanelRefused."""
    text = open_text(file)
    lines = text.lines()
    about = _about(lines)
    header = split_line(next(lines, (1, ""))[1], "\t")
    if header[0] != "ID_REF":
        raise PanelRefused([not_this_format(f"{BEGIN}, and a header that begins with ID_REF")])
    columns = Columns(len(header), (0,), dict(enumerate(header[1:], start=1)))
    ages, told = _ages(about, header[1:])
    steps = (*text.steps, *_says(about), *told)
    return read_rows(_until_end(lines), columns, wanted, declared=choices.unit, ages=ages, steps=steps)


def _about(lines: Lines) -> list[tuple[str, list[str]]]:
    """The lines about the samples that are used, up to where the table begins."""
    used = {*TOLD, NAMES, DESCRIBED}
    above = takewhile(lambda line: not line[1].startswith(BEGIN), lines)
    parted = (line.partition("\t") for _, line in above)
    return [(key, split_line(rest, "\t")) for key, _, rest in parted if key in used]


def _says(about: list[tuple[str, list[str]]]) -> Iterator[Step]:
    """What the series says of its values."""
    for key, template in TOLD.items():
        if text := next((cells[0] for name, cells in about if name == key), ""):
            yield Step("series_says", sentence(template, text=text[:LONGEST_TOLD]))


def _ages(about: list[tuple[str, list[str]]], samples: list[str]) -> tuple[Ages, tuple[Step, ...]]:
    """The ages of the samples in the order of the table; what describes them may be in another one.

    A cell is "age: 57", and the lines need not have the same thing of every sample. What is told twice of one
    is told as no number.
    """
    names = next((cells for key, cells in about if key == NAMES), [])
    told: dict[str, dict[str, str]] = {}
    for cells in (cells for key, cells in about if key == DESCRIBED):
        for name, cell in zip(names, cells, strict=False):
            key, _, value = cell.partition(":")
            if is_age(key):
                of_sample = told.setdefault(key, {})
                of_sample[name] = f"{of_sample[name]} and {value}" if name in of_sample else value
    return settle_ages(
        [(key, [ages.get(s, "") for s in samples]) for key, ages in told.items()], len(samples)
    )


def _until_end(lines: Lines) -> Iterator[tuple[int, list[str]]]:
    for number, line in lines:
        if line.startswith(END):
            return
        yield number, split_line(line, "\t")
    raise PanelRefused([cut_off(f"the line {END} is missing")])
