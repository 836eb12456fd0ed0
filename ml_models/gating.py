"""Where the thresholds of the gate come from when they were not stated beforehand."""

import math

import numpy as np
import numpy.typing as npt

from ml_models.applicability import judge, resemblance
from ml_models.manifest import Gate, Thresholds

Floats = npt.NDArray[np.float64]

# Of the samples, how many may fall to each threshold.
TAIL = 0.01
# Below this part of the lowest rho that is accepted, a sample is not even of another platform.
PLATFORM_SHARE = 0.5
SHUFFLES = 200
# The share of samples with shuffled genes that a gate worth its name refuses.
SHUFFLED_REFUSED = 0.95


class BlindGateError(ValueError):
    """Samples with shuffled genes would pass: for whoever trains; the genes are too alike or too few."""


def learn_thresholds(values: Floats, seed: int) -> Thresholds:
    """Set the thresholds so that 99 % of samples like the cohort's pass each of them.

    Every sample is held against mean and standard deviation of the *others*, as a new one would be; the
    thresholds are the 1st percentile of Spearman's rho and the 99th of the mean absolute z, rounded
    outwards to hundredths. For TRANSBIG, whose thresholds were fixed beforehand at 0.79 and 1.3, it gives
    about the same.

    Parameters
    ----------
    values : array of shape (n, genes)
    seed : int
        Of the shuffles that the gate is tried with.

    Raises
    ------
    BlindGateError
        When fewer than 95 % of samples whose genes were shuffled would be refused.
    """
    spearman, distance = _left_out_resemblance(values)
    lowest = math.floor(100 * np.quantile(spearman, TAIL)) / 100
    thresholds = Thresholds(
        spearman_minimum=lowest,
        platform_spearman_minimum=PLATFORM_SHARE * lowest,
        mean_absolute_z_maximum=math.ceil(100 * np.quantile(distance, 1 - TAIL)) / 100,
    )
    _require_sight(values, thresholds, seed)
    return thresholds


def with_passed(thresholds: Thresholds, values: Floats, means: Floats, sds: Floats) -> Gate:
    """Return the gate, with how many rows of ``values`` (n, genes) it lets through."""
    return Gate(**thresholds.model_dump(), passed=_passed(values, means, sds, thresholds), of=len(values))


def _left_out_resemblance(values: Floats) -> tuple[Floats, Floats]:
    """Rho and mean absolute z, each (n,), of every sample with the mean and deviation of the others."""
    everyone = np.arange(len(values))
    pairs = [_resemblance(row, values[everyone != index]) for index, row in enumerate(values)]
    spearman, distance = np.array(pairs).T
    return spearman, distance


def _resemblance(row: Floats, others: Floats) -> tuple[float, float]:
    sds = others.std(axis=0)
    spearman, distance = resemblance(row[None], others.mean(axis=0), np.where(sds > 0, sds, np.inf))
    return float(spearman[0]), float(distance[0])


def _require_sight(values: Floats, thresholds: Thresholds, seed: int) -> None:
    random = np.random.default_rng(seed)
    rows = values[random.integers(len(values), size=SHUFFLES)]
    shuffled = random.permuted(rows, axis=1)
    passed = _passed(shuffled, values.mean(axis=0), values.std(axis=0), thresholds)
    if passed > (1 - SHUFFLED_REFUSED) * len(shuffled):
        raise BlindGateError(
            f"{passed} of {len(shuffled)} samples whose genes were shuffled would be taken for right ones: "
            "the order of the genes inside a sample hardly differs from chance. Train with more genes, among "
            "them some that are always high and some that are always low."
        )


def _passed(values: Floats, means: Floats, sds: Floats, thresholds: Thresholds) -> int:
    # Row by row: ranking compares every gene with every other, and for a whole cohort that would not fit.
    evidence = (resemblance(row[None], means, sds) for row in values)
    return sum(judge(float(rho[0]), float(z[0]), thresholds) == "ok" for rho, z in evidence)
