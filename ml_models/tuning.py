"""The ridge penalty and the slope of a Cox model, both from inner cross-validation."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml_models.partial_likelihood import RiskSets, fit, log_likelihood

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]

# On standardised columns, heaviest first: each fit starts from the one before.
PENALTIES = tuple(float(penalty) for penalty in np.geomspace(2000.0, 20.0, 8))
FOLDS = 5
REPEATS = 2
# Log likelihoods are compared to the first decimal: the last step from here lands within a millionth.
ROUGH = 1e-3


@dataclass(frozen=True, slots=True)
class Tuned:
    """Ridge penalty and the factor that the coefficients are multiplied by."""

    penalty: float
    slope: float


def stratified_folds(event: Bools, folds: int, random: np.random.Generator) -> Indices:
    """Deal patients into ``folds`` at random, events and censored ones evenly; returns the fold of each."""
    fold = np.empty(len(event), dtype=np.intp)
    for kind in (True, False):
        members = random.permutation(np.flatnonzero(event == kind))
        fold[members] = np.arange(len(members)) % folds
    return fold


def tune(X: Floats, event: Bools, time: Floats, seed: int) -> Tuned:
    """Choose the penalty by cross-validated partial likelihood, then the slope of what it predicts.

    The likelihood left out by a fold is ``l(b_without) - l_without(b_without)`` (Verweij & van Houwelingen,
    *Stat Med* 1993;12:2305-14). The slope is the Cox coefficient of the out-of-fold linear predictor at the
    chosen penalty (van Houwelingen, *Stat Med* 2000;19:3401-15), kept between 0 and 1: it shrinks, it never
    inflates.

    Parameters
    ----------
    X : array of shape (n, p)
        Standardised columns.
    event : array of shape (n,)
    time : array of shape (n,)
    seed : int
        Of the folds.
    """
    random = np.random.default_rng(seed)
    splits = [fold == k for fold in _repeats(event, random) for k in range(FOLDS)]
    paths = np.array([_path(X[~out], event[~out], time[~out]) for out in splits])
    best = int(np.argmax(_left_out_likelihood(paths, splits, X, event, time)))
    return Tuned(PENALTIES[best], _slope(paths[:, best], splits, X, event, time))


def _repeats(event: Bools, random: np.random.Generator) -> Iterator[Indices]:
    return (stratified_folds(event, FOLDS, random) for _ in range(REPEATS))


def _path(X: Floats, event: Bools, time: Floats) -> Floats:
    """Coefficients along ``PENALTIES``, shape (penalties, p)."""
    sets = RiskSets.of(X, event, time)
    coefs: list[Floats] = []
    for penalty in PENALTIES:
        coefs.append(fit(sets, penalty, coefs[-1] if coefs else None, ROUGH))
    return np.array(coefs)


def _left_out_likelihood(paths: Floats, splits: list[Bools], X: Floats, event: Bools, time: Floats) -> Floats:
    """Cross-validated log partial likelihood of each penalty, shape (penalties,)."""
    everyone = RiskSets.of(X, event, time)
    total = np.zeros(len(PENALTIES))
    for path, out in zip(paths, splits, strict=True):
        kept = RiskSets.of(X[~out], event[~out], time[~out])
        for index, coef in enumerate(path):
            total[index] += log_likelihood(everyone, coef) - log_likelihood(kept, coef)
    return total


def _slope(coefs: Floats, splits: list[Bools], X: Floats, event: Bools, time: Floats) -> float:
    """Cox coefficient of the out-of-fold linear predictor, averaged over the repeats."""
    predictor = np.zeros(len(X))
    for coef, out in zip(coefs, splits, strict=True):
        predictor[out] += X[out] @ coef / REPEATS
    sets = RiskSets.of(predictor[:, None], event, time)
    # A penalty this small only keeps a constant predictor from dividing by zero.
    return float(np.clip(fit(sets, 1e-9)[0], 0.0, 1.0))
