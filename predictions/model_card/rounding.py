"""Figures as they are printed: rounded as far as their intervals allow, and never without them."""

from ml_models.manifest import Estimate, Incidence
from predictions.documents import Cell

MINUS = "\N{MINUS SIGN}"


def number(value: float, decimals: int) -> str:
    """A number with a true minus, and never a minus before nothing."""
    text = f"{value:.{decimals}f}"
    is_zero = float(text) == 0
    return text.lstrip("-") if is_zero else text.replace("-", MINUS)


def with_interval(estimate: Estimate, decimals: int = 2, times: float = 1) -> str:
    """The figure and its interval, such as 0.66 (0.60 to 0.73)."""
    cell = figure(estimate, decimals, times)
    return f"{cell.text} {cell.note}"


def figure(estimate: Estimate, decimals: int = 2, times: float = 1) -> Cell:
    """The figure in a table, with its interval behind it."""
    value, lower, upper = (
        number(times * bound, decimals) for bound in (estimate.value, estimate.lower, estimate.upper)
    )
    return Cell(value, f"({lower} to {upper})")


def incidence(observed: Incidence) -> Cell:
    """A cumulative incidence out of 100."""
    return out_of_100(Estimate(value=observed.incidence, lower=observed.lower, upper=observed.upper))


def out_of_100(estimate: Estimate) -> Cell:
    """A share as a number out of 100."""
    return figure(estimate, decimals=0, times=100)


def band(minimum: float, maximum: float) -> str:
    """A band of risk in words."""
    if minimum == 0:
        return f"below {100 * maximum:.0f} %"
    if maximum == 1:
        return f"{100 * minimum:.0f} % or more"
    return f"{100 * minimum:.0f} to {100 * maximum:.0f} %"
