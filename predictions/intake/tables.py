"""What every reader of a file hands on: samples in chunks, with values under the names that the lab wrote.

A reader never needs a whole file of samples in memory; it keeps the values of wanted identifiers only, and
names the samples that it could not read instead of leaving them out.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from predictions.exceptions import Problem
from predictions.intake.measurements import Step
from predictions.sentences import Sentence

CHUNK = 1_000
HEAD = 65_536
OTHERS_NAMED = 100

# Whether an identifier, as written in the file, may be one of a gene of the panel.
Wanted = Callable[[str], bool]


@dataclass(frozen=True)
class Chunk:
    """Some samples, in the order of the file.

    `values` has shape (samples, identifiers of the table), NaN where a gene was not measured and infinite
    where what stands there could not be read. `rows` says where each sample stands: its line, or its column
    where a file has a column for each sample. A sample with `problems`, by its index in this chunk, is
    refused. A name is empty where the file has none; whether names and ages may stand is not checked here.
    `steps` are what was done to single samples. `totals` (samples,) are the sums over all genes of each, NaN
    where one is not known; there are none in a file that has not all genes.
    """

    sample_ids: tuple[str, ...]
    ages: tuple[int | None, ...]
    rows: tuple[int, ...]
    values: NDArray[np.float64]
    problems: Mapping[int, tuple[Problem, ...]] = field(default_factory=dict)
    steps: Mapping[int, tuple[Step, ...]] = field(default_factory=dict)
    totals: NDArray[np.float64] | None = None

    def cut(self, start: int, end: int) -> "Chunk":
        """The samples from one place in it up to another."""
        return Chunk(
            sample_ids=self.sample_ids[start:end],
            ages=self.ages[start:end],
            rows=self.rows[start:end],
            values=self.values[start:end],
            problems={p - start: self.problems[p] for p in self.problems if start <= p < end},
            steps={p - start: self.steps[p] for p in self.steps if start <= p < end},
            totals=None if self.totals is None else self.totals[start:end],
        )

    def total_of(self, place: int) -> float | None:
        """The sum over all genes of a sample, if it is known."""
        if self.totals is None or np.isnan(self.totals[place]):
            return None
        return float(self.totals[place])


@dataclass(frozen=True)
class Table:
    """A file as it is read: the wanted identifiers as written, and the chunks, which are read on demand.

    An identifier that stands twice in the file stands twice here. `unit` is the one that the format itself
    states, None where the person has to declare it. `others` names the first identifiers that were not
    wanted, of `others_count`. `places` are the lines of the identifiers, where each has one of its own.
    `has_totals` tells that the chunks bring the sums over all genes.
    Reading the chunks may raise PanelRefused too, when the file turns out to be no such table further down.
    """

    identifiers: tuple[str, ...]
    chunks: Iterator[Chunk]
    unit: str | None = None
    others: tuple[str, ...] = ()
    others_count: int = 0
    steps: tuple[Step, ...] = ()
    places: tuple[int, ...] = ()
    has_totals: bool = False


@dataclass(frozen=True)
class Choices:
    """What a person chose: the code of a reader, a sheet, strand or layer, and the unit. Empty: nothing."""

    part: str = ""
    reader: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Head:
    """The first 64 KiB of a file: as they stand, and as lines; none of these where it is no text."""

    data: bytes
    lines: tuple[str, ...]
    name: str


class PartUnclear(Exception):
    """For the person: a file has several parts that could be meant. `parts` says what each is."""

    def __init__(self, parts: Mapping[str, Sentence], proposed: str) -> None:
        super().__init__(", ".join(parts))
        self.parts = parts
        self.proposed = proposed


class Reader(Protocol):
    """One format: a module of `predictions.intake.readers` with these names.

    `SHAPE`, `UNIT` and `ASKED` tell people what the format is, in which unit its values are, and what a
    person is asked; `SAMPLE` names the file that shows one.
    """

    CODE: str
    NAME: Sentence
    SHAPE: Sentence
    UNIT: Sentence
    ASKED: Sentence
    SAMPLE: str

    def sniff(self, head: Head, wanted: Wanted) -> tuple[Sentence, ...]:
        """Why the beginning of a file looks like this format; empty when it does not."""

    def read(self, file: BinaryIO, wanted: Wanted, choices: Choices) -> Table:
        """Read a file that can seek.

        Raises
        ------
        PanelRefused
            With all that is wrong with the file as a whole.
        PartUnclear
            When a part has to be chosen first.
        """
