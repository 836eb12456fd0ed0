"""Newton's method for Cox's partial likelihood with a ridge penalty and Breslow's ties, vectorised.

Minimises ``-l(b) + alpha / 2 * |b|^2`` where ``l`` is the log partial likelihood summed, not averaged, over
patients: the convention of scikit-survival's ``CoxPHSurvivalAnalysis`` and, with one penalty for all columns,
of R's ``survival::ridge(theta=alpha, scale=FALSE)``.

References
----------
Breslow N (1974) Covariance analysis of censored survival data. *Biometrics* 30:89-99.
Verweij PJM, van Houwelingen HC (1994) Penalized likelihood in Cox regression. *Stat Med* 13:2427-36.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MAXIMUM_STEPS = 50
TOLERANCE = 1e-9


class NotConvergedError(ArithmeticError):
    """Newton's method did not converge: for whoever trains, the data separate perfectly or hold nonsense."""


@dataclass(frozen=True, slots=True)
class RiskSets:
    """Patients in order of time and, for each distinct time of an event, who was at risk.

    Attributes
    ----------
    X : array of shape (n, p), ordered by time
    event : array of shape (n,), 1.0 for an event and 0.0 for censoring
    times : array of shape (k,), distinct times of an event
    first : array of shape (k,), index of the first patient still at risk at each of ``times``
    deaths : array of shape (k,), events at each of ``times``
    passed : array of shape (n,), how many of ``times`` each patient lived to
    """

    X: Floats
    event: Floats
    times: Floats
    first: npt.NDArray[np.intp]
    deaths: Floats
    passed: npt.NDArray[np.intp]

    @classmethod
    def of(cls, X: Floats, event: npt.NDArray[np.bool_], time: Floats) -> Self:
        """Order patients; ``X`` has shape (n, p), ``event`` and ``time`` shape (n,)."""
        order = np.argsort(time, kind="stable")
        X, event, time = X[order], event[order], time[order]
        times, deaths = np.unique(time[event], return_counts=True)
        return cls(
            X=X,
            event=event.astype(np.float64),
            times=times,
            first=np.searchsorted(time, times, side="left"),
            deaths=deaths.astype(np.float64),
            passed=np.searchsorted(times, time, side="right"),
        )


def log_likelihood(sets: RiskSets, coef: Floats) -> float:
    """Return the log partial likelihood at ``coef``, shape (p,)."""
    eta = sets.X @ coef
    shift = eta.max(initial=0.0)
    s0 = at_risk(sets, np.exp(eta - shift))
    return float(sets.event @ eta - sets.deaths @ (np.log(s0) + shift))


def at_risk(sets: RiskSets, weights: Floats) -> Floats:
    """Sum ``weights`` (n, ...), in the order of ``sets``, over each risk set; shape (k, ...)."""
    return _from_here_on(weights)[sets.first]


def fit(sets: RiskSets, alpha: float, start: Floats | None = None, tolerance: float = TOLERANCE) -> Floats:
    """Return the penalised coefficients, shape (p,).

    Parameters
    ----------
    alpha : float
        Ridge penalty, at least 0.
    start : array of shape (p,), optional
        Where to begin, for example the solution at a neighbouring penalty.
    tolerance : float
        Newton decrement (twice what the loss can still fall) below which one last step is taken.

    Raises
    ------
    NotConvergedError
        When ``MAXIMUM_STEPS`` were not enough.
    """
    coef = np.zeros(sets.X.shape[1]) if start is None else start
    loss = _loss(sets, coef, alpha)
    for _ in range(MAXIMUM_STEPS):
        gradient, hessian = derivatives(sets, coef, alpha)
        step = np.asarray(np.linalg.solve(hessian, gradient), dtype=np.float64)
        if gradient @ step < tolerance:
            return np.asarray(coef - step)
        coef, loss = _descend(sets, coef, loss, step, alpha)
    raise NotConvergedError(f"no convergence in {MAXIMUM_STEPS} Newton steps at alpha={alpha}")


def baseline_hazard(sets: RiskSets, eta: Floats) -> Floats:
    """Return Breslow's cumulative baseline hazard at ``sets.times``; ``eta`` is in the order of ``sets``."""
    hazard: Floats = np.cumsum(sets.deaths / at_risk(sets, np.exp(eta)))
    return hazard


def derivatives(sets: RiskSets, coef: Floats, alpha: float) -> tuple[Floats, Floats]:
    """Return gradient (p,) and Hessian (p, p) of the penalised loss.

    With ``S0`` and ``S1`` the sums of the weights and of the weighted rows over a risk set, the Hessian is
    ``X' diag(w A) X - S1' diag(d / S0^2) S1``, where ``A`` accumulates ``d / S0`` up to a patient's time:
    two matrix products instead of one p x p matrix per event.
    """
    eta = sets.X @ coef
    weight = np.exp(eta - eta.max())
    s0 = at_risk(sets, weight)
    s1 = at_risk(sets, weight[:, None] * sets.X)
    accumulated = np.concatenate([[0.0], np.cumsum(sets.deaths / s0)])[sets.passed]
    expected = weight * accumulated
    gradient = (expected - sets.event) @ sets.X + alpha * coef
    rows = s1 * (np.sqrt(sets.deaths) / s0)[:, None]
    hessian = (sets.X * expected[:, None]).T @ sets.X - rows.T @ rows
    hessian.flat[:: len(coef) + 1] += alpha
    return gradient, hessian


def _descend(sets: RiskSets, coef: Floats, loss: float, step: Floats, alpha: float) -> tuple[Floats, float]:
    """Take the Newton step, halved until the loss does not grow; returns where that leads and its loss."""
    for _ in range(MAXIMUM_STEPS):
        following = coef - step
        reached = _loss(sets, following, alpha)
        if reached <= loss:
            return following, reached
        step = step / 2
    raise NotConvergedError(f"no step lowers the loss at alpha={alpha}")


def _loss(sets: RiskSets, coef: Floats, alpha: float) -> float:
    return alpha / 2 * float(coef @ coef) - log_likelihood(sets, coef)


def _from_here_on(weights: Floats) -> Floats:
    """Sum from each patient to the last, along the first axis."""
    total: Floats = np.cumsum(weights[::-1], axis=0)[::-1]
    return total
