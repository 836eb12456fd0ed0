"""The figures of a card: what the evaluation in the manifest holds, drawn and in numbers."""

from dataclasses import replace

from django.utils.translation import gettext as _

from accounts.charts import Axis, Chart, Point, Series
from ml_models.manifest import (
    CalibrationPoint,
    CategoryCurve,
    Evaluation,
    Incidence,
    Manifest,
    NetBenefit,
    RocPoint,
)
from predictions.documents import Cell, Figure, Table
from predictions.model_card.rounding import (
    band,
    figure,
    incidence,
    number,
    out_of_100,
    with_interval,
)

FIVE_YEARS = 5
# Net benefit falls without end where everybody is acted on: what is far below nothing is not drawn.
LOWEST_BENEFIT = -5.0
FALSE_ALARMS = tuple(range(0, 101, 10))
TO_100 = tuple(float(tick) for tick in range(0, 101, 20))
# The intervals of one year stand side by side; those of every year would hide the curves.
APART = 0.2
YEARS_WITH_INTERVAL = (5, 10)


def calibration(manifest: Manifest) -> Figure:
    """Whether the risks come true: predicted against observed, in groups of similar risk."""
    points = manifest.evaluation.calibration_5y
    highest = 100 * max(max(point.predicted, point.observed.upper) for point in points)
    observed = Axis.covering(_("Observed out of 100, within 5 years"), 0, highest)
    chart = Chart(
        "calibration",
        _("Calibration at 5 years"),
        _(
            "{count} groups of patients of similar risk: the average predicted risk, and how "
            "many had a distant metastasis. {summary}"
        ).format(count=len(points), summary=_calibration_words(points)),
        Axis(_("Predicted out of 100"), observed.ticks),
        observed,
        (
            Series(
                _("Groups of patients, with 95 % interval"), tuple(map(_calibration_point, points)), "marks"
            ),
            Series(_("Where predictions come true"), _diagonal(observed.ticks[-1]), "reference"),
        ),
    )
    caption = _(
        "A group on the dotted line had as many metastases as predicted; above it more, below it fewer. "
        "An interval that crosses the line is compatible with a right prediction."
    )
    return Figure(chart, caption, _calibration_table(points))


def _calibration_point(point: CalibrationPoint) -> Point:
    observed = point.observed
    return Point(100 * point.predicted, 100 * observed.value, 100 * observed.lower, 100 * observed.upper)


def _calibration_words(points: tuple[CalibrationPoint, ...]) -> str:
    first, last = points[0], points[-1]
    return _(
        "From predicted {lowest}, observed {observed_lowest}, up to predicted {highest}, "
        "observed {observed_highest} out of 100."
    ).format(
        lowest=f"{100 * first.predicted:.0f}",
        observed_lowest=_in_words(out_of_100(first.observed)),
        highest=f"{100 * last.predicted:.0f}",
        observed_highest=_in_words(out_of_100(last.observed)),
    )


def _calibration_table(points: tuple[CalibrationPoint, ...]) -> Table:
    return Table(
        _("Out of 100 patients, distant metastasis within 5 years"),
        (_("Group"), _("Patients"), _("Predicted"), _("Observed (95 % interval)")),
        tuple(
            (
                Cell(str(place)),
                Cell(str(point.patients)),
                Cell(number(100 * point.predicted, 0)),
                out_of_100(point.observed),
            )
            for place, point in enumerate(points, 1)
        ),
        folded=True,
    )


