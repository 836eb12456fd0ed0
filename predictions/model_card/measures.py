"""What each figure of a release's performance means, for a reader who does not know its name."""

from dataclasses import dataclass

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from ml_models.manifest import Figures
from predictions.documents import Cell
from predictions.model_card.rounding import figure


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure in plain words: what it measures, and which value is good."""

    key: str
    called: str
    explained: str
    read: str
    is_share: bool = False

    @property
    def name(self) -> str:
        """What it is called, in the language of the reader."""
        return gettext(self.called)

    @property
    def meaning(self) -> str:
        """What it measures."""
        return gettext(self.explained)

    @property
    def good(self) -> str:
        """Which value is good."""
        return gettext(self.read)

    def of(self, figures: Figures) -> Cell:
        """The figure with its interval; a share is given in per cent."""
        estimate = getattr(figures, self.key)
        return figure(estimate, decimals=1, times=100) if self.is_share else figure(estimate)


_CHANCE = _("0.5 is chance, 1 is perfect.")
_GAIN = _("0 % is no better than the average, 100 % is perfect, below 0 % is worse than the average.")

MEASURES = (
    Measure(
        "auc_5y",
        _("AUC at 5 years"),
        _("How often a patient with a metastasis within 5 years was given a higher risk than one without."),
        _CHANCE,
    ),
    Measure("auc_10y", _("AUC at 10 years"), _("The same for a metastasis within 10 years."), _CHANCE),
    Measure(
        "c_index_harrell",
        _("C-index (Harrell)"),
        _("How often, of two patients, the one whose metastasis came first was given the higher risk."),
        _CHANCE,
    ),
    Measure(
        "c_index_uno",
        _("C-index (Uno)"),
        _("The same up to 10 years, corrected for patients who could not be followed so long."),
        _CHANCE,
    ),
    Measure(
        "observed_expected_5y",
        _("Observed / expected, 5 years"),
        _("Metastases that happened within 5 years for each one that was predicted."),
        _("1 is right; below 1 the risks were too high, above 1 too low."),
    ),
    Measure(
        "observed_expected_10y",
        _("Observed / expected, 10 years"),
        _("The same within 10 years."),
        _("1 is right; below 1 the risks were too high, above 1 too low."),
    ),
    Measure(
        "calibration_slope",
        _("Calibration slope"),
        _("Whether high and low risks lie as far apart as they should."),
        _("1 is right; below 1 high risks are too high and low ones too low, above 1 the other way round."),
    ),
    Measure(
        "calibration_intercept_5y",
        _("Calibration intercept, 5 years"),
        _("Whether the risks as a whole are too low or too high, as a logarithm."),
        _("0 is right; above 0 the risks were too low, below 0 too high."),
    ),
    Measure(
        "calibration_intercept_10y",
        _("Calibration intercept, 10 years"),
        _("The same over 10 years."),
        _("0 is right."),
    ),
    Measure(
        "brier_gain_5y",
        _("Gain in Brier score, 5 years, %"),
        _(
            "How much smaller the squared error of the risks is than if everybody were told the average of "
            "the cohort."
        ),
        _GAIN,
        is_share=True,
    ),
    Measure(
        "brier_gain_10y",
        _("Gain in Brier score, 10 years, %"),
        _("The same at 10 years."),
        _GAIN,
        is_share=True,
    ),
    Measure(
        "ibs_gain",
        _("Gain in Brier score, years 1 to 10, %"),
        _("The same over all years (integrated Brier score)."),
        _GAIN,
        is_share=True,
    ),
)
BY_KEY = {measure.key: measure for measure in MEASURES}
# What stands in tables that put releases, or estimators, side by side.
MAIN = tuple(BY_KEY[key] for key in ("auc_5y", "c_index_harrell", "observed_expected_5y", "brier_gain_5y"))
