"""What scoring returns, whichever form of the model did it."""

from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

COVERAGE = 0.95
# Rows whose replicates are sorted at once: (64, 10, 200) doubles are 1 MB, so a cohort of any size fits.
ROWS_AT_ONCE = 64
LARGEST_LOG_HAZARD = 700.0


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of ``n`` patients.

    Attributes
    ----------
    log_hazard : array of shape (n,)
        Log hazard ratio against a patient at the training mean.
    risk : array of shape (n, 10)
        Cumulative incidence of distant metastasis at years 1 to 10, a probability.
    lower, upper : arrays of shape (n, 10)
        95 % interval of ``risk``: percentiles of the replicates.
    contributions : array of shape (n, 70)
        Parts of ``log_hazard``, 69 genes and then age (0 where age is unknown); they sum to it.
    """

    log_hazard: Floats
    risk: Floats
    lower: Floats
    upper: Floats
    contributions: Floats


def cumulative_incidence(log_hazard: Floats, hazards: Floats) -> Floats:
    """Return ``1 - exp(-H exp(eta))``, the incidence under proportional hazards."""
    return _incidence(hazards * _exp(log_hazard))


def with_missing_genes(log_hazards: Floats, spread: Floats) -> Floats:
    """Spread the replicates by what missing genes leave unexplained.

    Parameters
    ----------
    log_hazards : array of shape (n, replicates)
    spread : array of shape (n, replicates)
        Standard deviation of each log hazard given the observed genes, 0 where none is missing.

    The draws are the normal scores of the replicates' order, which is as good as random, so that an
    interval is the same every time it is computed.
    """
    spread_out: Floats = log_hazards + spread * _normal_scores(log_hazards.shape[1])
    return spread_out


@cache
def _normal_scores(count: int) -> Floats:
    scores = np.array([NormalDist().inv_cdf((rank + 0.5) / count) for rank in range(count)])
    scores.flags.writeable = False
    return scores


def percentile_interval(log_hazards: Floats, hazards: Floats) -> tuple[Floats, Floats]:
    """Return the 95 % percentile interval of the risk, lower and upper, each of shape (n, horizons).

    Parameters
    ----------
    log_hazards : array of shape (n, replicates)
        Log hazard of every patient in every replicate.
    hazards : array of shape (replicates, horizons)
        Baseline cumulative hazards of the replicates.
    """
    shape = (len(log_hazards), hazards.shape[1])
    lower, upper = np.empty(shape), np.empty(shape)
    for start in range(0, len(log_hazards), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        lower[rows], upper[rows] = _percentiles(log_hazards[rows], hazards)
    return lower, upper


def _percentiles(log_hazards: Floats, hazards: Floats) -> tuple[Floats, Floats]:
    tail = (1 - COVERAGE) / 2
    cumulative = _exp(log_hazards)[:, None, :] * hazards.T
    cumulative.sort(axis=2)
    return _risk_quantile(cumulative, tail), _risk_quantile(cumulative, 1 - tail)


def _risk_quantile(ordered: Floats, level: float) -> Floats:
    """Interpolate the risk between the order statistics around ``level`` (Hyndman and Fan's type 6).

    Of few draws, that type alone leaves on average as much beyond it as ``level`` says.
    """
    position = level * (ordered.shape[2] + 1) - 1
    below = int(position)
    weight = position - below
    risk = _incidence(ordered[:, :, below : below + 2])
    quantile: Floats = (1 - weight) * risk[:, :, 0] + weight * risk[:, :, 1]
    return quantile


def _exp(log_hazard: Floats) -> Floats:
    """Exponentiate, and stay finite for values in a wrong unit, whose risk is then 1."""
    ratio: Floats = np.exp(np.minimum(log_hazard, LARGEST_LOG_HAZARD))
    return ratio


def _incidence(cumulative_hazard: Floats) -> Floats:
    incidence: Floats = -np.expm1(-cumulative_hazard)
    return incidence