def discrimination(manifest: Manifest) -> Figure:
    """Receiver operating characteristics: what finding more metastases costs in false alarms."""
    evaluation, figures = manifest.evaluation, manifest.performance.without_age
    areas = _("{auc_5y} at 5 years, {auc_10y} at 10").format(
        auc_5y=with_interval(figures.auc_5y), auc_10y=with_interval(figures.auc_10y)
    )
    chart = Chart(
        "roc",
        _("Metastases found against false alarms"),
        _("Receiver operating characteristic. Area under the curve (AUC): {areas}; chance has 0.5.").format(
            areas=areas
        ),
        Axis(_("False alarms, out of 100 without metastasis"), TO_100),
        Axis(_("Found, out of 100 with metastasis"), TO_100),
        (
            Series(_("Within 5 years"), _roc_points(evaluation.roc_5y), "step"),
            Series(_("Within 10 years"), _roc_points(evaluation.roc_10y), "step"),
            Series(_("Chance"), _diagonal(100), "reference"),
        ),
    )
    caption = _(
        "Each point of a curve is a threshold: the lower the risk from which on a patient is "
        "called at risk, the more metastases are found and the more false alarms are raised. "
        "The further a curve lies above the dotted line, the better. The uncertainty of a "
        "whole curve is that of the area under it: {areas}."
    ).format(areas=areas)
    return Figure(chart, caption, _roc_table(evaluation))


def _roc_points(curve: tuple[RocPoint, ...]) -> tuple[Point, ...]:
    return tuple(Point(100 * point.false_positive, 100 * point.true_positive) for point in curve)


def _roc_table(evaluation: Evaluation) -> Table:
    return Table(
        _("Out of 100 patients with, and out of 100 without a distant metastasis"),
        (_("False alarms at most"), _("Found, within 5 years"), _("Found, within 10 years")),
        tuple(
            (
                Cell(str(alarms)),
                Cell(number(_found(evaluation.roc_5y, alarms), 0)),
                Cell(number(_found(evaluation.roc_10y, alarms), 0)),
            )
            for alarms in FALSE_ALARMS
        ),
        folded=True,
    )


def _found(curve: tuple[RocPoint, ...], alarms: float) -> float:
    """The most that are found, in per cent, without more false alarms than that."""
    return 100 * max(point.true_positive for point in curve if 100 * point.false_positive <= alarms)


def categories(manifest: Manifest) -> Figure:
    """What happened, year by year, to those predicted into each category."""
    curves = manifest.evaluation.category_curves[::-1]  # the highest first, as the curves lie
    highest = 100 * max(at.upper for curve in curves for at in curve.observed)
    chart = Chart(
        "categories",
        _("What happened in each category"),
        _("Kaplan-Meier estimate of distant metastasis by predicted 5-year risk. {summary}").format(
            summary=_categories_words(curves)
        ),
        Axis.covering(_("Years since surgery"), 0, manifest.horizons[-1]),
        Axis.covering(_("Distant metastasis, out of 100"), 0, highest),
        tuple(
            Series(
                _("5-year risk {band}").format(band=band(curve.minimum, curve.maximum)),
                _curve_points(curve, place - (len(curves) - 1) / 2),
                "linked",
            )
            for place, curve in enumerate(curves)
        ),
    )
    caption = _(
        "Kaplan-Meier estimates for each year, which allow for patients who could not be followed to the "
        "end. 95 % intervals are drawn at 5 and 10 years, side by side; those of all years are in the "
        "table. No patient helped to predict herself."
    )
    return Figure(chart, caption, _curves_table(curves))


def _curve_points(curve: CategoryCurve, place: float) -> tuple[Point, ...]:
    observed = (_incidence_point(at, APART * place) for at in curve.observed)
    return (Point(0, 0), *observed)


def _incidence_point(at: Incidence, shift: float) -> Point:
    point = Point(at.year + shift, 100 * at.incidence)
    if at.year in YEARS_WITH_INTERVAL:
        return replace(point, lower=100 * at.lower, upper=100 * at.upper)
    return point


def _categories_words(curves: tuple[CategoryCurve, ...]) -> str:
    at_five = ((curve, _at_five_years(curve)) for curve in curves)
    parts = (f"{band(curve.minimum, curve.maximum)}: {_in_words(cell)}" for curve, cell in at_five)
    return _("Within 5 years, out of 100: {parts}.").format(parts="; ".join(parts))


