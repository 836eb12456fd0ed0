"""How every sample file and every hostile file is answered, in Markdown: python -m tests.lab_tables"""

import io
import json
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import BinaryIO, cast

from ml_models.cohorts import load_panel
from ml_models.manifest import Gene
from predictions.exceptions import PanelRefused, Problem
from predictions.intake.archives import unpack
from predictions.intake.detection import ReaderUnclear, detect
from predictions.intake.gene_names import wanted_by
from predictions.intake.opening import open_table
from predictions.intake.tables import Choices, PartUnclear
from tests import lab_files
from tests.hostile_files import HOSTILE, READ

WANTED = wanted_by(cast(tuple[Gene, ...], load_panel()))


@dataclass
class Answer:
    """What became of a file."""

    file: str
    detected: str = "-"
    samples: int = 0
    genes: int = 0
    unit: str = "-"
    refused: int = 0
    code: str = READ
    reason: str = ""
    seconds: float = 0.0
    peak_mb: int = 0


def answer(name: str, content: bytes | BinaryIO, part: str = "") -> Answer:
    """Read a file to its end, as the doors do."""
    found, start = Answer(name), time.monotonic()
    file = io.BytesIO(content) if isinstance(content, bytes) else content
    try:
        _read(file, found, part)
    except PanelRefused as refusal:
        _tell(refusal.problems, found)
    except PartUnclear as unclear:
        found.code, found.reason = "part", "; ".join(unclear.parts.values())
    except ReaderUnclear as unclear:
        found.code, found.reason = "reader", str(unclear)
    found.seconds = time.monotonic() - start
    found.peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return found


def _read(file: BinaryIO, found: Answer, part: str) -> None:
    unpacked, inner, _ = unpack(file, found.file)
    found.detected = detect(unpacked, inner, WANTED)[0].CODE
    table = open_table(file, found.file, WANTED, Choices(part))
    found.genes, found.unit = len(table.identifiers), table.unit or "declared"
    for chunk in table.chunks:
        found.samples += len(chunk.rows)
        found.refused += len(chunk.problems)
        for problems in chunk.problems.values():
            if found.code == READ:
                _tell(problems, found)
    if not found.samples:
        found.code = "empty_panel"


def _tell(problems: tuple[Problem, ...], found: Answer) -> None:
    problem = problems[0]
    assert problem.detail
    assert problem.mend
    where = [f"row {problem.row}"] * bool(problem.row) + [f"column {problem.column}"] * bool(problem.column)
    found.code = problem.code
    found.reason = ", ".join([*where, problem.detail])


def sample_answers() -> Iterator[tuple[Answer, Answer]]:
    """Each sample file as it is, and with one value spoilt (or, where it is no text, cut off)."""
    for name, make in lab_files.FILES.items():
        part = "reverse" if name.startswith("Reads") else ""
        yield answer(name, make(), part), answer(name, spoilt(make()), part)


def spoilt(content: bytes) -> bytes:
    """The same with 'six' in the place of a value of a gene of the panel."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return content[: len(content) // 2]
    of_patient = (lab_files.log2_values(0), lab_files.tpm_of(0), lab_files.counts_of(0))
    values = ["1957", "24.95", "18.7088", *(str(values["ABLIM1"]) for values in of_patient)]
    value = next(value for value in values if f"\t{value}" in text or f",{value}" in text)
    for before in "\t,":
        text = text.replace(f"{before}{value}", f"{before}six", 1)
    return text.encode()


def hostile_answers() -> Iterator[Answer]:
    """Each hostile file."""
    for hostile in HOSTILE:
        yield answer(hostile.name, hostile.make())


def _markdown() -> Iterator[str]:
    yield "| sample file | detected | samples | genes | unit | with one value spoilt, or cut off |"
    yield "|---|---|---|---|---|---|"
    for good, bad in sample_answers():
        cells = (good.file, good.detected, good.samples, good.genes, good.unit, f"`{bad.code}`: {bad.reason}")
        yield f"| {' | '.join(map(str, cells))} |"
    yield ""
    yield "| hostile file | detected | answer | why |"
    yield "|---|---|---|---|"
    for found in hostile_answers():
        told = f"{found.samples} read, {found.refused} refused" if found.samples else "refused"
        reason = found.reason.replace("|", "\\|")
        yield f"| {found.file} | {found.detected} | {told}: `{found.code}` | {reason} |"


def _lines() -> Iterator[str]:
    for found in hostile_answers():
        yield json.dumps(asdict(found))


if __name__ == "__main__":
    for line in _lines() if "--json" in sys.argv else _markdown():
        sys.stdout.write(f"{line}\n")
