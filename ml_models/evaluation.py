"""How well the procedure predicts: nested cross-validation, with patient-bootstrap intervals."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ml_models.estimators import DAYS_A_YEAR, HORIZON_DAYS, HORIZONS, DistantMetastasisRisk
from ml_models.manifest import Category, Estimate, Figures, Incidence
from ml_models.measures import (
    Outcomes,
    brier_score,
    calibration_slope,
    cumulative_incidence_curve,
    dynamic_auc,
    harrell_c,
    observed_expected,
    survival_at,
    uno_c,
)
from ml_models.tuning import stratified_folds

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

FIVE_YEARS = HORIZONS.index(5)
TEN_YEARS = HORIZONS.index(10)


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Predictions for patients by models that did not see them.

    ``log_hazard`` (n,), ``risk`` (n, horizons), and ``reference`` (n, horizons): the Kaplan-Meier incidence
    of the training folds, the prediction without any marker.
    """

    log_hazard: Floats
    risk: Floats
    reference: Floats


@dataclass(frozen=True, slots=True)
class CrossValidated:
    """Out-of-fold predictions of each repeat, by the fit without age and by the one with it."""

    without_age: tuple[OutOfFold, ...]
    with_age: tuple[OutOfFold, ...]


def cross_validate(
    values: Floats, age: Floats, outcomes: Outcomes, seed: int, *, folds: int = 5, repeats: int = 3
) -> CrossValidated:
    """Fit the whole procedure, tuning included, without each fold in turn, and predict that fold.

    Parameters
    ----------
    values : array of shape (n, genes)
    age : array of shape (n,)
    outcomes : Outcomes
    seed : int
        Of the folds, which are stratified on the event.
    """
    random = np.random.default_rng(seed)
    without: list[OutOfFold] = []
    aged: list[OutOfFold] = []
    for _ in range(repeats):
        fold = stratified_folds(outcomes.event, folds, random)
        both = _predicted(values, age, outcomes, fold, seed)
        without.append(both[0])
        aged.append(both[1])
    return CrossValidated(tuple(without), tuple(aged))


def _predicted(
    values: Floats, age: Floats, outcomes: Outcomes, fold: npt.NDArray[np.intp], seed: int
) -> tuple[OutOfFold, OutOfFold]:
    patients, horizons = len(age), len(HORIZONS)
    empty = [
        OutOfFold(np.empty(patients), np.empty((patients, horizons)), np.empty((patients, horizons)))
        for _ in range(2)
    ]
    for out in (fold == k for k in range(fold.max() + 1)):
        kept = Outcomes(outcomes.event[~out], outcomes.time[~out])
        model = DistantMetastasisRisk(replicates=0, seed=seed).fit(values[~out], age[~out], kept.structured)
        reference = 1 - survival_at(kept, np.ones((1, len(kept.time))), HORIZON_DAYS)[0]
        for predicted, known_age in zip(empty, (np.full(patients, np.nan), age), strict=True):
            log_hazard, risk = model.predict(values[out], known_age[out])
            predicted.log_hazard[out], predicted.risk[out] = log_hazard, risk
            predicted.reference[out] = reference
    return empty[0], empty[1]


def bootstrap_weights(patients: int, samples: int, seed: int) -> Floats:
    """Return how often each patient is in each sample, shape (1 + samples, n); first the cohort."""
    random = np.random.default_rng(seed)
    drawn = random.multinomial(patients, np.full(patients, 1 / patients), size=samples)
    return np.vstack([np.ones(patients), drawn.astype(np.float64)])


def figures(predictions: tuple[OutOfFold, ...], outcomes: Outcomes, weights: Floats) -> Figures:
    """Return every figure with its interval; a figure is the mean over the repeats."""
    repeats = [_measures(prediction, outcomes, weights) for prediction in predictions]
    return Figures(
        **{name: estimate(np.mean([repeat[name] for repeat in repeats], axis=0)) for name in repeats[0]}
    )


def _measures(prediction: OutOfFold, outcomes: Outcomes, weights: Floats) -> dict[str, Floats]:
    years_5, years_10 = 5 * DAYS_A_YEAR, 10 * DAYS_A_YEAR
    risk, reference = prediction.risk[:, FIVE_YEARS], prediction.reference[:, FIVE_YEARS]
    model_brier = brier_score(risk, outcomes, weights, years_5)
    return {
        "c_index_harrell": harrell_c(prediction.log_hazard, outcomes, weights),
        "c_index_uno": uno_c(prediction.log_hazard, outcomes, weights, years_10),
        "auc_5y": dynamic_auc(risk, outcomes, weights, years_5),
        "auc_10y": dynamic_auc(prediction.risk[:, TEN_YEARS], outcomes, weights, years_10),
        "brier_gain_5y": 1 - model_brier / brier_score(reference, outcomes, weights, years_5),
        "calibration_slope": calibration_slope(prediction.log_hazard, outcomes, weights),
        "observed_expected_5y": observed_expected(risk, outcomes, weights, years_5),
    }


def estimate(samples: Floats) -> Estimate:
    """Return the cohort's value (first) with the 2.5th and 97.5th percentile of the bootstrap samples."""
    lower, upper = np.quantile(samples[1:], [0.025, 0.975])
    return Estimate(value=float(samples[0]), lower=float(lower), upper=float(upper))


def observed_incidence(outcomes: Outcomes) -> tuple[Incidence, ...]:
    """Return what happened in a cohort by each year: the baseline beside every risk."""
    curve = cumulative_incidence_curve(outcomes, HORIZON_DAYS)
    return tuple(
        Incidence(year=year, incidence=incidence, lower=lower, upper=upper, at_risk=at_risk)
        for year, (incidence, lower, upper, at_risk) in zip(HORIZONS, curve, strict=True)
    )


def categories(
    predictions: tuple[OutOfFold, ...], outcomes: Outcomes, cut_points: tuple[float, ...]
) -> tuple[Category, ...]:
    """Return the bands of 5-year risk between ``cut_points``, each with what happened there."""
    risk = np.mean([prediction.risk[:, FIVE_YEARS] for prediction in predictions], axis=0)
    edges = (0.0, *cut_points, 1.0)
    return tuple(
        _category(lower, upper, (risk >= lower) & (risk < upper), outcomes)
        for lower, upper in pairwise(edges)
    )


def _category(minimum: float, maximum: float, members: Bools, outcomes: Outcomes) -> Category:
    inside = Outcomes(outcomes.event[members], outcomes.time[members])
    return Category(
        minimum=minimum,
        maximum=maximum,
        patients=int(members.sum()),
        share=float(members.mean()),
        observed_5y=_observed_5y(inside) if members.any() else None,
    )


def _observed_5y(outcomes: Outcomes) -> Estimate:
    ((incidence, lower, upper, _),) = cumulative_incidence_curve(outcomes, np.array([5 * DAYS_A_YEAR]))
    return Estimate(value=incidence, lower=lower, upper=upper)
