"""Estimators of the model. Pickles point here, so this import path never moves."""

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted, validate_data

from ml_models import imputation
from ml_models.partial_likelihood import RiskSets, baseline_hazard, fit
from ml_models.posterior import draw
from ml_models.scores import Scores, cumulative_incidence, percentile_interval, with_missing_genes
from ml_models.tuning import tune

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

DAYS_A_YEAR = 365.25
HORIZONS = tuple(range(1, 11))
HORIZON_DAYS = np.array(HORIZONS) * DAYS_A_YEAR


def outcome(y: npt.NDArray[np.void], patients: int) -> tuple[Bools, Floats]:
    """Take a survival outcome apart into events and times.

    Parameters
    ----------
    y : structured array of shape (n,)
        Two fields, a boolean event and a time, as scikit-survival has them.
    patients : int
        How many there must be.

    Raises
    ------
    ValueError
        If ``y`` is anything else, a time is negative or not finite, or nobody has an event.
    """
    names = getattr(getattr(y, "dtype", None), "names", None)
    if names is None or len(names) != 2 or y.dtype[0] != np.bool_:  # noqa: PLR2004 - event and time
        raise ValueError("y must be a structured array of a boolean event and a time")
    if y.shape != (patients,):
        raise ValueError(f"y has shape {y.shape}, expected ({patients},)")
    event, time = y[names[0]], y[names[1]].astype(np.float64)
    if not (np.isfinite(time).all() and (time >= 0).all()):
        raise ValueError("times must be finite and not negative")
    if not event.any():
        raise ValueError("nobody in y has an event")
    return event, time


class RidgeCox(BaseEstimator):  # type: ignore[misc]
    """Cox's proportional hazards with a ridge penalty, Breslow's ties and Breslow's baseline.

    Minimises ``-l(b) + alpha / 2 * |b|^2`` with the summed log partial likelihood ``l``: the same ``alpha``
    as scikit-survival's ``CoxPHSurvivalAnalysis(alpha, ties="breslow")``.

    Parameters
    ----------
    alpha : float, default=1.0
        Ridge penalty, at least 0.
    slope : float, default=1.0
        The coefficients are multiplied by it after fitting, and the baseline is taken with the product:
        below 1 it corrects predictions that cross-validation found too extreme.

    Attributes
    ----------
    coef_ : array of shape (n_features_in_,)
    mean_ : array of shape (n_features_in_,)
        Training means; the baseline is that of a patient at them.
    event_times_ : array of shape (k,)
        Distinct times of an event, in the unit of the times given to ``fit``.
    cumulative_hazard_ : array of shape (k,)
        Baseline cumulative hazard at ``event_times_``.
    """

    coef_: Floats
    mean_: Floats
    event_times_: Floats
    cumulative_hazard_: Floats

    def __init__(self, alpha: float = 1.0, slope: float = 1.0) -> None:
        self.alpha = alpha
        self.slope = slope

    def fit(self, X: Floats, y: npt.NDArray[np.void]) -> Self:
        """Fit to ``X`` of shape (n, p) and the structured outcome ``y`` of shape (n,).

        Raises
        ------
        ValueError
            For a negative penalty or a malformed ``X`` or ``y``.
        ml_models.partial_likelihood.NotConvergedError
        """
        if not self.alpha >= 0:
            raise ValueError(f"alpha must be at least 0, not {self.alpha}")
        X = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        event, time = outcome(y, len(X))
        self.mean_ = X.mean(axis=0)
        sets = RiskSets.of(X - self.mean_, event, time)
        self.coef_ = self.slope * fit(sets, self.alpha)
        self.event_times_ = sets.times
        self.cumulative_hazard_ = baseline_hazard(sets, sets.X @ self.coef_)
        return self

    def contributions(self, X: Floats) -> Floats:
        """Return the part of each column in the log hazard, shape (n, p)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        parts: Floats = (X - self.mean_) * self.coef_
        return parts

    def predict(self, X: Floats) -> Floats:
        """Return the log hazard ratio against a patient at the training mean, shape (n,).

        The bits of a row do not depend on the rows beside it, which ``X @ coef`` would not promise.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        eta: Floats = np.einsum("ij,j->i", X - self.mean_, self.coef_)
        return eta

    def baseline_at(self, times: Floats) -> Floats:
        """Return the baseline cumulative hazard at ``times``, shape of ``times``; a step function."""
        check_is_fitted(self)
        return _step_function(self.event_times_, self.cumulative_hazard_, times)


