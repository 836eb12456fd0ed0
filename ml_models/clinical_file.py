"""The clinical half of a cohort: who was followed, how long, and what happened."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ml_models.cohorts import RECEPTOR_NEGATIVE, RECEPTOR_POSITIVE, age_bands
from ml_models.estimators import DAYS_A_YEAR
from ml_models.measures import Outcomes
from ml_models.text_tables import MISSING, CohortRefused, Line, as_number, lines_of, repeated, some, uneven

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Test = Callable[[float], bool]

FEWEST_PATIENTS = 50
FEWEST_EVENTS = 20
# Below this many at risk or relapsed, a figure for a year is noise and some bootstrap samples have none.
FEWEST_AT_A_YEAR = 10
SHORTEST_FOLLOW_UP = 2
YOUNGEST, OLDEST = 18, 110
TIME_UNITS = {"time_days": 1.0, "time_months": DAYS_A_YEAR / 12, "time_years": DAYS_A_YEAR}
RECEPTOR = {"1": 1.0, "0": 0.0, "positive": 1.0, "negative": 0.0}


@dataclass(frozen=True, slots=True)
class Clinical:
    ids: tuple[str, ...]
    outcomes: Outcomes
    age: Floats
    receptor: Floats

    @property
    def subgroups(self) -> dict[str, Bools]:
        groups = age_bands(self.age) if np.isfinite(self.age).any() else {}
        receptors = {RECEPTOR_POSITIVE: self.receptor == 1, RECEPTOR_NEGATIVE: self.receptor == 0}
        return groups | (receptors if np.isfinite(self.receptor).any() else {})


def read_clinical(path: Path, problems: list[str]) -> Clinical:
    """Read what can be read, and report the rest.

    Raises
    ------
    CohortRefused
        When the columns are not there: nothing else could be told then.
    """
    lines = list(lines_of(path))
    header = [name.lower() for name in lines[0][1]] if lines else []
    time_unit = _require_columns(path, header)
    rows = [
        (number, dict(zip(header, cells, strict=True))) for number, cells in _whole(lines, path, problems)
    ]
    column = _Column(path, rows, problems)
    return Clinical(
        ids=column.identifiers("sample_id"),
        outcomes=Outcomes(column.events("event"), column.times(time_unit) * TIME_UNITS[time_unit]),
        age=column.ages("age"),
        receptor=column.receptors("er"),
    )


def _require_columns(path: Path, header: Sequence[str]) -> str:
    """Return the one column of times."""
    times = [name for name in header if name in TIME_UNITS]
    problems = [
        f"{path.name}: there is no column {name!r}. Its columns are: {some(header, 20)}."
        for name in ("sample_id", "event")
        if name not in header
    ]
    if len(times) != 1:
        problems.append(
            f"{path.name}: {len(times)} columns of times; there must be one, whose name says the unit: "
            f"{', '.join(TIME_UNITS)}."
        )
    if twice := repeated(header):
        problems.append(
            f"{path.name}: the columns {some(twice)} stand there more than once. Keep one of each."
        )
    if problems:
        raise CohortRefused(problems)
    return times[0]


def _whole(lines: Sequence[Line], path: Path, problems: list[str]) -> Iterator[Line]:
    """The rows below the header that have as many cells as it."""
    width = len(lines[0][1])
    for number, cells in lines[1:]:
        if len(cells) == width:
            yield number, cells
        else:
            problems.append(uneven(path, number, len(cells), width))


@dataclass(frozen=True, slots=True)
class _Column:
    """Reads one column after the other, and reports what is wrong in it with row and value."""

    path: Path
    rows: Sequence[tuple[int, Mapping[str, str]]]
    problems: list[str]

    def identifiers(self, name: str) -> tuple[str, ...]:
        ids = tuple(row[name] for _, row in self.rows)
        self._report(name, [(number, "") for number, row in self.rows if not row[name]], "Name every sample.")
        if twice := repeated(ids):
            self.problems.append(
                f"{self.path.name}, column {name}: {some(twice)} stand there more than once. "
                "Keep one row for each sample."
            )
        return ids

    def events(self, name: str) -> Bools:
        mend = "Write 1 for a distant metastasis and 0 for none by the last visit; recode other codes."
        happened: Bools = self._numbers(name, mend, lambda value: value in {0.0, 1.0}) == 1
        return happened

    def times(self, name: str) -> Floats:
        return self._numbers(name, "Give every patient a time above 0.", lambda value: value > 0)

    def ages(self, name: str) -> Floats:
        mend = f"Give ages of {YOUNGEST} to {OLDEST} years."
        return self._optional(name, mend, lambda value: YOUNGEST <= value <= OLDEST)

    def receptors(self, name: str) -> Floats:
        known = [(number, row.get(name, "").lower()) for number, row in self.rows]
        wrong = [(number, text) for number, text in known if text not in RECEPTOR and text not in MISSING]
        self._report(name, wrong, "Write positive or negative (1 or 0), or leave it empty if it is unknown.")
        return np.array([RECEPTOR.get(text, np.nan) for _, text in known])

    def _optional(self, name: str, mend: str, holds: Test) -> Floats:
        if not any(name in row for _, row in self.rows):
            return np.full(len(self.rows), np.nan)
        return self._numbers(name, mend, lambda value: np.isnan(value) or holds(value))

    def _numbers(self, name: str, mend: str, holds: Test) -> Floats:
        read = [(number, row[name], as_number(row[name])) for number, row in self.rows]
        wrong = [(number, text) for number, text, value in read if value is None or not holds(value)]
        self._report(name, wrong, mend)
        return np.array([np.nan if value is None else value for _, _, value in read])

    def _report(self, name: str, wrong: Sequence[tuple[int, str]], mend: str) -> None:
        if wrong:
            where = some([f"row {number} [{text[:40]}]" for number, text in wrong])
            self.problems.append(f"{self.path.name}, column {name}: {len(wrong)} wrong: {where}. {mend}")


def check_size(outcomes: Outcomes, path: Path) -> Iterator[str]:
    patients, events = len(outcomes.event), int(outcomes.event.sum())
    if patients < FEWEST_PATIENTS or events < FEWEST_EVENTS:
        yield (
            f"{path.name}: {patients} patients with {events} events; at least {FEWEST_PATIENTS} and "
            f"{FEWEST_EVENTS} are needed for a figure that means anything."
        )
    followed = int((outcomes.time > SHORTEST_FOLLOW_UP * DAYS_A_YEAR).sum())
    if followed < FEWEST_AT_A_YEAR:
        yield (
            f"{path.name}: {followed} patients were followed beyond {SHORTEST_FOLLOW_UP} years; at least "
            f"{FEWEST_AT_A_YEAR} are needed. Check the unit of the times."
        )


def check_enough(outcomes: Outcomes, path: Path) -> Iterator[str]:
    """More than a validation, training has to reach the years that the product speaks of."""
    yield from check_size(outcomes, path)
    early = int((outcomes.event & (outcomes.time <= 5 * DAYS_A_YEAR)).sum())
    followed = int((outcomes.time > 10 * DAYS_A_YEAR).sum())
    if early < FEWEST_AT_A_YEAR:
        yield f"{path.name}: {early} events within 5 years; at least {FEWEST_AT_A_YEAR} are needed."
    if followed < FEWEST_AT_A_YEAR:
        yield (
            f"{path.name}: {followed} patients were followed beyond 10 years; at least {FEWEST_AT_A_YEAR} "
            "are needed, since the risk is shown for up to 10 years. Check the unit of the times."
        )


def check_ages(patients: Clinical, path: Path) -> Iterator[str]:
    unknown = int(np.isnan(patients.age).sum())
    if 0 < unknown < len(patients.age):
        yield (
            f"{path.name}, column age: {unknown} of {len(patients.age)} are missing. Fill them in, leave "
            "these patients out, or leave out the column: the release then has no fit with age."
        )
