"""Which format a file is of, by what is in it. Exactly one that fits is taken; else a person chooses.

Its name is asked only where what is in it fits several.
"""

import codecs
import io
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import BinaryIO

from predictions.exceptions import PanelRefused, Problem
from predictions.intake.findings import no_rows
from predictions.intake.readers import (
    feature_counts,
    gct,
    gene_values,
    genes_in_rows,
    h5ad,
    htseq,
    kallisto,
    nf_core,
    rcc,
    rsem,
    salmon,
    samples_in_rows,
    series_matrix,
    star,
    xlsx,
)
from predictions.intake.tables import HEAD, Head, Reader, Wanted
from predictions.intake.text_files import open_text
from predictions.sentences import Sentence, sentence

# What bears a mark of its own is asked before the tables that any spreadsheet could have written.
MARKED: tuple[Reader, ...] = (
    salmon,
    kallisto,
    rsem,
    nf_core,
    star,
    feature_counts,
    htseq,
    gct,
    series_matrix,
    rcc,
    xlsx,
    h5ad,
)
PLAIN: tuple[Reader, ...] = (gene_values, samples_in_rows, genes_in_rows)
READERS: Mapping[str, Reader] = {reader.CODE: reader for reader in (*PLAIN, *MARKED)}
# Of the formats without a mark, cBioPortal alone has names of its own for them.
FILE_NAMES = {genes_in_rows.CODE: ("data_mrna*", "data_expression*")}

Reasons = tuple[Sentence, ...]


class ReaderUnclear(Exception):
    """For the person: several formats fit, for these reasons."""

    def __init__(self, matches: Mapping[str, Reasons]) -> None:
        super().__init__(", ".join(matches))
        self.matches = matches


def detect(file: BinaryIO, name: str, wanted: Wanted) -> tuple[Reader, Reasons]:
    """The one reader that says yes to the beginning of an unpacked file, and why.

    Raises
    ------
    PanelRefused
        When none does.
    ReaderUnclear
        When several do, and its name does not tell which.
    """
    head = _head(file, name)
    if not head.data.strip():
        raise PanelRefused([no_rows()])
    for readers in (MARKED, PLAIN):
        matches = {reader.CODE: reasons for reader in readers if (reasons := reader.sniff(head, wanted))}
        if matches:
            code, reasons = _only(matches, name)
            return READERS[code], reasons
    raise PanelRefused([_unknown(head)])


def _only(matches: Mapping[str, Reasons], name: str) -> tuple[str, Reasons]:
    """The one that fits, or the one of several that has files of this name."""
    if len(matches) == 1:
        return next(iter(matches.items()))
    named = [code for code in matches if _is_named_like(code, name)]
    if len(named) != 1:
        raise ReaderUnclear(matches)
    said = sentence("Its name, {name}, tells which of the formats that fit it is.", name=name[:100])
    return named[0], (*matches[named[0]], said)


def _is_named_like(code: str, name: str) -> bool:
    return any(fnmatchcase(name.lower(), pattern) for pattern in FILE_NAMES.get(code, ()))


def _unknown(head: Head) -> Problem:
    return Problem(
        "format_unknown",
        sentence("The file does not begin like any of the formats that are read."),
        sentence(
            "See the page of the formats, or choose the format yourself. A spreadsheet can be saved as "
            ".xlsx or CSV."
        ),
        row=1,
        value=ascii(head.lines[0] if head.lines else head.data[:20].decode("latin-1"))[1:-1][:80],
    )


def _head(file: BinaryIO, name: str) -> Head:
    file.seek(0)
    data = file.read(HEAD)
    file.seek(0)
    return Head(data, _lines(data), name)


def _lines(data: bytes) -> tuple[str, ...]:
    """Its lines, without a last one that is cut off unless it is the only one."""
    whole = data.rpartition(b"\n")[0] if len(data) == HEAD and b"\n" in data else data
    try:
        lines = [line for _, line in open_text(io.BytesIO(_even(whole))).lines()]
    except PanelRefused:
        return ()
    return tuple(lines)


def _even(data: bytes) -> bytes:
    """As many bytes of UTF-16 as make whole characters."""
    is_utf_16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data[: len(data) - len(data) % 2] if is_utf_16 else data