def _at_five_years(curve: CategoryCurve) -> Cell:
    return next(incidence(at) for at in curve.observed if at.year == FIVE_YEARS)


def _curves_table(curves: tuple[CategoryCurve, ...]) -> Table:
    return Table(
        _(
            "Out of 100 patients, distant metastasis by each year (95 % interval); in brackets how many were "
            "still followed"
        ),
        (
            _("Year"),
            *(_("Risk {band}").format(band=band(curve.minimum, curve.maximum)) for curve in curves),
        ),
        tuple(
            (Cell(str(at_year[0].year)), *(_followed(at) for at in at_year))
            for at_year in zip(*(curve.observed for curve in curves), strict=True)
        ),
        folded=True,
    )


def _followed(at: Incidence) -> Cell:
    cell = incidence(at)
    return Cell(cell.text, f"{cell.note} [{at.at_risk}]")


def decision(manifest: Manifest) -> Figure:
    """Decision curve: whether acting on the model does more good than treating everybody alike."""
    benefits = manifest.evaluation.decision_5y
    highest = 100 * max(max(at.model.upper, at.everybody.value) for at in benefits)
    shown = tuple(at for at in benefits if 100 * at.everybody.value >= LOWEST_BENEFIT)
    chart = Chart(
        "decision",
        _("Decision curve at 5 years"),
        _("Net benefit against the risk from which on one would act. {advantage}").format(
            advantage=advantage_words(manifest)
        ),
        Axis.covering(_("Risk out of 100 from which on one would act"), 0, 100 * benefits[-1].threshold),
        Axis.covering(_("Net benefit, for 100 patients"), LOWEST_BENEFIT, highest),
        (
            Series(_("Act on the model, with 95 % interval"), tuple(map(_benefit_point, benefits)), "linked"),
            Series(_("Act on everybody"), tuple(map(_everybody_point, shown)), "line"),
            Series(_("Act on nobody"), (Point(0, 0), Point(100 * benefits[-1].threshold, 0)), "reference"),
        ),
    )
    caption = _(
        "Net benefit counts the patients who are rightly acted on, less those who are acted "
        "on for nothing, each weighed by the risk from which on one would act: whoever acts "
        "at 20 out of 100 holds one missed metastasis to be as bad as four needless "
        "treatments. {advantage} No threshold on this page says treat."
    ).format(advantage=advantage_words(manifest))
    return Figure(chart, caption, _decision_table(benefits))


def advantage_words(manifest: Manifest) -> str:
    """Where the model surely beats treating everybody alike."""
    sure = [at.threshold for at in manifest.evaluation.decision_5y if at.advantage.lower > 0]
    where = ", ".join(f"{100 * threshold:.0f}" for threshold in sure) or _("none")
    return _(
        "The thresholds, out of 100, at which the model does more good than acting on "
        "everybody or on nobody, with an interval that lies above 0: {where}."
    ).format(where=where)


def _benefit_point(at: NetBenefit) -> Point:
    low = max(100 * at.model.lower, LOWEST_BENEFIT)
    return Point(100 * at.threshold, 100 * at.model.value, low, 100 * at.model.upper)


def _everybody_point(at: NetBenefit) -> Point:
    return Point(100 * at.threshold, 100 * at.everybody.value)


def _decision_table(benefits: tuple[NetBenefit, ...]) -> Table:
    return Table(
        _("Net benefit for 100 patients (95 % interval)"),
        (
            _("Acting from"),
            _("On the model"),
            _("On everybody"),
            _("Model over the better of everybody and nobody"),
        ),
        tuple(
            (
                Cell(f"{100 * at.threshold:.0f}"),
                figure(at.model, 1, 100),
                figure(at.everybody, 1, 100),
                figure(at.advantage, 1, 100),
            )
            for at in benefits
        ),
        folded=True,
    )


def _diagonal(end: float) -> tuple[Point, ...]:
    return (Point(0, 0), Point(end, end))


def _in_words(cell: Cell) -> str:
    return f"{cell.text} {cell.note}"
