"""Estimators that the released one is compared with. For training only: nothing here is ever released.

Each has ``fit(patients, seed)`` and ``predict(values, age)``, which returns the log hazard (n,) and the risk
by each year (n, 10), as :meth:`ml_models.estimators.DistantMetastasisRisk.predict` does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self

import numpy as np
import numpy.typing as npt
from scipy.stats import norm, rankdata
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.preprocessing import StandardScaler
from sksurv.ensemble import GradientBoostingSurvivalAnalysis, RandomSurvivalForest
from sksurv.linear_model import CoxnetSurvivalAnalysis

from ml_models.estimators import DAYS_A_YEAR, HORIZON_DAYS, DistantMetastasisRisk
from ml_models.measures import Outcomes, uncensored
from ml_models.partial_likelihood import RiskSets, baseline_hazard, fit, log_likelihood
from ml_models.scores import cumulative_incidence
from ml_models.tuning import ROUGH, stratified_folds

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Predicted = tuple[Floats, Floats]
Transform = Callable[[Floats], Floats]
Need = Literal["age", "receptor", "signs"]

PENALTIES = tuple(float(penalty) for penalty in np.geomspace(3000.0, 10.0, 10))
INNER_FOLDS = 5
INNER_REPEATS = 2
TREES = 200
LEAF = 8
# Weak enough to follow the receptor, strong enough not to separate it perfectly.
RECEPTOR_PENALTY = 0.01
# Keeps the logarithm of a hazard of 0 finite.
SMALLEST_HAZARD = 1e-9


@dataclass(frozen=True, slots=True)
class Patients:
    """Patients to fit to.

    ``values`` (n, genes), ``age`` (n,), outcomes, ``receptor`` (n,) whether the oestrogen receptor was
    positive (used in fitting only), and the published ``signs`` (genes,) of the panel's genes.
    """

    values: Floats
    age: Floats
    outcomes: Outcomes
    receptor: Bools
    signs: Floats

    def of(self, members: Bools) -> "Patients":
        """Return some of the patients."""
        return Patients(
            self.values[members],
            self.age[members],
            self.outcomes.of(members),
            self.receptor[members],
            self.signs,
        )


class Challenger(Protocol):
    """What every estimator of the comparison can do."""

    def fit(self, patients: Patients, seed: int) -> Self:
        """Fit, all tuning included."""

    def predict(self, values: Floats, age: Floats) -> Predicted:
        """Return log hazard (n,) and risk (n, 10)."""


FeatureMap = Callable[[Patients], Transform]


def standardised(patients: Patients) -> Transform:
    """Each gene less its mean, over its standard deviation."""
    scaler = StandardScaler().fit(patients.values)
    return lambda values: np.asarray(scaler.transform(values))


def ranked(patients: Patients) -> Transform:
    """Normal scores of the genes' ranks within each sample, standardised: blind to the values' scale."""
    scaler = StandardScaler().fit(normal_scores(patients.values))
    return lambda values: np.asarray(scaler.transform(normal_scores(values)))


def normal_scores(values: Floats) -> Floats:
    """Return the normal score of each value's rank in its row; ties share their average."""
    scores: Floats = norm.ppf((rankdata(values, axis=1) - 0.5) / values.shape[1])
    return scores


def published_signs(patients: Patients) -> Transform:
    """The mean of the genes, each with its published sign: nothing is learned but the one scale."""
    scale = standardised(patients)
    return lambda values: scale(values) @ patients.signs[:, None] / len(patients.signs)


def modules(power: float) -> FeatureMap:
    """Principal components, each scaled by a power of its spread: correlated genes share one effect."""

    def fitted(patients: Patients) -> Transform:
        scale = standardised(patients)
        _, spread, axes = np.linalg.svd(scale(patients.values), full_matrices=False)
        weight = (spread / spread[0]) ** power
        weight /= np.sqrt((weight**2 * spread**2).sum() / (spread**2).sum())
        return lambda values: (scale(values) @ axes.T) * weight

    return fitted


def components(count: int) -> FeatureMap:
    """The first principal components."""

    def fitted(patients: Patients) -> Transform:
        scale = standardised(patients)
        axes = np.linalg.svd(scale(patients.values), full_matrices=False)[2][:count]
        return lambda values: scale(values) @ axes.T

    return fitted


