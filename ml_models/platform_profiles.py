"""Another platform's scale, learned from reference samples, and its samples mapped to the training scale.

The training scale is one of means and standard deviations, so a profile holds means and standard deviations:
median and MAD of the same samples would put a skewed gene elsewhere, for everybody and in one direction
(docs/profiles.md has the figures). Robust is what goes into them: samples that failed are left out as a
whole, and a value counts as at most six scaled MADs from the median of its gene.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml_models.manifest import Manifest

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# Of a normal distribution: its standard deviation in median absolute deviations.
SCALED_MAD = 1.4826
LIMIT = 6.0
# A sample whose mean distance from the medians is twice that of the middle sample failed.
FAILED = 2.0
# The share of the samples that must have measured a gene.
MEASURED = 0.75


@dataclass(frozen=True)
class LearnedScale:
    """Mean and deviation of each gene (genes,), NaN where they cannot be told; `kept` samples (n,)."""

    location: Floats
    scale: Floats
    kept: Bools


def learn_scale(values: Floats) -> LearnedScale:
    """Learn the scale of a platform from reference samples.

    A gene that fewer than three quarters of the samples measured, or that has one value in half of them
    (MAD 0), as one that the platform does not detect, is left out.

    Parameters
    ----------
    values : array of shape (n, genes)
        On a logarithmic scale or centred, NaN where a gene was not measured.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        usable = np.isfinite(values).mean(axis=0) >= MEASURED
        kept = _kept(values[:, usable])
        samples = np.where(usable, values[kept], np.nan)
        middle, spread = _middle_and_spread(samples)
        limited = np.clip(samples, middle - LIMIT * spread, middle + LIMIT * spread)
        count = np.isfinite(limited).sum(axis=0)
        location = np.nansum(limited, axis=0) / count
        scale = np.sqrt(np.nansum((limited - location) ** 2, axis=0) / (count - 1))
    told = usable & (spread > 0)
    return LearnedScale(np.where(told, location, np.nan), np.where(told, scale, np.nan), kept)


def to_training_scale(values: Floats, location: Floats, scale: Floats, manifest: Manifest) -> Floats:
    """Map samples (n, genes), each by itself and gene by gene; NaN where the profile has no scale."""
    return manifest.means + manifest.sds * ((values - location) / scale)


def _kept(values: Floats) -> Bools:
    middle, spread = _middle_and_spread(values)
    distances = np.abs(values - middle) / np.where(spread > 0, spread, np.inf)
    measured = np.isfinite(distances).sum(axis=1)
    mean = np.where(measured > 0, np.nansum(distances, axis=1) / np.maximum(measured, 1), np.inf)
    kept: Bools = mean <= FAILED * np.median(mean)
    return kept


def _middle_and_spread(values: Floats) -> tuple[Floats, Floats]:
    """Median and scaled median absolute deviation of each column, NaN of one without a value."""
    return (middle := _medians(values)), SCALED_MAD * _medians(np.abs(values - middle))


def _medians(values: Floats) -> Floats:
    """The median of the finite values of each column: as numpy's nanmedian, without its warning."""
    ordered = np.sort(values, axis=0)  # NaN last
    count = np.isfinite(values).sum(axis=0)
    columns = np.arange(values.shape[1])
    lower, upper = np.maximum(count - 1, 0) // 2, np.maximum(count, 1) // 2
    median: Floats = (ordered[lower, columns] + ordered[np.minimum(upper, len(values) - 1), columns]) / 2
    return median
