"""Do reference samples look like consecutive cases? Oestrogen receptor positive and negative tumours differ.

A batch of one kind only has another mean, and everybody mapped with it another risk. On a platform whose
scale is not known yet, levels tell nothing, but spread does: between both kinds the genes that go with the
receptor vary together. So the batch, each gene by its own mean and standard deviation, is laid along the
direction in which positive and negative tumours of TRANSBIG differ (`receptor_direction.csv`), and its
variance there is compared with that of the training cohort, which the correlations in the manifest tell.
"""

import csv
import math
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from ml_models.manifest import Manifest

Floats = npt.NDArray[np.float64]

# Below 1 less this over the root of the number of samples, 5 % of consecutive batches lie (docs/profiles.md).
TOLERANCE = 1.3
# Of the genes with a direction, the share that must be measured.
FEWEST_GENES = 0.5


def receptor_variance(values: Floats, location: Floats, scale: Floats, manifest: Manifest) -> float | None:
    """The variance of samples (n, genes) along the receptor's direction, over that in the training cohort.

    None where too few of the genes with a direction are in the panel and measured.
    """
    known = _direction()
    direction = np.array([known.get(symbol, np.nan) for symbol in manifest.symbols])
    z = (values - location) / scale
    used = np.isfinite(direction) & np.isfinite(z).all(axis=0)
    if used.sum() < FEWEST_GENES * len(known):
        return None
    along = direction[used]
    expected = along @ manifest.correlation_matrix[np.ix_(used, used)] @ along
    return float((z[:, used] @ along).var(ddof=1) / expected)


def look_consecutive(ratio: float, samples: int) -> bool:
    """Whether a variance ratio is as that of a batch with both kinds of tumours."""
    return ratio >= 1 - TOLERANCE / math.sqrt(samples)


@cache
def _direction() -> dict[str, float]:
    text = files("ml_models").joinpath("receptor_direction.csv").read_text(encoding="utf-8")
    return {row["symbol"]: float(row["difference"]) for row in csv.DictReader(text.splitlines())}