def kernel(width: float) -> FeatureMap:
    """Gaussian kernel features on ranks (kernel principal components): a smooth, non-linear model."""

    def fitted(patients: Patients) -> Transform:
        scale = ranked(patients)
        known = scale(patients.values)
        own = _gaussian(known, known, width)
        average = own.mean(axis=0)
        size, axes = np.linalg.eigh(own - average - average[:, None] + own.mean())
        kept = size > size[-1] * 1e-6
        projection = axes[:, kept] / np.sqrt(size[kept]) * np.sqrt(known.shape[1])

        def transform(values: Floats) -> Floats:
            cross = _gaussian(scale(values), known, width)
            centred = cross - average - cross.mean(axis=1, keepdims=True) + own.mean()
            return np.asarray(centred @ projection)

        return transform

    return fitted


def _gaussian(a: Floats, b: Floats, width: float) -> Floats:
    distance = ((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=2)
    similarity: Floats = np.exp(-width / a.shape[1] * distance)
    return similarity


def receptor_aware(base: FeatureMap) -> FeatureMap:
    """Genes, what the panel says of the oestrogen receptor, and the products of the two.

    The receptor is read from the panel by a penalised logistic model, bent into -1 to 1 by ``u / (1 + |u|)``,
    which unlike the logistic function is exact in any batch.
    """

    def fitted(patients: Patients) -> Transform:
        scale = base(patients)
        reader = LogisticRegression(C=RECEPTOR_PENALTY, max_iter=2000)
        reader.fit(scale(patients.values), patients.receptor)

        def transform(values: Floats) -> Floats:
            z = scale(values)
            evidence = reader.decision_function(z)[:, None]
            receptor = evidence / (1 + np.abs(evidence))
            return np.hstack([z, z * receptor, receptor])

        return transform

    return fitted


class FeatureCox:
    """Ridge Cox on features; which map and which penalty is chosen by cross-validated partial likelihood.

    Parameters
    ----------
    maps : sequence of FeatureMap
    stop : float, optional
        Follow-up in days that the coefficients are learned from (van Houwelingen, *Scand J Stat*
        2007;34:70-85); the baseline always uses all of it.
    penalties : sequence of float
    """

    def __init__(
        self, *maps: FeatureMap, stop: float = np.inf, penalties: Sequence[float] = PENALTIES
    ) -> None:
        self.maps = maps
        self.stop = stop
        self.penalties = penalties

    def fit(self, patients: Patients, seed: int) -> Self:
        """Tune and fit."""
        feature_map, penalty, slope = self._tune(patients, seed)
        self.transform = feature_map(patients)
        features = self.transform(patients.values)
        self.centre = features.mean(axis=0)
        learned = self._stopped(patients.outcomes)
        self.coef = slope * fit(RiskSets.of(features - self.centre, learned.event, learned.time), penalty)
        self.hazard = _baseline((features - self.centre) @ self.coef, patients.outcomes)
        return self

    def predict(self, values: Floats, age: Floats) -> Predicted:  # noqa: ARG002 - the protocol's signature
        """Return log hazard and risk."""
        log_hazard = (self.transform(values) - self.centre) @ self.coef
        return log_hazard, cumulative_incidence(log_hazard[:, None], self.hazard)

    def _stopped(self, outcomes: Outcomes) -> Outcomes:
        return Outcomes(outcomes.event & (outcomes.time <= self.stop), np.minimum(outcomes.time, self.stop))

    def _tune(self, patients: Patients, seed: int) -> tuple[FeatureMap, float, float]:
        """Return map, penalty and the slope of what they predict out of fold, between 0 and 1."""
        random = np.random.default_rng(seed)
        event = patients.outcomes.event
        splits = [
            fold == k
            for fold in (stratified_folds(event, INNER_FOLDS, random) for _ in range(INNER_REPEATS))
            for k in range(INNER_FOLDS)
        ]
        tried = [self._left_out(feature_map, patients, splits) for feature_map in self.maps]
        likelihood = np.array([total for total, _ in tried])
        best_map, best_penalty = divmod(int(likelihood.argmax()), len(self.penalties))
        learned = self._stopped(patients.outcomes)
        predictor = tried[best_map][1][best_penalty]
        sets = RiskSets.of((predictor - predictor.mean())[:, None], learned.event, learned.time)
        slope = float(np.clip(fit(sets, 1e-9)[0], 0.0, 1.0))
        return self.maps[best_map], self.penalties[best_penalty], slope

    def _left_out(
        self, feature_map: FeatureMap, patients: Patients, splits: list[Bools]
    ) -> tuple[Floats, Floats]:
        """Left-out log likelihood (penalties,) and out-of-fold predictor (penalties, n)."""
        total = np.zeros(len(self.penalties))
        predictor = np.zeros((len(self.penalties), len(patients.age)))
        learned = self._stopped(patients.outcomes)
        for out in splits:
            features = feature_map(patients.of(~out))(patients.values)
            features = features - features[~out].mean(axis=0)
            everyone = RiskSets.of(features, learned.event, learned.time)
            kept = RiskSets.of(features[~out], learned.event[~out], learned.time[~out])
            coef = np.zeros(features.shape[1])
            for index, penalty in enumerate(self.penalties):
                coef = fit(kept, penalty, coef, ROUGH)
                total[index] += log_likelihood(everyone, coef) - log_likelihood(kept, coef)
                predictor[index, out] += features[out] @ coef / INNER_REPEATS
        return total, predictor


class AgeAlone:
    """Cox on age and nothing else."""

    def fit(self, patients: Patients, seed: int) -> Self:  # noqa: ARG002 - the protocol's signature
        """Fit."""
        self.centre = patients.age.mean()
        x = patients.age - self.centre
        sets = RiskSets.of(x[:, None], patients.outcomes.event, patients.outcomes.time)
        self.coef = float(fit(sets, 1e-9)[0])
        self.hazard = _baseline(x * self.coef, patients.outcomes)
        return self

    def predict(self, values: Floats, age: Floats) -> Predicted:  # noqa: ARG002 - the protocol's signature
        """Return log hazard and risk."""
        log_hazard = (age - self.centre) * self.coef
        return log_hazard, cumulative_incidence(log_hazard[:, None], self.hazard)


class Ridge:
    """The estimator of the releases, without its intervals."""

    def fit(self, patients: Patients, seed: int) -> Self:
        """Fit."""
        model = DistantMetastasisRisk(replicates=0, seed=seed)
        self.model = model.fit(patients.values, patients.age, patients.outcomes.structured)
        return self

    def predict(self, values: Floats, age: Floats) -> Predicted:
        """Return log hazard and risk by the fit without age."""
        return self.model.predict(values, np.full(len(age), np.nan))


class ElasticNet:
    """Elastic-net Cox (half lasso), its penalty by cross-validated partial likelihood along the path."""

    def fit(self, patients: Patients, seed: int) -> Self:
        """Fit."""
        self.transform = standardised(patients)
        path = self._path(patients, None)
        random = np.random.default_rng(seed)
        fold = stratified_folds(patients.outcomes.event, INNER_FOLDS, random)
        total = sum(self._left_out(patients, fold == k, path.alphas_) for k in range(INNER_FOLDS))
        self.coef = path.coef_[:, int(np.argmax(total))]
        self.hazard = _baseline(self.transform(patients.values) @ self.coef, patients.outcomes)
        return self

    def predict(self, values: Floats, age: Floats) -> Predicted:  # noqa: ARG002 - the protocol's signature
        """Return log hazard and risk."""
        log_hazard = self.transform(values) @ self.coef
        return log_hazard, cumulative_incidence(log_hazard[:, None], self.hazard)

    def _path(self, patients: Patients, alphas: Floats | None) -> Any:
        ratio = {"alpha_min_ratio": 0.05, "n_alphas": 30} if alphas is None else {"alphas": alphas}
        net = CoxnetSurvivalAnalysis(l1_ratio=0.5, **ratio)
        return net.fit(self.transform(patients.values), patients.outcomes.structured)

    def _left_out(self, patients: Patients, out: Bools, alphas: Floats) -> Floats:
        kept = patients.of(~out)
        coefs = self._path(kept, alphas).coef_.T
        everyone, rest = (
            RiskSets.of(self.transform(p.values), p.outcomes.event, p.outcomes.time) for p in (patients, kept)
        )
        return np.array([log_likelihood(everyone, coef) - log_likelihood(rest, coef) for coef in coefs])


class Forest:
    """Random survival forest (Ishwaran 2008), on the values or on what ``transform`` makes of them."""

    def __init__(self, transform: Transform = np.asarray, trees: int = TREES) -> None:
        self.transform = transform
        self.trees = trees

    def fit(self, patients: Patients, seed: int) -> Self:
        """Fit."""
        forest = RandomSurvivalForest(
            n_estimators=self.trees, min_samples_leaf=LEAF, max_features="sqrt", random_state=seed
        )
        self.forest = forest.fit(self.transform(patients.values), patients.outcomes.structured)
        return self

    def predict(self, values: Floats, age: Floats) -> Predicted:  # noqa: ARG002 - the protocol's signature
        """Return the logarithm of the summed cumulative hazard, and the risk."""
        curves = self.forest.predict_cumulative_hazard_function(self.transform(values), return_array=True)
        steps = np.hstack([np.zeros((len(values), 1)), curves])
        hazard = steps[:, np.searchsorted(self.forest.unique_times_, HORIZON_DAYS, side="right")]
        return np.log(curves.sum(axis=1) + SMALLEST_HAZARD), -np.expm1(-hazard)


class Boosting:
    """Gradient-boosted trees on the Cox partial likelihood, with a Breslow baseline."""

    def fit(self, patients: Patients, seed: int) -> Self:
        """Fit."""
        trees = GradientBoostingSurvivalAnalysis(
            n_estimators=100, learning_rate=0.05, max_depth=2, subsample=0.5, random_state=seed
        )
        self.trees = trees.fit(patients.values, patients.outcomes.structured)
        self.hazard = _baseline(self.trees.predict(patients.values), patients.outcomes)
        return self

    def predict(self, values: Floats, age: Floats) -> Predicted:  # noqa: ARG002 - the protocol's signature
        """Return log hazard and risk."""
        log_hazard = np.asarray(self.trees.predict(values))
        return log_hazard, cumulative_incidence(log_hazard[:, None], self.hazard)


class Logistic:
    """Penalised logistic regression at each year, weighted by the inverse chance of being uncensored."""

    def fit(self, patients: Patients, seed: int) -> Self:  # noqa: ARG002 - the protocol's signature
        """Fit."""
        self.transform = standardised(patients)
        features, outcomes = self.transform(patients.values), patients.outcomes
        weight = 1 / uncensored(outcomes, np.ones((1, len(patients.age))))[0]
        self.years = [self._at(features, outcomes, weight, days) for days in HORIZON_DAYS]
        return self

    def predict(self, values: Floats, age: Floats) -> Predicted:  # noqa: ARG002 - the protocol's signature
        """Return the log odds at 5 years and the risk."""
        features = self.transform(values)
        risk = np.column_stack([year.predict_proba(features)[:, 1] for year in self.years])
        return np.asarray(self.years[4].decision_function(features)), risk

    def _at(self, features: Floats, outcomes: Outcomes, weight: Floats, days: float) -> LogisticRegression:
        had = outcomes.event & (outcomes.time <= days)
        known = had | (outcomes.time > days)
        model = LogisticRegression(C=0.005, max_iter=1000)
        return model.fit(features[known], had[known], sample_weight=np.where(had, weight, 1.0)[known])


class Distilled:
    """A linear model of what a forest on ranks predicts out of fold, put on the scale of Cox."""

    def fit(self, patients: Patients, seed: int) -> Self:
        """Fit the forests and the linear model."""
        fold = stratified_folds(patients.outcomes.event, INNER_FOLDS, np.random.default_rng(seed))
        taught = np.empty(len(fold))
        for out in (fold == k for k in range(INNER_FOLDS)):
            forest = Forest(normal_scores).fit(patients.of(~out), seed)
            taught[out], _ = forest.predict(patients.values[out], patients.age[out])
        self.transform = standardised(patients)
        features = self.transform(patients.values)
        student = RidgeCV(alphas=np.geomspace(1.0, 3000.0, 12)).fit(features, taught - taught.mean())
        predictor = student.predict(features)
        outcomes = patients.outcomes
        slope = fit(RiskSets.of(predictor[:, None], outcomes.event, outcomes.time), 2.0)[0]
        self.coef = student.coef_ * slope
        self.hazard = _baseline(features @ self.coef, outcomes)
        return self

    def predict(self, values: Floats, age: Floats) -> Predicted:  # noqa: ARG002 - the protocol's signature
        """Return log hazard and risk."""
        log_hazard = self.transform(values) @ self.coef
        return log_hazard, cumulative_incidence(log_hazard[:, None], self.hazard)


class Average:
    """The mean cumulative hazard of several estimators."""

    def __init__(self, *members: Challenger) -> None:
        self.members = members

    def fit(self, patients: Patients, seed: int) -> Self:
        """Fit each."""
        for member in self.members:
            member.fit(patients, seed)
        return self

    def predict(self, values: Floats, age: Floats) -> Predicted:
        """Return the logarithm of the mean hazard at 10 years, and the risk."""
        risks = [member.predict(values, age)[1] for member in self.members]
        hazard = np.mean([-np.log1p(-np.minimum(risk, 0.999)) for risk in risks], axis=0)
        return np.log(hazard[:, -1] + SMALLEST_HAZARD), -np.expm1(-hazard)


CHALLENGERS: dict[str, tuple[str, Callable[[], Challenger]]] = {
    "ridge": ("Ridge Cox on the genes: the estimator of the releases", Ridge),
    "ridge on ranks": (
        "Ridge Cox on normal scores of the ranks within a sample",
        lambda: FeatureCox(ranked),
    ),
    "ridge to 5 years": (
        "Ridge Cox learned from the first 5 years only, since the effect fades",
        lambda: FeatureCox(standardised, stop=5 * DAYS_A_YEAR),
    ),
    "gene modules": (
        "Ridge Cox that lets correlated genes share an effect",
        lambda: FeatureCox(*(modules(power) for power in (0.0, 0.5, 1.0))),
    ),
    "kernel on ranks": (
        "Smooth non-linear Cox: Gaussian kernel on ranks",
        lambda: FeatureCox(*(kernel(width) for width in (0.1, 0.3, 1.0))),
    ),
    "receptor-aware ridge": (
        "Ridge Cox whose effects change with the oestrogen receptor, read from the panel",
        lambda: FeatureCox(receptor_aware(standardised)),
    ),
    "receptor-aware ridge on ranks": (
        "The same on ranks within a sample",
        lambda: FeatureCox(receptor_aware(ranked)),
    ),
    "elastic net": ("Elastic-net Cox, half lasso", ElasticNet),
    "principal components": (
        "Cox on the first 1 to 16 principal components",
        lambda: FeatureCox(*(components(count) for count in (1, 2, 4, 8, 16)), penalties=(1e-6,)),
    ),
    "forest": ("Random survival forest", Forest),
    "forest on ranks": ("Random survival forest on ranks within a sample", lambda: Forest(normal_scores)),
    "boosted trees": ("Gradient-boosted Cox", Boosting),
    "logistic": ("Logistic regression at each year, weighted for censoring", Logistic),
    "distilled forest": ("Linear model of what a forest on ranks predicts", Distilled),
    "ridge and forest": (
        "Mean of the ridge and the forest on ranks",
        lambda: Average(Ridge(), Forest(normal_scores)),
    ),
    "published signs": (
        "Genes added with their published signs",
        lambda: FeatureCox(published_signs, penalties=(1e-6,)),
    ),
    "age alone": ("Cox on age", AgeAlone),
}

# What some of them need to know besides expression and outcome.
NEEDS: dict[str, Need] = {
    "receptor-aware ridge": "receptor",
    "receptor-aware ridge on ranks": "receptor",
    "published signs": "signs",
    "age alone": "age",
}


def _baseline(log_hazard: Floats, outcomes: Outcomes) -> Floats:
    """Breslow's baseline cumulative hazard at each year, shape (10,)."""
    sets = RiskSets.of(log_hazard[:, None], outcomes.event, outcomes.time)
    steps = np.concatenate([[0.0], baseline_hazard(sets, sets.X[:, 0])])
    at_years: Floats = steps[np.searchsorted(sets.times, HORIZON_DAYS, side="right")]
    return at_years
