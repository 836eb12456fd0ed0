"""Measures of a prediction of survival, for a cohort and a thousand bootstrap samples of it at once.

Every measure takes ``weights`` of shape (samples, n), how often each patient is in each sample, and returns
one value per sample: a bootstrap costs a few matrix products. The tests hold each measure against
scikit-survival's on resampled patients.

References
----------
Harrell FE et al. (1982) *JAMA* 247:2543-6 (C). Uno H et al. (2011) *Stat Med* 30:1105-17 (C with inverse
probability of censoring weights, IPCW). Uno H et al. (2007) *JASA* 102:527-37 (time-dependent AUC).
Graf E et al. (1999) *Stat Med* 18:2529-45 (Brier score). Crowson CS et al. (2016) *Stat Methods Med Res*
25:1692-706 (calibration intercept). Vickers AJ et al. (2008) *BMC Med Inform Decis Mak* 8:53 (net benefit
with censoring).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NORMAL_975 = 1.959963984540054
TAIL = 0.025
NEWTON_STEPS = 25
TOLERANCE = 1e-9
# A risk of exactly 1 would mean an endless hazard.
LARGEST_RISK = 1 - 1e-12


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Event (n,) and time in days (n,) of a cohort."""

    event: Bools
    time: Floats

    def of(self, members: Bools | npt.NDArray[np.intp]) -> "Outcomes":
        """Return the outcomes of some of the patients."""
        return Outcomes(self.event[members], self.time[members])

    @property
    def structured(self) -> npt.NDArray[np.void]:
        """Return the structured array that estimators take."""
        y = np.empty(len(self.event), dtype=[("event", np.bool_), ("time", np.float64)])
        y["event"], y["time"] = self.event, self.time
        return y


def harrell_c(marker: Floats, outcomes: Outcomes, weights: Floats) -> Floats:
    """Harrell's C: the share of comparable pairs in which who relapsed first had the higher marker."""
    return _concordance(marker, outcomes, weights, weights)


def uno_c(marker: Floats, outcomes: Outcomes, weights: Floats, until: float) -> Floats:
    """Uno's C up to ``until`` (days): pairs weighted by the inverse squared probability of censoring."""
    early = weights * (outcomes.time < until)
    return _concordance(marker, outcomes, early / uncensored(outcomes, weights) ** 2, weights)


def _concordance(marker: Floats, outcomes: Outcomes, first: Floats, second: Floats) -> Floats:
    """Concordant among comparable pairs; ``first`` weighs who had the event, ``second`` who outlived her."""
    event, time = outcomes.event, outcomes.time
    outlived = (time[:, None] < time) | ((time[:, None] == time) & ~event)
    comparable = (event[:, None] & outlived).astype(np.float64)
    concordant = comparable * ((marker[:, None] > marker) + 0.5 * (marker[:, None] == marker))
    return _bilinear(first, concordant, second) / _bilinear(first, comparable, second)


def dynamic_auc(marker: Floats, outcomes: Outcomes, weights: Floats, at: float) -> Floats:
    """Cumulative/dynamic AUC at ``at`` (days): relapsed by then (IPCW) against free of relapse then."""
    case = outcomes.event & (outcomes.time <= at)
    cases, controls = weights * case / uncensored(outcomes, weights), weights * (outcomes.time > at)
    higher = (marker[:, None] > marker) + 0.5 * (marker[:, None] == marker)
    pairs: Floats = cases.sum(axis=1) * controls.sum(axis=1)
    return _bilinear(cases, higher, controls) / pairs


def brier_score(risk: Floats, outcomes: Outcomes, weights: Floats, at: float) -> Floats:
    """Brier score at ``at`` (days) of the predicted ``risk`` (n,) by then, IPCW."""
    return _brier_scores(risk[:, None], outcomes, weights, np.array([at]))[:, 0]


def integrated_brier_score(risk: Floats, outcomes: Outcomes, weights: Floats, at: Floats) -> Floats:
    """Brier score averaged over ``at`` (k times in days, trapezoids) of ``risk`` (n, k) by each of them."""
    average: Floats = np.trapezoid(_brier_scores(risk, outcomes, weights, at), at, axis=1) / (at[-1] - at[0])
    return average


