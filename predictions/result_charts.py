"""The drawings of a result: a hundred people, the curve, and where a gene's value lies in the cohort."""

from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts.charts import Axis, Chart, Point, Series
from predictions.facts import Facts
from predictions.icon_array import icon_array
from predictions.presentation import HorizonWords, horizon_words, out_of_100

TO_100 = tuple(float(tick) for tick in range(0, 101, 20))
EVERY_OTHER_YEAR = 2
# The strip shows three standard deviations to either side; what lies further out stands at its end.
WIDEST, STRIP_HALF, STRIP_HEIGHT = 3.0, 48, 16


@dataclass(frozen=True, slots=True)
class People:
    """One horizon as a hundred people, with the two lines of its key."""

    years: int
    svg: SafeString
    had_it: str
    did_not: str


def people_of(words: HorizonWords) -> People:
    """A hundred people at one horizon."""
    had_it = _("{had_it} out of 100 had a distant metastasis within {years} years").format(
        had_it=words.had_it, years=words.years
    )
    did_not = _("{did_not} out of 100 did not").format(did_not=words.did_not)
    description = _("A hundred people. Filled figures: {had_it}. Open figures: {did_not}.").format(
        had_it=had_it, did_not=did_not
    )
    return People(
        words.years, icon_array(f"people-{words.years}", words.had_it, had_it, description), had_it, did_not
    )


def curve_of(facts: Facts) -> Chart:
    """The risk year by year with its band, the average of the cohort, and how many were still followed.

    The scale is always 0 to 100, so that curves of two patients can be laid side by side. It stops where the
    data stop.
    """
    curve = facts["result"]["curve"]
    words = horizon_words(curve[-1])
    low, high = map(out_of_100, curve[-1]["interval95_percent"])
    return Chart(
        "curve",
        _("Distant metastasis year by year"),
        _(
            "The risk rises from 0 at surgery to {risk} out of 100 after {years} years, likely range "
            "{low} to {high}; the average of the cohort rises to {average}. The table has every year."
        ).format(
            risk=words.had_it,
            years=words.years,
            low=low,
            high=high,
            average=words.cohort_average,
        ),
        Axis(_("Years since surgery"), (0.0, *(float(point["years"]) for point in _shown(curve)))),
        Axis(_("Out of 100 people"), TO_100),
        (
            Series(_("This profile, with its likely range (95 %)"), _this_profile(curve), "band"),
            Series(_("Average of the cohort"), _average(curve), "line"),
        ),
        (
            _("Still followed, without metastasis"),
            (facts["evidence"]["patients"], *(point["cohort_at_risk"] for point in _shown(curve))),
        ),
    )


def _shown(curve: list[Facts]) -> list[Facts]:
    return [point for point in curve if point["years"] % EVERY_OTHER_YEAR == 0]


def _this_profile(curve: list[Facts]) -> tuple[Point, ...]:
    points = (Point(point["years"], point["risk_percent"], *point["interval95_percent"]) for point in curve)
    return Point(0, 0), *points


def _average(curve: list[Facts]) -> tuple[Point, ...]:
    return Point(0, 0), *(Point(point["years"], point["cohort_average_percent"]) for point in curve)


def place_in_cohort(distance: float) -> SafeString:
    """Where a value lies among those of the cohort: a mark on a line of three SD to either side.

    For the eyes only: the words beside it say the number.
    """
    x = round(STRIP_HALF * max(-WIDEST, min(WIDEST, distance)) / WIDEST, 1)
    middle = STRIP_HEIGHT / 2
    return format_html(
        '<svg class="place" aria-hidden="true" viewBox="{0} 0 {1} {2}" width="{1}" height="{2}">'
        '<path class="line" d="M{3} {4}H{5}M0 3V13"/><circle cx="{6}" cy="{4}" r="4.5"/></svg>',
        -STRIP_HALF - 6,
        2 * STRIP_HALF + 12,
        STRIP_HEIGHT,
        -STRIP_HALF,
        middle,
        STRIP_HALF,
        x,
    )
