"""Words in templates."""

import re

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from predictions import result_charts, result_words
from predictions.comparison import Report
from predictions.intake.identifiers import KINDS
from predictions.intake.units import UNITS
from predictions.models import Prediction
from predictions.presentation import out_of_100
from predictions.wording import say, say_kept

register = template.Library()
register.filter("say", say)
register.filter("say_kept", say_kept)

# Risks are kept for the years 1 to 10.
FIVE_YEARS = 4


_EMPHASISED = re.compile(r"\*([^*]+)\*")

register.filter("out_of_100", out_of_100)
register.filter("place_in_cohort", result_charts.place_in_cohort)


@register.filter
def emphasised(text: str) -> SafeString:
    """The text with what stands between asterisks strong, and everything else inert."""
    parts = _EMPHASISED.split(text)
    return format_html_join(
        "",
        "{}",
        (
            (format_html("<strong>{}</strong>", part) if position % 2 else part,)
            for position, part in enumerate(parts)
        ),
    )


@register.filter
def unit_words(code: str) -> str:
    """A unit in words."""
    return say(UNITS.get(code, code))


@register.filter
def identifier_words(code: str) -> str:
    """A kind of identifier in words."""
    return say(KINDS.get(code, code))


@register.filter
def signed(number: float | None) -> str:
    """Two decimals with a sign; a dash for nothing."""
    return result_words.EN_DASH if number is None else result_words.signed(number)


@register.filter
def decimal(number: float | None) -> str:
    """Two decimals, or a whole number as it is; a dash for nothing."""
    if number is None:
        return result_words.EN_DASH
    return str(number) if isinstance(number, int) else result_words.fixed(number)


@register.filter
def category_changes(report: Report) -> int:
    """How many inputs change their category."""
    return sum(move["count"] for move in report["category_changes"])


@register.filter
def risk_out_of_100(prediction: Prediction) -> str:
    """The risk at 5 years out of 100, with its likely range; a dash where the case is erased."""
    if prediction.is_erased:
        return "-"
    risk, low, high = (
        out_of_100(100 * prediction.result[key][FIVE_YEARS]) for key in ("risk", "lower", "upper")
    )
    return _("{value} ({low} to {high})").format(value=risk, low=low, high=high)
