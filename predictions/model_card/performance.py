"""How well a release does: every figure of its cross-validation, and what is drawn from it."""

from ml_models.manifest import Manifest
from predictions.documents import Cell, Paragraph, Section, Table
from predictions.model_card import plots
from predictions.model_card.measures import MEASURES, Measure


def performance(manifest: Manifest) -> Section:
    """Figures first, then the four charts."""
    return Section(
        "performance",
        "How well it does",
        (
            Paragraph(_method(manifest)),
            _figures(manifest),
            Paragraph("The charts, and the tables below, are of the fit without age."),
            plots.calibration(manifest),
            plots.discrimination(manifest),
            plots.categories(manifest),
            plots.decision(manifest),
        ),
    )


def _method(manifest: Manifest) -> str:
    tested = manifest.performance
    return (
        f"Nested cross-validation: the cohort was split into {tested.folds} parts, {tested.repeats} times "
        "over; each part was predicted by a model that was tuned and fitted on the others alone. "
        f"Intervals are 95 %, from {tested.bootstraps} bootstrap samples of patients. They measure the "
        "procedure that made this release."
    )


def _figures(manifest: Manifest) -> Table:
    return Table(
        "Every figure with its 95 % interval, for the fit that knows no age and for the one that does",
        ("Figure", "Without age", "With age", "What it means"),
        tuple(_row(measure, manifest) for measure in MEASURES),
    )


def _row(measure: Measure, manifest: Manifest) -> tuple[Cell, ...]:
    tested = manifest.performance
    return (
        Cell(measure.name),
        measure.of(tested.without_age),
        measure.of(tested.with_age) if tested.with_age else Cell("no ages"),
        Cell(f"{measure.meaning} {measure.good}"),
    )
