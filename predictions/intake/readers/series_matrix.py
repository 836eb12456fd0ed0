"""GEO series matrix: lines about the series and its samples, and a table between two marks."""

from collections.abc import Iterator
from typing import BinaryIO

from predictions.exceptions import PanelRefused
from predictions.intake.cells import split_line
from predictions.intake.findings import cut_off, not_this_format
from predictions.intake.measurements import Step
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
    steps = (*text.steps, *_steps(lines))
    header = split_line(next(lines, (1, ""))[1], "\t")
    if header[0] != "ID_REF":
        raise PanelRefused([not_this_format(f"{BEGIN}, and a header that begins with ID_REF")])
    columns = Columns(len(header), (0,), dict(enumerate(header[1:], start=1)))
    return read_rows(_until_end(lines), columns, wanted, declared=choices.unit, steps=steps)


def _steps(lines: Lines) -> list[Step]:
    """What the series says of its values, up to where the table begins."""
    told: dict[str, str] = {}
    for _, line in lines:
        if line.startswith(BEGIN):
            break
        key, _, rest = line.partition("\t")
        if key in TOLD:
            told.setdefault(key, split_line(rest, "\t")[0][:LONGEST_TOLD])
    return [Step("series_says", sentence(TOLD[key], text=text)) for key, text in told.items()]


def _until_end(lines: Lines) -> Iterator[tuple[int, list[str]]]:
    for number, line in lines:
        if line.startswith(END):
            return
        yield number, split_line(line, "\t")
    raise PanelRefused([cut_off(f"the line {END} is missing")])