class ConditionalMeanImputer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Fill missing values with their Gaussian expectation given the observed ones of the same row.

    Attributes
    ----------
    mean_, scale_ : arrays of shape (n_features_in_,)
        Training means and standard deviations (n in the denominator).
    correlation_ : array of shape (n_features_in_, n_features_in_)

    See Also
    --------
    ml_models.imputation : the method and its source.
    """

    mean_: Floats
    scale_: Floats
    correlation_: Floats

    def fit(self, X: Floats, y: object = None) -> Self:  # noqa: ARG002 - scikit-learn's signature
        """Learn mean and correlation from complete rows ``X`` of shape (n, p)."""
        X = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        self.mean_ = X.mean(axis=0)
        scale = X.std(axis=0)
        # A constant column has no correlation and fills with its constant.
        self.scale_ = np.where(scale > 0, scale, 1.0)
        z = (X - self.mean_) / self.scale_
        # Three decimals are finer than a thousand patients can tell, and keep the manifest small.
        self.correlation_ = np.round(z.T @ z / len(X), 3)
        np.fill_diagonal(self.correlation_, 1.0)
        return self

    def transform(self, X: Floats) -> Floats:
        """Return a copy of ``X`` (n, p) without NaN."""
        check_is_fitted(self)
        X = validate_data(
            self, X, dtype=np.float64, ensure_all_finite="allow-nan", ensure_min_samples=0, reset=False
        )
        return imputation.complete(X, self.mean_, self.scale_, self.correlation_)

    def unexplained_sd(self, X: Floats, coef: Floats) -> Floats:
        """Return what the missing genes of ``X`` leave uncertain in scores of ``coef``, shape (n, scores)."""
        return imputation.unexplained_sd(X, coef, self.scale_, self.correlation_)

    def __sklearn_tags__(self) -> Any:
        """Declare that NaN is what this transformer is for."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class Replicates(BaseEstimator):  # type: ignore[misc]
    """Draws of what a pipeline might have been, as likely as the data leave it, per unit of its columns.

    Attributes
    ----------
    coef_ : array of shape (replicates, p)
        Log hazard per unit of each column.
    cumulative_hazard_ : array of shape (replicates, horizons)
        Baseline cumulative hazard at the training mean.

    See Also
    --------
    ml_models.posterior : the method and its sources.
    """

    coef_: Floats
    cumulative_hazard_: Floats

    def __init__(self, count: int = 200, seed: int = 0) -> None:
        self.count = count
        self.seed = seed

    def fit(self, X: Floats, y: npt.NDArray[np.void]) -> Self:
        """Draw; the penalty and the slope that tuning chose are not taken as known.

        Parameters are those of :meth:`RidgeCox.fit`, before scaling.
        """
        event, time = outcome(y, len(X))
        scaler = StandardScaler().fit(X)
        sets = RiskSets.of(scaler.transform(X), event, time)
        draws = draw(sets, self.count, self.seed)
        self.coef_ = draws.coef / scaler.scale_
        hazards = np.cumsum(draws.jumps, axis=1)
        self.cumulative_hazard_ = np.array([_step_function(sets.times, row, HORIZON_DAYS) for row in hazards])
        return self

    def log_hazards(self, X: Floats, centre: Floats) -> Floats:
        """Return the log hazard of every row in every replicate, shape (n, replicates)."""
        # One small product for each row: the bits of a row do not depend on how many there are.
        product: Floats = np.matmul((X - centre)[:, None, :], self.coef_.T)[:, 0, :]
        return product


def _step_function(times: Floats, hazard: Floats, at: Floats) -> Floats:
    steps = np.concatenate([[0.0], hazard])
    value: Floats = steps[np.searchsorted(times, at, side="right")]
    return value


