"""Figures as they are printed: rounded as far as their intervals allow, and never without them."""

from decimal import Decimal

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from ml_models.manifest import Estimate, Incidence
from predictions.documents import Cell

MINUS = "\N{MINUS SIGN}"


def number(value: float, decimals: int) -> str:
    """A number with a true minus, and never a minus before nothing."""
    rounded = Decimal(f"{value:.{decimals}f}")
    return number_format(abs(rounded) if rounded == 0 else rounded, use_l10n=True).replace("-", MINUS)


def plain(value: float) -> str:
    """A number with all of its digits, whole ones in groups of three."""
    return number_format(Decimal(str(value)), use_l10n=True, force_grouping=True)


def capitalised(words: str) -> str:
    """The words with their first letter in upper case."""
    return words[:1].upper() + words[1:]


def with_interval(estimate: Estimate, decimals: int = 2, times: float = 1) -> str:
    """The figure and its interval, such as 0.66 (0.60 to 0.73)."""
    cell = figure(estimate, decimals, times)
    return f"{cell.text} {cell.note}"


def figure(estimate: Estimate, decimals: int = 2, times: float = 1) -> Cell:
    """The figure in a table, with its interval behind it."""
    value, lower, upper = (
        number(times * bound, decimals) for bound in (estimate.value, estimate.lower, estimate.upper)
    )
    return Cell(value, _("({lower} to {upper})").format(lower=lower, upper=upper))


def incidence(observed: Incidence) -> Cell:
    """A cumulative incidence out of 100."""
    return out_of_100(Estimate(value=observed.incidence, lower=observed.lower, upper=observed.upper))


def out_of_100(estimate: Estimate) -> Cell:
    """A share as a number out of 100."""
    return figure(estimate, decimals=0, times=100)


def band(minimum: float, maximum: float) -> str:
    """A band of risk in words."""
    if minimum == 0:
        return _("below {maximum} %").format(maximum=f"{100 * maximum:.0f}")
    if maximum == 1:
        return _("{minimum} % or more").format(minimum=f"{100 * minimum:.0f}")
    return _("{minimum} to {maximum} %").format(
        minimum=f"{100 * minimum:.0f}", maximum=f"{100 * maximum:.0f}"
    )
