"""What stands on a report, as independent readers see it: pypdf, and poppler where the machine has it."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader

needs_poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler is not on this machine")


def reader_of(pdf: bytes) -> PdfReader:
    return PdfReader(BytesIO(pdf), strict=True)


def root_of(pdf: bytes) -> Any:
    """The catalogue of the file."""
    return reader_of(pdf).root_object


def pages_of(pdf: bytes) -> list[str]:
    """The text of each page, without the places where lines are broken."""
    return [flat(page.extract_text()) for page in reader_of(pdf).pages]


def flat(text: str) -> str:
    """Blanks of every kind as one, and none of those that only allow a line to be broken."""
    return re.sub(r"\s+", " ", text.replace("\u200b", "")).strip()


def tags_of(pdf: bytes) -> list[dict[str, Any]]:
    """Every structure element, in the order in which it is read aloud."""

    def walk(element: Any) -> Iterator[dict[str, Any]]:
        element = element.get_object()
        if isinstance(element, list):
            for kid in element:
                yield from walk(kid)
        elif isinstance(element, dict):
            if "/S" in element:
                yield element
            if "/K" in element:
                yield from walk(element["/K"])

    return list(walk(root_of(pdf)["/StructTreeRoot"]))


def poppler(command: str, pdf: bytes, *options: str) -> str:
    """The output of one of poppler's programs on the file."""
    arguments = [command, *options, "-", *(["-"] if command == "pdftotext" else [])]
    return subprocess.run(arguments, input=pdf, capture_output=True, check=True).stdout.decode()
