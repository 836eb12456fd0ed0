"""Files that are wrong, damaged or made to do harm, and what each is answered with."""

import gzip
import io
import os
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

import h5py
import numpy as np
import xlsxwriter

from predictions.intake.readers.star import NO_GENE
from tests import lab_files
from tests.lab_files import log2_values, zipped

READ = "read"
SYMBOLS = list(log2_values(0))[:40]
Make = Callable[[], bytes | BinaryIO]


@dataclass(frozen=True)
class Hostile:
    """A file by its name, and the code of the problem that it is answered with, or `READ`."""

    name: str
    make: Make
    answer: str


class Endless(io.RawIOBase):
    """A gigabyte of the same, which is nowhere: it is made as it is read."""

    def __init__(self, start: bytes, filling: bytes, size: int = 1_000_000_000) -> None:
        self._start = start
        self._filling = filling * (1_000_000 // len(filling))
        self._size = size
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._place = max(
            0, {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence] + offset
        )
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: Any) -> int:
        data = self._start[self._place : self._place + len(buffer)] or self._filling
        data = data[: max(0, min(len(buffer), self._size - self._place))]
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)


def endless(start: bytes, filling: bytes) -> Make:
    return lambda: io.BufferedReader(Endless(start, filling), 1 << 20)


def panel(cell: str = "7.5", delimiter: str = ",", header: str = "gene,value\n") -> str:
    """Two columns; the value of the third gene is this."""
    values = ["7.1", "6.2", cell, *(["8.3"] * (len(SYMBOLS) - 3))]
    rows = "".join(f"{symbol}{delimiter}{value}\n" for symbol, value in zip(SYMBOLS, values, strict=True))
    return header.replace(",", delimiter) + rows


def rows_of(*samples: str, delimiter: str = ",") -> str:
    """Samples in rows, each with the same values."""
    values = delimiter.join(["7.5"] * len(SYMBOLS))
    return "\n".join(
        [delimiter.join(["sample", *SYMBOLS]), *(f"{sample}{delimiter}{values}" for sample in samples), ""]
    )


def text(content: str, encoding: str = "utf-8") -> Make:
    return lambda: content.encode(encoding)


def changed(name: str, old: bytes, new: bytes) -> Make:
    def make() -> bytes:
        content = lab_files.FILES[name]()
        assert old in content
        return content.replace(old, new, 1)

    return make


def cut(name: str, share: float = 0.5) -> Make:
    return lambda: (content := lab_files.FILES[name]())[: int(len(content) * share)]


def zip_bomb() -> bytes:
    target = io.BytesIO()
    with (
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("panel.csv", "w") as file,
    ):
        for _ in range(40):
            file.write(b"\0" * 1_000_000)
    return target.getvalue()


def gzip_bomb() -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join([*(packer.compress(b"IL18,7\n" * 100_000) for _ in range(60)), packer.flush()])


def workbook(*members: tuple[str, bytes]) -> bytes:
    """The sample workbook with other files in it."""
    target = io.BytesIO()
    replaced = dict(members)
    with (
        zipfile.ZipFile(io.BytesIO(lab_files.xlsx())) as source,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for info in source.infolist():
            archive.writestr(info.filename, replaced.get(info.filename, source.read(info)))
    return target.getvalue()


def sheet(cells: bytes) -> bytes:
    main = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return b'<?xml version="1.0"?><worksheet xmlns="%s"><sheetData>%s</sheetData></worksheet>' % (main, cells)


SHEET = "xl/worksheets/sheet1.xml"
FAR_CELLS = sheet(
    b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
)
ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "%s">%s]><worksheet><sheetData>&h;</sheetData></worksheet>'
    % (
        b"x" * 1000,
        b"".join(
            b'<!ENTITY %c "%s">' % (name, b"&%c;" % (name - 1) * 10) for name in range(ord("b"), ord("i"))
        ),
    )
)


def lying_zip() -> bytes:
    """Its directory says that the file in it has ten bytes."""
    content = zipped({"panel.csv": b"\0" * 12_000_000})
    return content.replace((12_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))


def locked_zip() -> bytes:
    """It says in both places that a password is needed."""
    content = bytearray(zipped({"panel.csv": panel().encode()}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def crowded_zip() -> bytes:
    return zipped({f"{number}.csv": b"" for number in range(4_000)})


def spreadsheet(*rows: tuple[object, ...]) -> Make:
    def make() -> bytes:
        file = io.BytesIO()
        with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
            page = book.add_worksheet()
            for number, row in enumerate(rows):
                page.write_row(number, 0, row)
        return file.getvalue()

    return make


def two_sheets() -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        for name in ("Notes", "Values"):
            book.add_worksheet(name).write_row(0, 0, ["gene", "S1"])
    return file.getvalue()


def h5(change: Callable[[h5py.File], None]) -> Make:
    def make() -> bytes:
        file = io.BytesIO(lab_files.h5ad("array"))
        with h5py.File(file, "r+") as root:
            change(root)
        return file.getvalue()

    return make


def link_outside(root: h5py.File) -> None:
    del root["X"]
    root["X"] = h5py.ExternalLink("/etc/hostname", "/")


def external_data(root: h5py.File) -> None:
    shape = root["X"].shape
    del root["X"]
    root.create_dataset("X", shape, np.float32, external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)])


