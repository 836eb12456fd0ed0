"""The age that a file tells of its samples: where one thing of a few names has it, and nowhere else."""

import re
from collections.abc import Sequence
from functools import lru_cache

from predictions.intake.cells import MISSING
from predictions.intake.measurements import Step
from predictions.intake.whole_numbers import whole_number
from predictions.sentences import marked, sentence

# In letters only: "Age at diagnosis (years)" is one of them.
NAMES = {"age", "ageatdiagnosis", "ageatdiagnosisyears", "ageinyears", "ageyears", "patientage"}
READ = marked("Column {column} was read as the age in years.")
SEVERAL = marked("Several columns may be the age, and none of them was read as it: {columns}.")
UNREADABLE = marked("Column {column} was not read as the age: not every value is a whole number of years.")

Ages = tuple[int | None, ...]


def is_age(name: str) -> bool:
    """Whether what is named so is an age in years."""
    return re.sub(r"[^a-z]", "", name.casefold()) in NAMES


@lru_cache(maxsize=1_000)
def read_age(cell: str) -> int | None:
    """Whole years, None where it is missing. Raises ValueError.

    Where one is missing, pandas writes the others with a decimal place.
    """
    return None if cell.lower() in MISSING else whole_number(cell.removesuffix(".0"))


def ages_read(column: str) -> Step:
    """That a column was read as the age."""
    return Step("ages_read", sentence(READ, column=column))


def several_ages(columns: Sequence[str]) -> Step:
    """That none of several columns was."""
    return Step("ages_not_read", sentence(SEVERAL, columns=", ".join(name[:40] for name in columns[:5])))


def settle_ages(told: Sequence[tuple[str, Sequence[str]]], count: int) -> tuple[Ages, tuple[Step, ...]]:
    """The ages of so many samples, by what stands under each name that `is_age`, and what was done.

    They are none where several names, or values that are no whole years, leave open what the age is: a file
    that describes its samples cannot be corrected as easily as a table, and is read without the ages.
    """
    unknown: Ages = (None,) * count
    if len(told) != 1:
        return unknown, (several_ages([name for name, _ in told]),) if told else ()
    ((name, cells),) = told
    if len(cells) != count:
        return unknown, (_unreadable(name),)
    try:
        return tuple(read_age(cell.strip()) for cell in cells), (ages_read(name[:80]),)
    except ValueError:
        return unknown, (_unreadable(name),)


def _unreadable(name: str) -> Step:
    return Step("ages_not_read", sentence(UNREADABLE, column=name[:80]))