class DistantMetastasisRisk(BaseEstimator):  # type: ignore[misc]
    """Risk of distant metastasis from a panel and an optional age.

    Two pipelines (scaling, then :class:`RidgeCox`): one on the genes alone, one on the genes and a
    penalised age. A patient whose age is unknown is scored by the first; an age is never imputed. A cohort
    without ages has the first alone, and it scores everybody. Missing genes are completed before, from the
    other genes only, so both pipelines see the same panel.

    Parameters
    ----------
    replicates : int, default=200
        Draws behind the intervals.
    seed : int, default=0
        Of the folds that tune and of the draws.

    Attributes
    ----------
    imputer_ : ConditionalMeanImputer
    without_age_, with_age_ : Pipeline
        ``with_age_`` is None, as ``replicates_with_age_``, when no age was known in training.
    replicates_without_age_, replicates_with_age_ : Replicates
    """

    imputer_: ConditionalMeanImputer
    without_age_: Pipeline
    with_age_: Pipeline | None
    replicates_without_age_: Replicates
    replicates_with_age_: Replicates | None

    def __init__(self, replicates: int = 200, seed: int = 0) -> None:
        self.replicates = replicates
        self.seed = seed

    def fit(self, values: Floats, age: Floats, y: npt.NDArray[np.void]) -> Self:
        """Tune and fit.

        Parameters
        ----------
        values : array of shape (n, genes)
            On a log2 scale, complete.
        age : array of shape (n,)
            Years, complete, or NaN for everybody.
        y : structured array of shape (n,)
            Event (distant metastasis) and time in days.

        Raises
        ------
        ValueError
            When the age of some is known and of others not.
        """
        self.imputer_ = ConditionalMeanImputer().fit(values)
        self.without_age_ = self._pipeline(values, y)
        self.replicates_without_age_ = self._replicates(values, y)
        self.with_age_, self.replicates_with_age_ = None, None
        if not np.isnan(age).all():
            aged = np.column_stack([values, age])
            self.with_age_ = self._pipeline(aged, y)
            self.replicates_with_age_ = self._replicates(aged, y)
        return self

    def predict(self, values: Floats, age: Floats) -> tuple[Floats, Floats]:
        """Return log hazard (n,) and risk (n, 10) without intervals; parameters as for :meth:`score`."""
        log_hazard, risk = np.empty(len(age)), np.empty((len(age), len(HORIZONS)))
        for rows, X, pipeline, _ in self._fits(values, age):
            log_hazard[rows] = pipeline.predict(X)
            risk[rows] = cumulative_incidence(
                log_hazard[rows, None], pipeline["cox"].baseline_at(HORIZON_DAYS)
            )
        return log_hazard, risk

    def score(self, values: Floats, age: Floats) -> Scores:
        """Score patients.

        Parameters
        ----------
        values : array of shape (n, genes)
            In unit and order of training, NaN where a gene is missing.
        age : array of shape (n,)
            Years, NaN where unknown.
        """
        log_hazard, risk = self.predict(values, age)
        lower, upper = np.empty_like(risk), np.empty_like(risk)
        contributions = np.zeros((len(age), values.shape[1] + 1))
        for rows, X, pipeline, replicates in self._fits(values, age):
            contributions[rows, : X.shape[1]] = pipeline["cox"].contributions(pipeline["scale"].transform(X))
            log_hazards = replicates.log_hazards(X, pipeline["scale"].mean_)
            genes = values.shape[1]
            spread = self.imputer_.unexplained_sd(values[rows], replicates.coef_[:, :genes])
            lower[rows], upper[rows] = percentile_interval(
                with_missing_genes(log_hazards, spread), replicates.cumulative_hazard_
            )
        return Scores(log_hazard, risk, lower, upper, contributions)

    def _fits(self, values: Floats, age: Floats) -> Iterator[tuple[Bools, Floats, Pipeline, Replicates]]:
        """Share patients out between the two fits: which rows, their columns, and what to score them with."""
        check_is_fitted(self)
        completed = self.imputer_.transform(values)
        if self.with_age_ is None or self.replicates_with_age_ is None:
            yield np.ones(len(age), np.bool_), completed, self.without_age_, self.replicates_without_age_
            return
        known = ~np.isnan(age)
        if not known.all():
            yield ~known, completed[~known], self.without_age_, self.replicates_without_age_
        if known.any():
            aged = np.column_stack([completed, age])[known]
            yield known, aged, self.with_age_, self.replicates_with_age_

    def _pipeline(self, X: Floats, y: npt.NDArray[np.void]) -> Pipeline:
        event, time = outcome(y, len(X))
        tuned = tune(StandardScaler().fit_transform(X), event, time, self.seed)
        cox = RidgeCox(alpha=tuned.penalty, slope=tuned.slope)
        return Pipeline([("scale", StandardScaler()), ("cox", cox)]).fit(X, y)

    def _replicates(self, X: Floats, y: npt.NDArray[np.void]) -> Replicates:
        return Replicates(self.replicates, self.seed).fit(X, y)