def huge_shape(root: h5py.File) -> None:
    del root["X"]
    root.create_dataset("X", (900_000, 190_000), np.float32, chunks=(1, 1_000))


def huge_chunk(root: h5py.File) -> None:
    shape = root["X"].shape
    del root["X"]
    root.create_dataset("X", shape, np.float32, maxshape=(None, None), chunks=(100_000, 1_000))


def broken_sparse() -> bytes:
    file = io.BytesIO(lab_files.h5ad("csr_matrix"))
    with h5py.File(file, "r+") as root:
        root["X"]["indices"][0] = 2_000_000_000
    return file.getvalue()


def infinite_matrix(root: h5py.File) -> None:
    root["X"][0, :] = np.inf


WIDE = ",".join(["sample", *SYMBOLS, *("x" * 100_000)]) + "\nS1" + ",7" * (100_000 + len(SYMBOLS)) + "\n"
ACROSS = "\t".join(["gene", *map(str, range(100_000))]) + "\nIL18" + "\t7" * 100_000 + "\n"
RAGGED = rows_of("S1") + "S2,7\n" + rows_of("S3").split("\n")[1] + ",9\n"
NOT_COUNTED = "".join(f"{row}\t1\t1\t1\n" for row in NO_GENE)
ENST_ONLY = "target_id\tlength\teff_length\test_counts\ttpm\nENST1.1\t9\t9\t9\t9\n"
END = b"!series_matrix_table_end"


def without_housekeeping() -> bytes:
    return lab_files.rcc().replace(b"Housekeeping,", b"Endogenous,")


