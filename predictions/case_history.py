"""What was found of a case before, and what changed from one time to the next: input, release, result."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from predictions.cases import predictions_of_case
from predictions.facts import HORIZONS
from predictions.models import Prediction

# A case has a handful; the oldest of very many would tell nobody anything.
LATEST = 20


@dataclass(frozen=True, slots=True)
class Risk:
    """The risk at one horizon with its likely range, in per cent."""

    years: int
    percent: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Entry:
    """One prediction of a case, and what had changed since the one before."""

    id: UUID
    made_at: datetime
    release: str
    risks: tuple[Risk, ...]
    changes: tuple[str, ...]


def history_of(prediction: Prediction) -> tuple[Entry, ...]:
    """The predictions of its case, newest first; none where it is the only one.

    The case must be readable.
    """
    assert prediction.case_key_id  # noqa: S101 - a constraint sees to it
    of_case = predictions_of_case(prediction.organisation, prediction.case_key_id)
    made = list(of_case.order_by("-id")[: LATEST + 1])
    if len(made) == 1:
        return ()
    entries = [_entry(later, earlier) for later, earlier in pairwise(made)]
    if len(made) <= LATEST:
        entries.append(_entry(made[-1], None))
    return tuple(entries)


def _entry(prediction: Prediction, earlier: Prediction | None) -> Entry:
    return Entry(
        prediction.id,
        prediction.created_at,
        str(prediction.release),
        tuple(_risk(prediction, years) for years in HORIZONS),
        tuple(_changes(earlier, prediction)) if earlier else (_("The first."),),
    )


def _risk(prediction: Prediction, years: int) -> Risk:
    percent, lower, upper = (100 * prediction.result[key][years - 1] for key in ("risk", "lower", "upper"))
    return Risk(years, percent, lower, upper)


def _changes(earlier: Prediction, later: Prediction) -> Iterator[str]:
    if earlier.release_id != later.release_id:
        yield _("Release {earlier} became {later}.").format(earlier=earlier.release, later=later.release)
    if earlier.age_years != later.age_years:
        yield _("Age {earlier} became {later}.").format(earlier=_age(earlier), later=_age(later))
    yield from _changed_genes(earlier.panel["values"], later.panel["values"])
    if earlier.input_sha256 == later.input_sha256 and earlier.release_id == later.release_id:
        yield _("Nothing: the same input and release.")


def _age(prediction: Prediction) -> str:
    return _("unknown") if prediction.age_years is None else str(prediction.age_years)


def _changed_genes(earlier: dict[str, float | None], later: dict[str, float | None]) -> Iterator[str]:
    changed = {symbol for symbol in earlier.keys() & later.keys() if earlier[symbol] != later[symbol]}
    if measured := {symbol for symbol in changed if earlier[symbol] is None}:
        yield ngettext("{count} gene newly measured.", "{count} genes newly measured.", len(measured)).format(
            count=len(measured)
        )
    if lost := {symbol for symbol in changed if later[symbol] is None}:
        yield ngettext(
            "{count} gene not measured any more.", "{count} genes not measured any more.", len(lost)
        ).format(count=len(lost))
    if moved := changed - measured - lost:
        yield ngettext(
            "{count} gene has another value.", "{count} genes have other values.", len(moved)
        ).format(count=len(moved))
