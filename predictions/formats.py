"""The formats that are read, as they are published, with the file that shows each."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

from predictions.intake.detection import READERS
from predictions.intake.tables import Reader

BINARY = "application/octet-stream"


@dataclass(frozen=True)
class SampleFile:
    """A file that shows a format."""

    name: str
    content: bytes

    @property
    def headers(self) -> dict[str, str]:
        """Of a download."""
        return {"Content-Disposition": f'attachment; filename="{self.name}"'}


def formats() -> tuple[Reader, ...]:
    """Every format, tables that anybody can make first."""
    return tuple(READERS.values())


def format_facts() -> Iterator[dict[str, str]]:
    """What the API says of each, in English."""
    for reader in formats():
        yield {
            "code": reader.CODE,
            "name": str(reader.NAME),
            "shape": str(reader.SHAPE),
            "unit": str(reader.UNIT),
            "asked": str(reader.ASKED),
            "sample": f"/api/v1/formats/{reader.CODE}/sample",
        }


def sample_of(code: str) -> SampleFile | None:
    """The sample file of a format, which `tests.lab_files` wrote; None of an unknown one."""
    if code not in READERS:
        return None
    name = READERS[code].SAMPLE
    return SampleFile(name, files("predictions.intake.samples").joinpath(name).read_bytes())