HOSTILE = (
    Hostile("an image", lambda: b"\x89PNG\r\n\x1a\n" + os.urandom(2_000), "format_unknown"),
    Hostile("a PDF", lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n" + b"\0\xff" * 500, "format_unknown"),
    Hostile("an .xls of 2003", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 3_000, "format_unknown"),
    Hostile("a page of HTML", text("<html><body>Log in</body></html>\n"), "format_unknown"),
    Hostile("JSON", text('{"values": {"IL18": 7.5}}'), "format_unknown"),
    Hostile("prose", text("Dear colleague,\nplease find the panel below.\n"), "format_unknown"),
    Hostile("empty", text(""), "empty_panel"),
    Hostile("blank lines", text("\n \n\t\n"), "empty_panel"),
    Hostile("header only", text("gene,value\n"), "format_unknown"),
    Hostile("header of genes only", text(",".join(["sample", *SYMBOLS]) + "\n"), "empty_panel"),
    Hostile("two delimiters", text(panel().replace(",", ";", 5)), "wrong_column_count"),
    Hostile("decimal comma", text(panel("7,5", ";").replace(".", ",")), READ),
    Hostile("decimal comma between commas", text(panel("7,5")), "wrong_column_count"),
    Hostile("decimal comma and point", text(panel("7,5", ";")), "not_a_number"),
    Hostile("thousands", text(panel('"1,234.5"')), "not_a_number"),
    Hostile("byte order mark", text(panel(), "utf-8-sig"), READ),
    Hostile("UTF-16", text(panel(), "utf-16"), READ),
    Hostile("UTF-16 without mark", text(panel(), "utf-16-le"), "format_unknown"),
    Hostile("UTF-16, cut in a character", lambda: panel().encode("utf-16")[:-1], "not_text"),
    Hostile("Latin-1", text(rows_of("Müller"), "latin-1"), READ),
    Hostile("carriage returns only", text(panel().replace("\n", "\r")), READ),
    Hostile("NUL bytes", text(panel("7\x005")), "format_unknown"),
    Hostile("NUL far below", text(rows_of(*(f"S{i}" for i in range(2_000)), "S\0")), "not_text"),
    Hostile("control characters", text(panel("\x1b[2J7.5")), "not_a_number"),
    Hostile("infinity", text(panel("Infinity")), "not_a_number"),
    Hostile("1e309", text(panel("1e309")), "not_a_number"),
    Hostile("Arabic digits", text(panel("\u0667.\u0665")), "not_a_number"),
    Hostile("underscore", text(panel("7_5")), "not_a_number"),
    Hostile("a formula", text(panel("=1+1")), "not_a_number"),
    Hostile("a quote never closed", text(panel('"7.5')), READ),
    Hostile("a million digits", text(panel("7" * 1_000_000)), "row_too_long"),
    Hostile("duplicate samples", text(rows_of("S1", "S2", "S1")), "sample_repeated"),
    Hostile("duplicate genes", text(panel() + f"{SYMBOLS[0]},9.9\n"), READ),
    Hostile("short and long rows", text(RAGGED), "wrong_column_count"),
    Hostile("100,000 columns", text(WIDE), "too_large"),
    Hostile("100,000 samples across", text(ACROSS), "too_large"),
    Hostile("a line of 1 GB", endless(b"IL18,", b"7"), "format_unknown"),
    Hostile("a line of 1 GB further down", endless(panel().encode() + b"GAPDH,", b"7"), "row_too_long"),
    Hostile("1 GB of blanks", endless(b"", b" "), "empty_panel"),
    Hostile("1 GB of empty rows", endless(b"sample,IL18,POLQ\n", b",,\n"), "too_large"),
    Hostile("gzip", lambda: gzip.compress(panel().encode()), READ),
    Hostile("gzip, cut off", lambda: gzip.compress(panel().encode())[:-40], "file_incomplete"),
    Hostile(
        "gzip of another thing",
        lambda: gzip.compress(panel().encode())[:10] + os.urandom(500),
        "file_incomplete",
    ),
    Hostile("gzip bomb", gzip_bomb, "unpacks_too_large"),
    Hostile("gzip in gzip", lambda: gzip.compress(gzip.compress(panel().encode())), "format_unknown"),
    Hostile("bzip2", lambda: b"BZh91AY&SY" + os.urandom(200), "not_unpacked"),
    Hostile("zip", lambda: zipped({"panel.csv": panel().encode(), "__MACOSX/._panel.csv": b"x"}), READ),
    Hostile("zip of two files", lambda: zipped({"a.csv": b"x", "b.csv": b"y"}), "not_unpacked"),
    Hostile("zip, cut off", lambda: zipped({"panel.csv": panel().encode()})[:-60], "file_incomplete"),
    Hostile("zip with ../", lambda: zipped({"../../etc/panel.csv": panel().encode()}), "not_unpacked"),
    Hostile("zip bomb", zip_bomb, "unpacks_too_large"),
    Hostile("zip that lies about its size", lying_zip, "file_incomplete"),
    Hostile("zip of 4,000 files", crowded_zip, "not_unpacked"),
    Hostile("zip with a password", locked_zip, "not_unpacked"),
    Hostile(
        "zip in zip", lambda: zipped({"a.zip": zipped({"panel.csv": panel().encode()})}), "format_unknown"
    ),
    Hostile("workbook with two cells far apart", lambda: workbook((SHEET, FAR_CELLS)), "too_large"),
    Hostile("workbook bomb", lambda: workbook((SHEET, sheet(b"<row/>" * 3_000_000))), "unpacks_too_large"),
    Hostile("workbook of entities", lambda: workbook((SHEET, ENTITIES)), "empty_panel"),
    Hostile("workbook, cut off", cut("panel.xlsx"), "file_incomplete"),
    Hostile(
        "workbook with text for a number",
        spreadsheet(("gene", "S1"), ("IL18", "six"), ("POLQ", 7)),
        "not_a_number",
    ),
    Hostile("workbook of two sheets", two_sheets, "part"),
    Hostile("workbook named .csv", spreadsheet(("gene", "S1"), ("IL18", 7.5), ("POLQ", 7)), READ),
    Hostile("negative counts", changed("htseq-counts.txt", b"\t1996\n", b"\t-1996\n"), "negative_value"),
    Hostile("negative TPM", changed("quant.genes.sf", b"\t24.94502\t", b"\t-24.94502\t"), "negative_value"),
    Hostile("transcripts without genes", text(ENST_ONLY), "genes_of_transcripts_unknown"),
    Hostile("GCT, cut off", cut("expression.gct"), "file_incomplete"),
    Hostile(
        "GCT with fewer rows than it says",
        changed("expression.gct", b"\n89\t6", b"\n90\t6"),
        "file_incomplete",
    ),
    Hostile("GCT without counts", changed("expression.gct", b"\n89\t6", b"\nmany\t6"), "wrong_format"),
    Hostile(
        "series matrix without its end",
        changed("series_matrix.txt", END, b""),
        "file_incomplete",
    ),
    Hostile(
        "series matrix without a table", text('!Series_title\t"x"\n!Sample_title\t"y"\n'), "wrong_format"
    ),
    Hostile("RCC without controls", changed("lane.RCC", b"Positive,", b"Endogenous,"), READ),
    Hostile("RCC without housekeeping genes", without_housekeeping, "controls_missing"),
    Hostile("RCC, cut off", cut("lane.RCC", 0.8), "file_incomplete"),
    Hostile("STAR without counts", text(NOT_COUNTED), "wrong_format"),
    Hostile("h5ad, cut off", cut("cohort.h5ad"), "wrong_format"),
    Hostile("HDF5 of something else", h5(lambda root: root.__delitem__("var")), "wrong_format"),
    Hostile("h5ad with a link to a file", h5(link_outside), "wrong_format"),
    Hostile("h5ad with data in a file", h5(external_data), "wrong_format"),
    Hostile("h5ad of 171 billion values", h5(huge_shape), "too_large"),
    Hostile("h5ad with a chunk of 400 MB", h5(huge_chunk), "wrong_format"),
    Hostile("h5ad with a wrong index", broken_sparse, "wrong_format"),
    Hostile("h5ad with infinities", h5(infinite_matrix), "not_a_number"),
)
