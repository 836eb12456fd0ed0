"""How well a release does: every figure of its cross-validation, and what is drawn from it."""

from django.utils.translation import gettext as _

from ml_models.manifest import Manifest
from predictions.documents import Cell, Paragraph, Section, Table
from predictions.model_card import plots
from predictions.model_card.measures import MEASURES, Measure


def performance(manifest: Manifest) -> Section:
    """Figures first, then the four charts."""
    return Section(
        "performance",
        _("How well it does"),
        (
            Paragraph(_method(manifest)),
            _figures(manifest),
            Paragraph(_("The charts, and the tables below, are of the fit without age.")),
            plots.calibration(manifest),
            plots.discrimination(manifest),
            plots.categories(manifest),
            plots.decision(manifest),
        ),
    )


def _method(manifest: Manifest) -> str:
    tested = manifest.performance
    return _(
        "Nested cross-validation: the cohort was split into {folds} parts, {repeats} times "
        "over; each part was predicted by a model that was tuned and fitted on the others "
        "alone. Intervals are 95 %, from {bootstraps} bootstrap samples of patients. They "
        "measure the procedure that made this release."
    ).format(folds=tested.folds, repeats=tested.repeats, bootstraps=tested.bootstraps)


def _figures(manifest: Manifest) -> Table:
    return Table(
        _("Every figure with its 95 % interval, for the fit that knows no age and for the one that does"),
        (_("Figure"), _("Without age"), _("With age"), _("What it means")),
        tuple(_row(measure, manifest) for measure in MEASURES),
    )


def _row(measure: Measure, manifest: Manifest) -> tuple[Cell, ...]:
    tested = manifest.performance
    return (
        Cell(measure.name),
        measure.of(tested.without_age),
        measure.of(tested.with_age) if tested.with_age else Cell(_("no ages")),
        Cell(f"{measure.meaning} {measure.good}"),
    )
