"""The released estimator beside its challengers, in nested cross-validation on the same folds."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from ml_models.challengers import CHALLENGERS, NEEDS, Challenger, Need, Patients
from ml_models.cohorts import RECEPTOR_POSITIVE, TrainingData
from ml_models.estimators import HORIZON_DAYS, HORIZONS
from ml_models.evaluation import Unseen, bootstrap_weights, estimate, mean_measures
from ml_models.manifest import Candidate, Comparison, Figures
from ml_models.measures import survival_at
from ml_models.tuning import stratified_folds

Floats = npt.NDArray[np.float64]
Folds = npt.NDArray[np.intp]

FOLDS = 5
REPEATS = 10
BOOTSTRAPS = 500

Report = Callable[[str], None]


def compare(data: TrainingData, seed: int, report: Report, *, repeats: int = REPEATS) -> Comparison:
    """Fit every challenger, tuning included, without each fold in turn, and measure what it says of it.

    Parameters
    ----------
    report : callable
        Told the name of an estimator whenever one of its ``repeats`` is done.
    """
    patients = _patients(data)
    weights = bootstrap_weights(len(data.age), BOOTSTRAPS, seed)
    random = np.random.default_rng(seed)
    folds = [stratified_folds(data.outcomes.event, FOLDS, random) for _ in range(repeats)]
    with threadpool_limits(1):  # the matrices are small, and more threads get in each other's way
        measured = {
            name: mean_measures(
                tuple(_repeats(name, make, patients, folds, seed, report)), data.outcomes, weights
            )
            for name, (_, make) in possible(data).items()
        }
    return Comparison(
        folds=FOLDS, repeats=repeats, bootstraps=BOOTSTRAPS, candidates=tuple(_candidates(measured))
    )


def steps(data: TrainingData, repeats: int = REPEATS) -> int:
    """How often ``compare`` reports."""
    return len(possible(data)) * repeats


def possible(data: TrainingData) -> dict[str, tuple[str, Callable[[], Challenger]]]:
    """Return the challengers that the cohort has everything for, by name."""
    known: dict[Need, bool] = {
        "age": data.has_age,
        "receptor": RECEPTOR_POSITIVE in data.subgroups,
        "signs": all(gene.sign is not None for gene in data.panel),
    }
    return {name: entry for name, entry in CHALLENGERS.items() if name not in NEEDS or known[NEEDS[name]]}


def _patients(data: TrainingData) -> Patients:
    """The patients; what is unknown is never looked at by a challenger that is ``possible``."""
    signs = np.array([np.nan if gene.sign is None else gene.sign for gene in data.panel])
    receptor = data.subgroups.get(RECEPTOR_POSITIVE, np.zeros(len(data.age), np.bool_))
    return Patients(data.values, data.age, data.outcomes, receptor, signs)


def _repeats(
    name: str,
    make: Callable[[], Challenger],
    patients: Patients,
    folds: list[Folds],
    seed: int,
    report: Report,
) -> Iterator[Unseen]:
    for fold in folds:
        yield _out_of_fold(make, patients, fold, seed)
        report(name)


def _out_of_fold(make: Callable[[], Challenger], patients: Patients, fold: Folds, seed: int) -> Unseen:
    shape = (len(fold), len(HORIZONS))
    found = Unseen(np.empty(len(fold)), np.empty(shape), np.empty(shape))
    for out in (fold == k for k in range(fold.max() + 1)):
        kept = patients.of(~out)
        fitted = make().fit(kept, seed)
        found.log_hazard[out], found.risk[out] = fitted.predict(patients.values[out], patients.age[out])
        everyone = np.ones((1, len(kept.age)))
        found.reference[out] = 1 - survival_at(kept.outcomes, everyone, HORIZON_DAYS)[0]
    return found


def _candidates(measured: dict[str, dict[str, Floats]]) -> Iterator[Candidate]:
    first = next(iter(measured.values()))
    for name, measures in measured.items():
        yield Candidate(
            name=name,
            description=CHALLENGERS[name][0],
            figures=Figures(**{measure: estimate(samples) for measure, samples in measures.items()}),
            brier_gain_difference_5y=estimate(measures["brier_gain_5y"] - first["brier_gain_5y"]),
        )
