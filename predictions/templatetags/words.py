"""Words in templates."""

from django import template

from predictions.comparison import Report
from predictions.intake.identifiers import KINDS
from predictions.intake.units import UNITS
from predictions.models import Prediction
from predictions.presentation import out_of_100

register = template.Library()

# Risks are kept for the years 1 to 10.
FIVE_YEARS = 4


@register.filter
def first_sentence(text: str) -> str:
    """The text up to its first full stop."""
    return text.partition(".")[0]


@register.filter
def unit_words(code: str) -> str:
    """A unit in words."""
    return UNITS.get(code, code)


@register.filter
def identifier_words(code: str) -> str:
    """A kind of identifier in words."""
    return KINDS.get(code, code)


@register.filter
def signed(number: float) -> str:
    """Two decimals with a sign; the minus is a minus."""
    return f"{number:+.2f}".replace("-", "\N{MINUS SIGN}")


@register.filter
def category_changes(report: Report) -> int:
    """How many inputs change their category."""
    return sum(move["count"] for move in report["category_changes"])


@register.filter
def risk_out_of_100(prediction: Prediction) -> str:
    """The risk at 5 years as a whole number out of 100; a dash where the case is erased."""
    if prediction.is_erased:
        return "-"
    return out_of_100(100 * prediction.result["risk"][FIVE_YEARS])
