"""A category stands only where the interval allows it."""

import pytest

from ml_models.classification import classify
from ml_models.manifest import Category

BANDS = tuple(
    Category(minimum=low, maximum=high, patients=1, share=0.3, observed_5y=None)
    for low, high in ((0.0, 0.1), (0.1, 0.2), (0.2, 1.0))
)


@pytest.mark.parametrize(
    ("risk", "lower", "upper", "band"),
    [
        (0.05, 0.01, 0.10, 0),
        (0.05, 0.01, 0.20, 0),
        (0.05, 0.01, 0.21, None),
        (0.0999, 0.0, 0.1, 0),
        (0.10, 0.05, 0.15, 1),
        (0.15, 0.0, 0.30, 1),
        (0.15, 0.0, 0.31, None),
        (0.20, 0.15, 0.9, 2),
        (0.20, 0.09, 0.9, None),
        (1.0, 0.9, 1.0, 2),
    ],
)
def test_an_estimate_is_put_into_a_band_unless_its_interval_reaches_too_far(risk, lower, upper, band):
    assert classify(risk, lower, upper, BANDS, 0.10) == band


def test_how_many_of_the_training_cohort_can_be_classified_is_stated(release):
    """Intervals that hold the truth as often as they say are too wide for most: about a quarter is left."""
    assert 0.15 < release.manifest.classification.classifiable_share < 0.4