def _brier_scores(risk: Floats, outcomes: Outcomes, weights: Floats, at: Floats) -> Floats:
    """Brier score of ``risk`` (n, k) at each of ``at`` (k,), shape (samples, k)."""
    had_event = (outcomes.event[:, None] & (outcomes.time[:, None] <= at)) * (1 - risk) ** 2
    free = (outcomes.time[:, None] > at) * risk**2
    cases = (weights / uncensored(outcomes, weights)) @ had_event
    controls = (weights @ free) / _uncensored_at(outcomes, weights, at)
    scores: Floats = (cases + controls) / weights.sum(axis=1, keepdims=True)
    return scores


def calibration_intercept(risk: Floats, outcomes: Outcomes, weights: Floats, at: Floats) -> Floats:
    """Logarithm of observed over expected events up to the last of ``at`` (k times); 0 is right.

    The expected number is the sum of the cumulative hazards that ``risk`` (n, k) means at each patient's own
    time, which makes use of patients who were censored before; between the times it grows evenly.
    """
    hazard = np.hstack([np.zeros((len(risk), 1)), -np.log1p(-np.minimum(risk, LARGEST_RISK))])
    times = np.concatenate([[0.0], at])
    expected = np.array(
        [np.interp(time, times, row) for time, row in zip(outcomes.time, hazard, strict=True)]
    )
    observed = outcomes.event & (outcomes.time <= at[-1])
    intercept: Floats = np.log((weights * observed).sum(axis=1) / (weights * expected).sum(axis=1))
    return intercept


def net_benefit(risk: Floats, outcomes: Outcomes, weights: Floats, at: float, threshold: float) -> Floats:
    """Net benefit at ``at`` (days) of acting on everybody whose ``risk`` (n,) reaches ``threshold``.

    True positives less false positives, each of which counts the odds of the threshold, for each patient.
    """
    flagged = weights * (risk >= threshold)
    share = flagged.sum(axis=1) / weights.sum(axis=1)
    free = survival_at(outcomes, flagged, np.array([at]))[:, 0]
    benefit: Floats = share * ((1 - free) - free * threshold / (1 - threshold))
    return benefit


def roc_curve(marker: Floats, outcomes: Outcomes, at: float) -> tuple[Floats, Floats]:
    """False and true positive rates at ``at`` (days), IPCW, from (0, 0) to (1, 1), each of shape (k,)."""
    everyone = np.ones((1, len(marker)))
    cases = (outcomes.event & (outcomes.time <= at)) / uncensored(outcomes, everyone)[0]
    controls = (outcomes.time > at).astype(np.float64)
    order = np.argsort(-marker, kind="stable")
    last = np.append(np.flatnonzero(np.diff(marker[order])), len(marker) - 1)  # ties move together
    false, true = (np.cumsum(kind[order])[last] / kind.sum() for kind in (controls, cases))
    return np.concatenate([[0.0], false]), np.concatenate([[0.0], true])


def calibration_slope(log_hazard: Floats, outcomes: Outcomes, weights: Floats) -> Floats:
    """Cox coefficient of the log hazard (Breslow's ties): 1 is right, less is too extreme.

    A log hazard that is the same for everybody has none; 0 stands for that.
    """
    order = np.argsort(outcomes.time, kind="stable")
    x, time, w = log_hazard[order] - log_hazard.mean(), outcomes.time[order], weights[:, order]
    first = np.searchsorted(time, time, side="left")
    events = w * outcomes.event[order]
    slope = np.zeros(len(weights))
    for _ in range(NEWTON_STEPS):
        at_risk = w * np.exp(slope[:, None] * x)
        s0, s1, s2 = (_from_here_on(at_risk * x**power)[:, first] for power in range(3))
        # A bootstrap sample may hold nobody from some time on; nobody has an event then either.
        s0 = np.where(s0 > 0, s0, 1.0)
        gradient = (events * (x - s1 / s0)).sum(axis=1)
        information = (events * (s2 / s0 - (s1 / s0) ** 2)).sum(axis=1)
        step = np.divide(gradient, information, out=np.zeros_like(slope), where=information > 0)
        slope = slope + step
        if np.abs(step).max() < TOLERANCE:
            break
    return slope


def observed_expected(risk: Floats, outcomes: Outcomes, weights: Floats, at: float) -> Floats:
    """Kaplan-Meier incidence at ``at`` (days) over the mean predicted risk."""
    observed = 1 - survival_at(outcomes, weights, np.array([at]))[:, 0]
    expected: Floats = (weights * risk).sum(axis=1) / weights.sum(axis=1)
    return observed / expected


