"""The one way into a file, whoever sends it: unpacked, its format found or chosen, and read as a table."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import isfinite, isnan
from typing import BinaryIO

from predictions.exceptions import PanelRefused, Problem
from predictions.intake.archives import unpack
from predictions.intake.detection import READERS, detect
from predictions.intake.measurements import Measurement, Step
from predictions.intake.readers import gene_values
from predictions.intake.tables import OTHERS_NAMED, Choices, Chunk, Table, Wanted
from predictions.intake.units import UNITS
from predictions.sentences import counted, joined, marked, sentence

FORMAT_FOUND = marked("Recognised as {format}. {reasons}")
FORMAT_CHOSEN = marked("Read as {format}, as you chose.")


class SeveralSamples(Exception):
    """For the door: this is a file of many samples, which are read as a cohort."""


@dataclass(frozen=True)
class Sample:
    """The only sample of a file, with what was done to it and what is wrong with it."""

    measurements: tuple[Measurement, ...]
    name: str
    age: int | None
    unit: str | None
    steps: tuple[Step, ...]
    problems: tuple[Problem, ...]
    total: float | None = None


def open_table(file: BinaryIO, name: str, wanted: Wanted, choices: Choices) -> Table:
    """Read a file that can seek, with what was found and chosen among the steps.

    Raises
    ------
    PanelRefused
        When it is not read at all, with the reasons.
    ReaderUnclear
        When several formats fit and none was chosen.
    PartUnclear
        When it has several parts and none was chosen.
    """
    unpacked, inner, steps = unpack(file, name)
    if chosen := READERS.get(choices.reader):
        found = Step("format_chosen", sentence(FORMAT_CHOSEN, format=chosen.NAME))
        return _with_steps(chosen.read(unpacked, wanted, choices), (*steps, found))
    reader, reasons = detect(unpacked, inner, wanted)
    found = Step("format_found", sentence(FORMAT_FOUND, format=reader.NAME, reasons=joined(reasons)))
    return _with_steps(reader.read(unpacked, wanted, choices), (*steps, found))


def open_pasted(text: str, wanted: Wanted, choices: Choices) -> Table:
    """Read what was pasted: two columns unless it is plainly something else. Raises like `open_table`."""
    file = io.BytesIO(text.encode())
    try:
        return open_table(file, "", wanted, choices)
    except PanelRefused as refusal:
        if [problem.code for problem in refusal.problems] != ["format_unknown"]:
            raise
    return gene_values.read(file, wanted, choices)


def only_sample(table: Table) -> Sample:
    """The sample of a table that has just one.

    Raises
    ------
    PanelRefused
        When it has none, or turns out to be no table further down.
    SeveralSamples
    """
    chunks = [chunk for chunk, _ in zip(_filled(table), range(2), strict=False)]
    if not chunks:
        raise PanelRefused([_no_sample()])
    if len(chunks) > 1 or len(chunks[0].rows) > 1:
        raise SeveralSamples
    (chunk,) = chunks
    return Sample(
        measurements=tuple(_measurements(table, chunk)),
        name=chunk.sample_ids[0],
        age=chunk.ages[0],
        unit=table.unit,
        steps=(*table.steps, *others_not_used(table), *chunk.steps.get(0, ())),
        problems=chunk.problems.get(0, ()),
        total=chunk.total_of(0),
    )


def settle_unit(declared: str, stated: str | None) -> tuple[str, tuple[Problem, ...]]:
    """The unit that a format states, unless a person declares another."""
    if not stated or declared == stated:
        return declared, ()
    if not declared:
        return stated, ()
    problem = Problem(
        "unit_contradicted",
        sentence(
            "This format holds {stated}. You said {declared}.",
            stated=UNITS[stated],
            declared=UNITS.get(declared, declared[:40]),
        ),
        sentence("Leave the unit empty for this file, or send the file that holds the declared unit."),
        value=declared[:40],
    )
    return stated, (problem,)


def settle_age(declared: int | None, stated: int | None) -> tuple[int | None, tuple[Problem, ...]]:
    """The age that a file states, unless a person declares another."""
    if stated is None or declared in {None, stated}:
        return stated if stated is not None else declared, ()
    problem = Problem(
        "age_contradicted",
        sentence(
            "The file says that the age is {stated}. You said {declared}.", stated=stated, declared=declared
        ),
        sentence("Correct the one that is wrong, or leave the form's empty."),
        value=str(declared),
    )
    return declared, (problem,)


def _with_steps(table: Table, steps: tuple[Step, ...]) -> Table:
    return replace(table, steps=(*steps, *table.steps))


def _filled(table: Table) -> Iterator[Chunk]:
    return (chunk for chunk in table.chunks if chunk.rows)


def _measurements(table: Table, chunk: Chunk) -> Iterator[Measurement]:
    places = table.places or chunk.rows * len(table.identifiers)
    for name, value, row in zip(table.identifiers, chunk.values[0].tolist(), places, strict=True):
        measured = value if isfinite(value) else None
        yield Measurement(name, measured, row=row, unreadable=not (isfinite(value) or isnan(value)))
    if table.others_count <= OTHERS_NAMED:
        yield from (Measurement(name, None) for name in dict.fromkeys(table.others) if name)


def others_not_used(table: Table) -> Iterator[Step]:
    """That identifiers which are too many to be named are not used."""
    if table.others_count > OTHERS_NAMED:
        told = counted(
            "{count} other identifier of the file is not of the panel and not used.",
            "{count} other identifiers of the file are not of the panel and not used.",
            count=table.others_count,
        )
        yield Step("others_not_used", told)


def several_samples() -> Problem:
    """That a door for one sample was sent several."""
    return Problem(
        "several_samples",
        sentence("There are several samples in it; here one is read at a time."),
        sentence("Keep one sample in the file, or send it as a cohort."),
    )


def _no_sample() -> Problem:
    return Problem(
        "empty_panel",
        sentence("There is no sample in it."),
        sentence("Export the values again, with the names of the genes."),
    )
