"""What the data leave uncertain in a Cox model: draws of coefficients and baseline from their posterior.

A bootstrap of a ridge model varies around predictions that the penalty has shrunken, and takes the penalty as
known: its percentile interval covered the truth of simulated patients 65 to 73 % of the time, not 95 %
(docs/decisions/0014-interval-coverage.md). Here the penalty is taken as a normal prior.

- The coefficients of ``p`` standardised columns are independent N(0, s^2 / p), so the ridge fit at penalty
  ``p / s^2`` is their most probable value. ``s`` is about the standard deviation of the log hazard between
  patients.
- ``s`` is unknown, with a density in proportion to ``s``: the boundary-avoiding gamma(2) prior of Chung et
  al. (2013), without which few events are easily taken for no signal at all.
- The baseline has a gamma process prior without information; then Cox's partial likelihood is what the data
  say of the coefficients (Kalbfleisch 1978, Sinha et al. 2003), and given those the jumps of the cumulative
  baseline hazard are gamma: shape the deaths, rate the summed hazard ratios at risk.

The integral over the coefficients is Laplace's approximation at each ``s`` of a grid (Rue et al. 2009).
Averaged over patients such an interval covers as often as it says though ridge is biased (Nychka 1988).

References
----------
Chung Y et al. (2013) *Psychometrika* 78:685-709. Kalbfleisch JD (1978) *J R Stat Soc B* 40:214-21. Nychka D
(1988) *JASA* 83:1134-43. Rue H, Martino S, Chopin N (2009) *J R Stat Soc B* 71:319-92. Sinha D, Ibrahim JG,
Chen MH (2003) *Biometrika* 90:629-41.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml_models.partial_likelihood import RiskSets, at_risk, derivatives, fit, log_likelihood

Floats = npt.NDArray[np.float64]

# Of the log hazard between patients: from nothing to a hazard ratio of 50 for one standard deviation.
SPREADS = np.geomspace(0.1, 4.0, 14)
# Newton's decrement: the last step from here lands within a ten-thousandth of a standard deviation.
ROUGH = 1e-4


@dataclass(frozen=True, slots=True)
class Draws:
    """``coef`` (count, p) for the columns of the risk sets; ``jumps`` (count, k) of the baseline hazard."""

    coef: Floats
    jumps: Floats


@dataclass(frozen=True, slots=True)
class _Laplace:
    """At one spread: mode (p,), Cholesky factor of the Hessian (p, p), log of the marginal likelihood."""

    mode: Floats
    factor: Floats
    evidence: float


def draw(sets: RiskSets, count: int, seed: int) -> Draws:
    """Draw from the posterior, in random order.

    Parameters
    ----------
    sets : RiskSets
        With standardised columns.
    """
    random = np.random.default_rng(seed)
    fits = _along_spreads(sets)
    logarithm = np.array([fitted.evidence for fitted in fits]) + 2 * np.log(SPREADS)
    probability = np.exp(logarithm - logarithm.max())
    spread = random.choice(len(SPREADS), p=probability / probability.sum(), size=count)  # nosec B311
    coef = random.normal(size=(count, sets.X.shape[1]))
    for index in np.unique(spread):
        chosen, fitted = spread == index, fits[index]
        coef[chosen] = fitted.mode + np.linalg.solve(fitted.factor.T, coef[chosen].T).T
    rate = at_risk(sets, np.exp(sets.X @ coef.T)).T
    return Draws(coef, random.gamma(np.broadcast_to(sets.deaths, rate.shape)) / rate)


def _along_spreads(sets: RiskSets) -> list[_Laplace]:
    """Fits from the smallest spread to the largest, each from the one before."""
    columns = sets.X.shape[1]
    fits: list[_Laplace] = []
    for spread in SPREADS.tolist():
        penalty = columns / spread**2
        mode = fit(sets, penalty, fits[-1].mode if fits else None, ROUGH)
        fits.append(_laplace(sets, mode, penalty))
    return fits


def _laplace(sets: RiskSets, mode: Floats, penalty: float) -> _Laplace:
    _, hessian = derivatives(sets, mode, penalty)
    factor = np.linalg.cholesky(hessian)
    log_prior = len(mode) / 2 * float(np.log(penalty)) - penalty / 2 * float(mode @ mode)
    log_volume = -float(np.log(np.diag(factor)).sum())
    return _Laplace(mode, np.asarray(factor, np.float64), log_likelihood(sets, mode) + log_prior + log_volume)
