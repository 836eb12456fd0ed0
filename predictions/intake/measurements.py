"""What every reader hands on: identifiers with values, and where each stood."""

from dataclasses import dataclass

from predictions.exceptions import Problem


@dataclass(frozen=True)
class Measurement:
    """One identifier with its value (None: not measured), and its row or JSON pointer for messages.

    One that is `unreadable` has a value in a row that the reader could not take; the reader reported it.
    """

    identifier: str
    value: float | None
    row: int | None = None
    pointer: str | None = None
    unreadable: bool = False


@dataclass(frozen=True)
class Step:
    """One thing that was done to the input between arrival and scoring."""

    code: str
    detail: str


@dataclass(frozen=True)
class PanelRequest:
    """One panel as a door received it, before any meaning is given to it, with what the door found wrong.

    `total` is the sum over all genes of the sample, in its unit, where the file has them all.
    """

    measurements: tuple[Measurement, ...]
    unit: str
    identifiers: str | None = None
    platform: str | None = None
    age_years: int | None = None
    case_reference: str = ""
    sample_id: str = ""
    model: str = "stable"
    accept_former_symbols: bool = False
    allow_missing_genes: bool = True
    total: float | None = None
    steps: tuple[Step, ...] = ()
    header: Measurement | None = None
    problems: tuple[Problem, ...] = ()
