"""Into which band of 5-year risk an estimate falls, or whether it is too uncertain for any."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ml_models.manifest import Category

Floats = npt.NDArray[np.float64]


def classify(
    risk: float, lower: float, upper: float, bands: Sequence[Category], crossing: float
) -> int | None:
    """Return the index of the band of ``risk``; None if its interval reaches too far beyond that band.

    Parameters
    ----------
    risk, lower, upper : float
        The estimate at 5 years and its 95 % interval.
    crossing : float
        How far the interval may reach beyond the band.
    """
    index = band_of(risk, bands)
    band = bands[index]
    is_certain = lower >= band.minimum - crossing and upper <= band.maximum + crossing
    return index if is_certain else None


def band_of(risk: float, bands: Sequence[Category]) -> int:
    """Return the index of the band that holds ``risk``, however uncertain it is."""
    return next((i for i, band in enumerate(bands) if risk < band.maximum), len(bands) - 1)


def classifiable_share(
    risk: Floats, lower: Floats, upper: Floats, bands: Sequence[Category], crossing: float
) -> float:
    """Return the share of estimates, arrays of shape (n,), that fall into a band."""
    estimates = zip(risk.tolist(), lower.tolist(), upper.tolist(), strict=True)
    return float(np.mean([classify(*estimate, bands, crossing) is not None for estimate in estimates]))