def uncensored(outcomes: Outcomes, weights: Floats) -> Floats:
    """Kaplan-Meier probability of being uncensored at each patient's own time, shape (samples, n).

    Where nobody is left it is 0, and 1 is returned instead: only patients outside the sample stand there,
    and they weigh nothing.
    """
    probability = _uncensored_at(outcomes, weights, outcomes.time)
    return np.where(probability > 0, probability, 1.0)


def survival_at(outcomes: Outcomes, weights: Floats, at: Floats) -> Floats:
    """Kaplan-Meier probability of no event by each of ``at`` (days), shape (samples, len(at))."""
    counts = _Counts.of(outcomes, weights)
    return _product_limit(counts.events, counts.at_risk, counts.times, at)


def _uncensored_at(outcomes: Outcomes, weights: Floats, at: Floats) -> Floats:
    # Events precede censorings of the same time: who had the event was not at risk of being censored.
    counts = _Counts.of(outcomes, weights)
    return _product_limit(counts.censored, counts.at_risk - counts.events, counts.times, at)


def cumulative_incidence_curve(outcomes: Outcomes, at: Floats) -> list[tuple[float, float, float, int]]:
    """Kaplan-Meier incidence by each of ``at`` (days) with its log-log 95 % interval, and the number at risk.

    Greenwood's variance; the interval of Kalbfleisch and Prentice (1980), which stays inside 0 to 1.
    """
    everyone = np.ones((1, len(outcomes.time)))
    counts = _Counts.of(outcomes, everyone)
    survival = survival_at(outcomes, everyone, at)[0]
    with np.errstate(divide="ignore"):
        terms = counts.events[0] / (counts.at_risk[0] * (counts.at_risk[0] - counts.events[0]))
    variance = np.concatenate([[0.0], np.cumsum(terms)])[np.searchsorted(counts.times, at, side="right")]
    left = (outcomes.time >= at[:, None]).sum(axis=1)
    return [
        (1 - s, *_interval(s, v, count), count)
        for s, v, count in zip(survival.tolist(), variance.tolist(), left.tolist(), strict=True)
    ]


def _interval(survival: float, variance: float, at_risk: int) -> tuple[float, float]:
    """Interval of the incidence: log-log, or with no event yet the exact bound of those at risk."""
    if survival == 1.0:
        return 0.0, 1 - TAIL ** (1 / max(at_risk, 1))
    if survival == 0.0:
        return 0.0, 1.0
    width = NORMAL_975 * np.sqrt(variance) / np.log(survival)
    return float(1 - survival ** np.exp(width)), float(1 - survival ** np.exp(-width))


@dataclass(frozen=True, slots=True)
class _Counts:
    """At each distinct time (k,): who was at risk, had the event, was censored; (samples, k)."""

    times: Floats
    at_risk: Floats
    events: Floats
    censored: Floats

    @classmethod
    def of(cls, outcomes: Outcomes, weights: Floats) -> "_Counts":
        order = np.argsort(outcomes.time, kind="stable")
        times, first = np.unique(outcomes.time[order], return_index=True)
        ordered, event = weights[:, order], outcomes.event[order]
        return cls(
            times=times,
            at_risk=_from_here_on(ordered)[:, first],
            events=np.add.reduceat(ordered * event, first, axis=1),
            censored=np.add.reduceat(ordered * ~event, first, axis=1),
        )


def _product_limit(leaving: Floats, at_risk: Floats, times: Floats, at: Floats) -> Floats:
    share = np.divide(leaving, at_risk, out=np.zeros_like(leaving), where=at_risk > 0)
    curve = np.cumprod(1 - share, axis=1)
    steps = np.hstack([np.ones((len(curve), 1)), curve])
    survival: Floats = steps[:, np.searchsorted(times, at, side="right")]
    return survival


def _bilinear(rows: Floats, matrix: Floats, columns: Floats) -> Floats:
    """Return ``rows[s] @ matrix @ columns[s]`` for every sample ``s``."""
    form: Floats = ((rows @ matrix) * columns).sum(axis=1)
    return form


def _from_here_on(values: Floats) -> Floats:
    total: Floats = np.cumsum(values[:, ::-1], axis=1)[:, ::-1]
    return total
