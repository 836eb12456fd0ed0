"""External validation: what a release says of a cohort that it never saw, beside what happened there.

Reported as TRIPOD+AI asks (Collins GS et al., *BMJ* 2024;385:e078378): discrimination, calibration and
overall performance with intervals, in everybody and in those whom the product would answer.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from ml_models.applicability import assess
from ml_models.estimators import DAYS_A_YEAR, HORIZON_DAYS, HORIZONS
from ml_models.evaluation import (
    FEWEST_EVENTS,
    FIVE_YEARS,
    Unseen,
    bootstrap_weights,
    calibration_points,
    estimate,
    measure,
    subgroup,
)
from ml_models.manifest import CalibrationPoint, Estimate, Manifest, Subgroup
from ml_models.measures import Outcomes, brier_score, integrated_brier_score, survival_at
from ml_models.scores import Scores
from ml_models.units import LOG_SCALE, detect_unit

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Score = Callable[[Floats, Floats], Scores]

BOOTSTRAPS = 1000
# As many must still be at risk for a figure by a year.
FEWEST_AT_A_YEAR = 10
# A normal distribution's interquartile range in standard deviations.
NORMAL_IQR = 1.349
TOO_FEW_GENES = "too_few_genes"


@dataclass(frozen=True, slots=True)
class ExternalCohort:
    """A cohort that a release is tried on.

    ``values`` (n, genes) are in the order of the release's panel, NaN where a gene is missing; ``age`` (n,)
    is NaN where unknown: the fit without age answers then, as in the product. ``notes`` say how it was read.
    """

    name: str
    values: Floats
    age: Floats
    outcomes: Outcomes
    subgroups: Mapping[str, Bools]
    notes: tuple[str, ...] = ()


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Part(_Frozen):
    """Figures of some of the patients, by name; those by a year are there if the follow-up reaches it.

    ``years`` is the last year that ten patients were followed to. ``figures`` are named as in
    :class:`ml_models.manifest.Figures`, with the Brier scores behind each gain.
    """

    patients: int
    distant_metastases: int
    years: int
    figures: dict[str, Estimate]
    calibration_5y: tuple[CalibrationPoint, ...]
    subgroups: tuple[Subgroup, ...]


class Validation(_Frozen):
    """A release on a cohort that it never saw.

    ``everyone`` are all patients, scored whatever the product would say, ``answered`` those whom it would
    answer; None where they are too few for any figure. ``refused`` counts the reasons for the others.
    """

    name: str
    version: str
    sha256: str
    cohort: str
    profiled: bool
    bootstraps: int
    seed: int
    patients: int
    distant_metastases: int
    median_follow_up_years: float
    genes: int
    genes_missing: tuple[str, ...]
    refused: dict[str, int]
    everyone: Part | None
    answered: Part | None
    notes: tuple[str, ...]


def profile(values: Floats, manifest: Manifest) -> Floats:
    """Map a cohort of another platform to the training scale, gene by gene and without outcomes.

    Each gene's median and interquartile range over 1.349 in the cohort become the training mean and standard
    deviation. A gene without spread says nothing and becomes missing.

    Parameters
    ----------
    values : array of shape (n, genes)
        In the order of the manifest, NaN where missing.
    """
    mapped = np.full_like(values, np.nan)
    present = np.isfinite(values).any(axis=0)
    lower, middle, upper = np.nanquantile(values[:, present], [0.25, 0.5, 0.75], axis=0)
    spread = (upper - lower) / NORMAL_IQR
    z = (values[:, present] - middle) / np.where(spread > 0, spread, np.nan)
    mapped[:, present] = manifest.means[present] + manifest.sds[present] * z
    return mapped


def validate(
    manifest: Manifest,
    score: Score,
    cohort: ExternalCohort,
    *,
    profiled: bool,
    seed: int,
) -> Validation:
    """Validate a release.

    Parameters
    ----------
    score : callable
        The portable form's: values (n, genes) and age (n,) to Scores.
    profiled : bool
        Whether the values are mapped by :func:`profile` first.
    seed : int
        Of the bootstrap.
    """
    values = profile(cohort.values, manifest) if profiled else cohort.values
    age, outcomes = cohort.age, cohort.outcomes
    refusals = np.array([_refusal(row, manifest, profiled=profiled) for row in values])
    everyone, answered = np.ones(len(age), np.bool_), refusals == ""

    def part(members: Bools) -> Part | None:
        inside = {name: group[members] for name, group in cohort.subgroups.items()}
        return _part(score, values[members], age[members], outcomes.of(members), inside, seed)

    return Validation(
        name=manifest.name,
        version=manifest.version,
        sha256=manifest.sha256,
        cohort=cohort.name,
        profiled=profiled,
        bootstraps=BOOTSTRAPS,
        seed=seed,
        patients=len(age),
        distant_metastases=int(outcomes.event.sum()),
        median_follow_up_years=_median_follow_up(outcomes) / DAYS_A_YEAR,
        genes=len(manifest.genes),
        genes_missing=_never_measured(values, manifest),
        refused=dict(sorted(Counter(reason for reason in refusals.tolist() if reason).items())),
        everyone=part(everyone),
        answered=part(answered),
        notes=cohort.notes,
    )


def _refusal(row: Floats, manifest: Manifest, *, profiled: bool) -> str:
    """Why the product would refuse a sample, in its own codes; empty if it would answer."""
    observed = row[np.isfinite(row)].tolist()
    if len(observed) < manifest.missing.refuse_below * len(row) or not observed:
        return TOO_FEW_GENES
    if not profiled and detect_unit(observed).code != LOG_SCALE:
        return "unit_contradicted"
    verdict = assess(row, manifest).verdict
    return "" if verdict == "ok" else verdict


def _never_measured(values: Floats, manifest: Manifest) -> tuple[str, ...]:
    absent = np.flatnonzero(~np.isfinite(values).any(axis=0))
    return tuple(manifest.symbols[index] for index in absent)


def _median_follow_up(outcomes: Outcomes) -> float:
    """Median time to censoring in days by the reverse Kaplan-Meier (Schemper & Smith, 1996)."""
    times = np.unique(outcomes.time)
    reverse = Outcomes(~outcomes.event, outcomes.time)
    still = survival_at(reverse, np.ones((1, len(outcomes.time))), times)[0]
    after = int((still > 0.5).sum())  # noqa: PLR2004 - the median
    return float(times[min(after, len(times) - 1)])


def _part(
    score: Score, values: Floats, age: Floats, outcomes: Outcomes, subgroups: Mapping[str, Bools], seed: int
) -> Part | None:
    reached = [year for year in HORIZONS if (outcomes.time > year * DAYS_A_YEAR).sum() >= FEWEST_AT_A_YEAR]
    if outcomes.event.sum() < FEWEST_EVENTS or len(reached) < 2:  # noqa: PLR2004 - a trapezoid has two ends
        return None
    scores, years = score(values, age), reached[-1]
    prediction = Unseen(scores.log_hazard, scores.risk, _kaplan_meier(outcomes))
    weights = bootstrap_weights(len(age), BOOTSTRAPS, seed)
    measured = measure(prediction, outcomes, weights, years) | _brier_scores(
        prediction, outcomes, weights, years
    )
    figures = {name: estimate(samples) for name, samples in measured.items() if np.isfinite(samples[0])}
    by_risk = calibration_points(scores.risk[:, FIVE_YEARS], outcomes) if "auc_5y" in figures else ()
    return Part(
        patients=len(age),
        distant_metastases=int(outcomes.event.sum()),
        years=years,
        figures=figures,
        calibration_5y=tuple(by_risk),
        subgroups=tuple(
            subgroup(name, members, prediction, outcomes, weights, years)
            for name, members in subgroups.items()
        ),
    )


def _kaplan_meier(outcomes: Outcomes) -> Floats:
    """The cohort's own incidence for everybody, (n, 10): it knows the outcomes, so it is hard to beat."""
    incidence = 1 - survival_at(outcomes, np.ones((1, len(outcomes.time))), HORIZON_DAYS)
    return np.repeat(incidence, len(outcomes.time), axis=0)


def _brier_scores(prediction: Unseen, outcomes: Outcomes, weights: Floats, years: int) -> dict[str, Floats]:
    """The scores behind the gains, of the prediction and of Kaplan-Meier, in every bootstrap sample."""
    scores = {}
    for suffix, risk in (("", prediction.risk), ("_kaplan_meier", prediction.reference)):
        scores[f"ibs{suffix}"] = integrated_brier_score(
            risk[:, :years], outcomes, weights, HORIZON_DAYS[:years]
        )
        for year in (5, 10)[: years // 5]:
            at = risk[:, HORIZONS.index(year)]
            scores[f"brier_{year}y{suffix}"] = brier_score(at, outcomes, weights, year * DAYS_A_YEAR)
    return scores
