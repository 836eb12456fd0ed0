"""What each figure of a release's performance means, for a reader who does not know its name."""

from dataclasses import dataclass

from ml_models.manifest import Figures
from predictions.documents import Cell
from predictions.model_card.rounding import figure


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure in plain words: what it measures, and which value is good."""

    key: str
    name: str
    meaning: str
    good: str
    is_share: bool = False

    def of(self, figures: Figures) -> Cell:
        """The figure with its interval; a share is given in per cent."""
        estimate = getattr(figures, self.key)
        return figure(estimate, decimals=1, times=100) if self.is_share else figure(estimate)


_CHANCE = "0.5 is chance, 1 is perfect."
_GAIN = "0 % is no better than the average, 100 % is perfect, below 0 % is worse than the average."

MEASURES = (
    Measure(
        "auc_5y",
        "AUC at 5 years",
        "How often a patient with a metastasis within 5 years was given a higher risk than one without.",
        _CHANCE,
    ),
    Measure("auc_10y", "AUC at 10 years", "The same for a metastasis within 10 years.", _CHANCE),
    Measure(
        "c_index_harrell",
        "C-index (Harrell)",
        "How often, of two patients, the one whose metastasis came first was given the higher risk.",
        _CHANCE,
    ),
    Measure(
        "c_index_uno",
        "C-index (Uno)",
        "The same up to 10 years, corrected for patients who could not be followed so long.",
        _CHANCE,
    ),
    Measure(
        "observed_expected_5y",
        "Observed / expected, 5 years",
        "Metastases that happened within 5 years for each one that was predicted.",
        "1 is right; below 1 the risks were too high, above 1 too low.",
    ),
    Measure(
        "observed_expected_10y",
        "Observed / expected, 10 years",
        "The same within 10 years.",
        "1 is right; below 1 the risks were too high, above 1 too low.",
    ),
    Measure(
        "calibration_slope",
        "Calibration slope",
        "Whether high and low risks lie as far apart as they should.",
        "1 is right; below 1 high risks are too high and low ones too low, above 1 the other way round.",
    ),
    Measure(
        "calibration_intercept_5y",
        "Calibration intercept, 5 years",
        "Whether the risks as a whole are too low or too high, as a logarithm.",
        "0 is right; above 0 the risks were too low, below 0 too high.",
    ),
    Measure(
        "calibration_intercept_10y",
        "Calibration intercept, 10 years",
        "The same over 10 years.",
        "0 is right.",
    ),
    Measure(
        "brier_gain_5y",
        "Gain in Brier score, 5 years, %",
        "How much smaller the squared error of the risks is than if everybody were told the average of "
        "the cohort.",
        _GAIN,
        is_share=True,
    ),
    Measure(
        "brier_gain_10y", "Gain in Brier score, 10 years, %", "The same at 10 years.", _GAIN, is_share=True
    ),
    Measure(
        "ibs_gain",
        "Gain in Brier score, years 1 to 10, %",
        "The same over all years (integrated Brier score).",
        _GAIN,
        is_share=True,
    ),
)
BY_KEY = {measure.key: measure for measure in MEASURES}
# What stands in tables that put releases, or estimators, side by side.
MAIN = tuple(BY_KEY[key] for key in ("auc_5y", "c_index_harrell", "observed_expected_5y", "brier_gain_5y"))
