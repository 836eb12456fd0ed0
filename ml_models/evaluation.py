"""How well the procedure predicts: nested cross-validation, with patient-bootstrap intervals."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ml_models.estimators import DAYS_A_YEAR, HORIZON_DAYS, HORIZONS, DistantMetastasisRisk
from ml_models.manifest import (
    CalibrationPoint,
    Category,
    CategoryCurve,
    Estimate,
    Evaluation,
    Figures,
    Incidence,
    NetBenefit,
    RocPoint,
    Subgroup,
)
from ml_models.measures import (
    Outcomes,
    brier_score,
    calibration_intercept,
    calibration_slope,
    cumulative_incidence_curve,
    dynamic_auc,
    harrell_c,
    integrated_brier_score,
    net_benefit,
    observed_expected,
    roc_curve,
    survival_at,
    uno_c,
)
from ml_models.tuning import stratified_folds

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

FIVE_YEARS = HORIZONS.index(5)
TEN_YEARS = HORIZONS.index(10)
CALIBRATION_GROUPS = 5
# A point for every patient of a large cohort would show no more, and fill the manifest.
MOST_ROC_POINTS = 200
THRESHOLDS = tuple(percent / 100 for percent in range(2, 42, 2))
# Fewer events than this say nothing about a subgroup (TRIPOD+AI asks for fairness, not for noise).
FEWEST_EVENTS = 5


@dataclass(frozen=True, slots=True)
class Unseen:
    """Predictions for patients by models that did not see them, out of fold or from elsewhere.

    ``log_hazard`` (n,), ``risk`` (n, horizons), and ``reference`` (n, horizons): the Kaplan-Meier incidence
    of the training folds (elsewhere of the cohort itself), the prediction without any marker.
    """

    log_hazard: Floats
    risk: Floats
    reference: Floats


@dataclass(frozen=True, slots=True)
class CrossValidated:
    """Out-of-fold predictions of each repeat, by the fit without age and by the one with it."""

    without_age: tuple[Unseen, ...]
    with_age: tuple[Unseen, ...]


def cross_validate(
    values: Floats, age: Floats, outcomes: Outcomes, seed: int, *, folds: int = 5, repeats: int = 3
) -> CrossValidated:
    """Fit the whole procedure, tuning included, without each fold in turn, and predict that fold.

    Parameters
    ----------
    values : array of shape (n, genes)
    age : array of shape (n,)
        NaN for everybody where it is unknown: the two fits then are one.
    outcomes : Outcomes
    seed : int
        Of the folds, which are stratified on the event.
    """
    random = np.random.default_rng(seed)
    without: list[Unseen] = []
    aged: list[Unseen] = []
    for _ in range(repeats):
        fold = stratified_folds(outcomes.event, folds, random)
        both = _predicted(values, age, outcomes, fold, seed)
        without.append(both[0])
        aged.append(both[1])
    return CrossValidated(tuple(without), tuple(aged))


def _predicted(
    values: Floats, age: Floats, outcomes: Outcomes, fold: npt.NDArray[np.intp], seed: int
) -> tuple[Unseen, Unseen]:
    patients, horizons = len(age), len(HORIZONS)
    empty = [
        Unseen(np.empty(patients), np.empty((patients, horizons)), np.empty((patients, horizons)))
        for _ in range(2)
    ]
    for out in (fold == k for k in range(fold.max() + 1)):
        kept = outcomes.of(~out)
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


def figures(predictions: tuple[Unseen, ...], outcomes: Outcomes, weights: Floats) -> Figures:
    """Return every figure with its interval; a figure is the mean over the repeats."""
    measured = mean_measures(predictions, outcomes, weights)
    return Figures(**{name: estimate(samples) for name, samples in measured.items()})


def mean_measures(predictions: tuple[Unseen, ...], outcomes: Outcomes, weights: Floats) -> dict[str, Floats]:
    """Return every measure in every bootstrap sample, shape (samples,), averaged over the repeats."""
    repeats = [measure(prediction, outcomes, weights) for prediction in predictions]
    return {name: np.mean([repeat[name] for repeat in repeats], axis=0) for name in repeats[0]}


def measure(prediction: Unseen, outcomes: Outcomes, weights: Floats, years: int = 10) -> dict[str, Floats]:
    """Return every measure that ``years`` of follow-up allow in every bootstrap sample, shape (samples,)."""
    # Of samples without an event, and of risks in a wrong unit.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        by_then = [
            _measure_at(horizon, prediction, outcomes, weights) for horizon in (5, 10) if horizon <= years
        ]
        whole = _measure_over(years, prediction, outcomes, weights)
    return {name: samples for measures in (whole, *by_then) for name, samples in measures.items()}


def _measure_over(years: int, prediction: Unseen, outcomes: Outcomes, weights: Floats) -> dict[str, Floats]:
    return {
        "c_index_harrell": harrell_c(prediction.log_hazard, outcomes, weights),
        "c_index_uno": uno_c(prediction.log_hazard, outcomes, weights, years * DAYS_A_YEAR),
        "ibs_gain": _gain(
            prediction,
            lambda risk: integrated_brier_score(risk[:, :years], outcomes, weights, HORIZON_DAYS[:years]),
        ),
        "calibration_slope": calibration_slope(prediction.log_hazard, outcomes, weights),
    }


def _measure_at(years: int, prediction: Unseen, outcomes: Outcomes, weights: Floats) -> dict[str, Floats]:
    at, index = years * DAYS_A_YEAR, HORIZONS.index(years)
    risk, until = prediction.risk[:, index], slice(index + 1)
    measures = {
        "auc": dynamic_auc(risk, outcomes, weights, at),
        "brier_gain": _gain(prediction, lambda risk: brier_score(risk[:, index], outcomes, weights, at)),
        "observed_expected": observed_expected(risk, outcomes, weights, at),
        "calibration_intercept": calibration_intercept(
            prediction.risk[:, until], outcomes, weights, HORIZON_DAYS[until]
        ),
    }
    return {f"{name}_{years}y": samples for name, samples in measures.items()}


def _gain(prediction: Unseen, score: Callable[[Floats], Floats]) -> Floats:
    return 1 - score(prediction.risk) / score(prediction.reference)


def evaluate(
    predictions: tuple[Unseen, ...],
    outcomes: Outcomes,
    weights: Floats,
    cut_points: tuple[float, ...],
    subgroups: Mapping[str, Bools],
) -> Evaluation:
    """Return what plots and tables are drawn from; predictions are averaged over the repeats.

    Parameters
    ----------
    subgroups : mapping of name to array of shape (n,)
        Who belongs to each.
    """
    mean = _mean(predictions)
    risk = mean.risk
    return Evaluation(
        calibration_5y=tuple(calibration_points(risk[:, FIVE_YEARS], outcomes)),
        roc_5y=_roc(risk[:, FIVE_YEARS], outcomes, 5 * DAYS_A_YEAR),
        roc_10y=_roc(risk[:, TEN_YEARS], outcomes, 10 * DAYS_A_YEAR),
        decision_5y=tuple(_net_benefit(risk[:, FIVE_YEARS], outcomes, weights, at) for at in THRESHOLDS),
        category_curves=tuple(_category_curves(risk[:, FIVE_YEARS], outcomes, cut_points)),
        subgroups=tuple(
            subgroup(name, members, mean, outcomes, weights) for name, members in subgroups.items()
        ),
    )


def _mean(predictions: tuple[Unseen, ...]) -> Unseen:
    log_hazard, risk, reference = (
        np.mean([getattr(prediction, field) for prediction in predictions], axis=0)
        for field in ("log_hazard", "risk", "reference")
    )
    return Unseen(log_hazard, risk, reference)


def calibration_points(risk: Floats, outcomes: Outcomes) -> Iterator[CalibrationPoint]:
    """Return five groups of like ``risk`` (n,) at 5 years, with what happened in each."""
    for members in np.array_split(np.argsort(risk, kind="stable"), CALIBRATION_GROUPS):
        yield CalibrationPoint(
            patients=len(members),
            predicted=float(risk[members].mean()),
            observed=_observed_5y(outcomes.of(members)),
        )


def _roc(risk: Floats, outcomes: Outcomes, at: float) -> tuple[RocPoint, ...]:
    rates = np.minimum(roc_curve(risk, outcomes, at), 1)
    shown = np.unique(np.linspace(0, rates.shape[1] - 1, MOST_ROC_POINTS).astype(np.intp))
    return tuple(
        RocPoint(false_positive=false, true_positive=true) for false, true in rates.T[shown].tolist()
    )


def _net_benefit(risk: Floats, outcomes: Outcomes, weights: Floats, threshold: float) -> NetBenefit:
    model, everybody = (
        net_benefit(acted, outcomes, weights, 5 * DAYS_A_YEAR, threshold)
        for acted in (risk, np.ones(len(risk)))
    )
    return NetBenefit(
        threshold=threshold,
        model=estimate(model),
        everybody=estimate(everybody),
        advantage=estimate(model - np.maximum(everybody, 0)),
    )


def _category_curves(
    risk: Floats, outcomes: Outcomes, cut_points: tuple[float, ...]
) -> Iterator[CategoryCurve]:
    for minimum, maximum, members in _bands(risk, cut_points):
        if members.any():
            observed = observed_incidence(outcomes.of(members))
            yield CategoryCurve(minimum=minimum, maximum=maximum, observed=observed)


def subgroup(
    name: str, members: Bools, prediction: Unseen, outcomes: Outcomes, weights: Floats, years: int = 10
) -> Subgroup:
    """Return the figures of a part of a cohort that was followed for ``years``."""
    risk = prediction.risk[members, FIVE_YEARS]
    inside, events = outcomes.of(members), int(outcomes.event[members].sum())
    enough, w = events >= FEWEST_EVENTS, weights[:, members]
    with np.errstate(invalid="ignore"):  # of samples without an event in the subgroup
        concordance = harrell_c(prediction.log_hazard[members], inside, w) if enough else None
        ratio = observed_expected(risk, inside, w, 5 * DAYS_A_YEAR) if enough and years > FIVE_YEARS else None
    return Subgroup(
        name=name,
        patients=int(members.sum()),
        distant_metastases=events,
        c_index_harrell=None if concordance is None else estimate(concordance),
        observed_expected_5y=None if ratio is None else estimate(ratio),
    )


def estimate(samples: Floats) -> Estimate:
    """Return the cohort's value (first) with the 2.5th and 97.5th percentile of the bootstrap samples.

    A sample in which the figure is undefined, because nobody had an event in it, gives none.
    """
    resampled = samples[1:]
    lower, upper = np.quantile(resampled[np.isfinite(resampled)], [0.025, 0.975])
    return Estimate(value=float(samples[0]), lower=float(lower), upper=float(upper))


def observed_incidence(outcomes: Outcomes) -> tuple[Incidence, ...]:
    """Return what happened in a cohort by each year: the baseline beside every risk."""
    curve = cumulative_incidence_curve(outcomes, HORIZON_DAYS)
    return tuple(
        Incidence(year=year, incidence=incidence, lower=lower, upper=upper, at_risk=at_risk)
        for year, (incidence, lower, upper, at_risk) in zip(HORIZONS, curve, strict=True)
    )


def categories(
    predictions: tuple[Unseen, ...], outcomes: Outcomes, cut_points: tuple[float, ...]
) -> tuple[Category, ...]:
    """Return the bands of 5-year risk between ``cut_points``, each with what happened there."""
    risk = np.mean([prediction.risk[:, FIVE_YEARS] for prediction in predictions], axis=0)
    return tuple(
        _category(minimum, maximum, members, outcomes)
        for minimum, maximum, members in _bands(risk, cut_points)
    )


def _bands(risk: Floats, cut_points: tuple[float, ...]) -> Iterator[tuple[float, float, Bools]]:
    """Bounds and members of each band of ``risk`` between ``cut_points``."""
    for lower, upper in pairwise((0.0, *cut_points, 1.0)):
        yield lower, upper, (risk >= lower) & (risk < upper)


def _category(minimum: float, maximum: float, members: Bools, outcomes: Outcomes) -> Category:
    return Category(
        minimum=minimum,
        maximum=maximum,
        patients=int(members.sum()),
        share=float(members.mean()),
        observed_5y=_observed_5y(outcomes.of(members)) if members.any() else None,
    )


def _observed_5y(outcomes: Outcomes) -> Estimate:
    ((incidence, lower, upper, _),) = cumulative_incidence_curve(outcomes, np.array([5 * DAYS_A_YEAR]))
    return Estimate(value=incidence, lower=lower, upper=upper)
