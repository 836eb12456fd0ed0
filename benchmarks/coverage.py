"""`python -m benchmarks.coverage`: how often the 95 % interval holds the true risk of simulated patients.

Cohorts of the size of TRANSBIG whose genes are correlated like its own; the hazard is known, so every patient
has a true risk. Each cohort is tuned and fitted by the whole pipeline, and new patients are scored by it.
"""

import argparse
import os
from collections.abc import Iterator
from dataclasses import dataclass

# Small matrices: more threads get in each other's way.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import numpy.typing as npt

from ml_models.cohorts import load_transbig
from ml_models.estimators import DAYS_A_YEAR, HORIZONS, DistantMetastasisRisk
from ml_models.measures import Outcomes

Floats = npt.NDArray[np.float64]

PATIENTS = 198
NEW_PATIENTS = 200
YEARLY_HAZARD = 0.028
SHRINKAGE = 0.05
# Share of the genes with an effect, and standard deviation of the log hazard between patients.
SCENARIOS = {
    "no gene matters": (0.0, 0.0),
    "every gene a little, weak together": (1.0, 0.5),
    "every gene a little": (1.0, 0.8),
    "every gene a little, strong together": (1.0, 1.2),
    "one gene in ten": (0.1, 0.8),
}


@dataclass(frozen=True, slots=True)
class Truth:
    """A population: Cholesky factor of the genes' correlation (p, p), and the effects (p,)."""

    root: Floats
    effect: Floats

    @classmethod
    def planted(
        cls, correlation: Floats, share: float, spread: float, random: np.random.Generator
    ) -> "Truth":
        """Plant effects in a share of the genes; the log hazard has the standard deviation ``spread``."""
        root = np.asarray(np.linalg.cholesky(correlation), np.float64)
        effect = random.normal(size=len(root)) * (random.random(len(root)) < share)
        size = np.linalg.norm(effect @ root)
        return cls(root, spread * effect / size if size > 0 else effect)

    def values(self, patients: int, random: np.random.Generator) -> Floats:
        """Draw the genes of patients, (n, p)."""
        drawn: Floats = random.normal(size=(patients, len(self.root))) @ self.root.T
        return drawn

    def hazard(self, values: Floats) -> Floats:
        """Return the yearly hazard of patients, (n,); its mean is the same whatever the effects."""
        spread = np.linalg.norm(self.effect @ self.root)
        rate: Floats = YEARLY_HAZARD * np.exp(values @ self.effect - spread**2 / 2)
        return rate

    def risk(self, values: Floats) -> Floats:
        """Return the true risk by years 1 to 10, (n, 10)."""
        risk: Floats = -np.expm1(-np.outer(self.hazard(values), HORIZONS))
        return risk

    def outcomes(self, values: Floats, random: np.random.Generator) -> Outcomes:
        """Draw what happens to patients who are followed for 5 to 20 years."""
        time, censoring = random.exponential(1 / self.hazard(values)), random.uniform(5, 20, len(values))
        return Outcomes(time <= censoring, np.minimum(time, censoring) * DAYS_A_YEAR)


def transbig_correlation() -> Floats:
    """Return the correlation of TRANSBIG's genes, shrunken a little so that it has a factor."""
    correlation: Floats = np.asarray(np.corrcoef(load_transbig().values.T))
    shrunken: Floats = (1 - SHRINKAGE) * correlation + SHRINKAGE * np.eye(len(correlation))
    return shrunken


def coverage(truth: Truth, patients: int, seed: int) -> tuple[Floats, Floats]:
    """Train on one simulated cohort; returns which new patients' intervals hold the truth, and their widths.

    Both have shape (new patients, 10).
    """
    random = np.random.default_rng(seed)
    values = truth.values(patients, random)
    outcomes = truth.outcomes(values, random)
    unknown = np.full(patients, np.nan)
    model = DistantMetastasisRisk(seed=seed).fit(values, unknown, outcomes.structured)
    new = truth.values(NEW_PATIENTS, random)
    scores, risk = model.score(new, np.full(NEW_PATIENTS, np.nan)), truth.risk(new)
    held = ((scores.lower <= risk) & (risk <= scores.upper)).astype(np.float64)
    return held, scores.upper - scores.lower


def report(repeats: int) -> Iterator[str]:
    """Run every scenario; yields the lines of a table."""
    correlation, random = transbig_correlation(), np.random.default_rng(0)
    yield "| scenario | 5 years: held (standard error), median width | 10 years |"
    yield "|---|---|---|"
    for name, (share, spread) in SCENARIOS.items():
        truths = [Truth.planted(correlation, share, spread, random) for _ in range(repeats)]
        runs = [coverage(truth, PATIENTS, seed) for seed, truth in enumerate(truths)]
        yield f"| {name} | {' | '.join(_cell(runs, years) for years in (5, 10))} |"


def _cell(runs: list[tuple[Floats, Floats]], years: int) -> str:
    at = HORIZONS.index(years)
    held = np.array([held[:, at].mean() for held, _ in runs])
    width = np.mean([np.median(width[:, at]) for _, width in runs])
    error = held.std(ddof=1) / np.sqrt(len(held))
    return f"{100 * held.mean():.1f} % ({100 * error:.1f}), {width:.2f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage", description=main.__doc__)
    parser.add_argument("--repeats", type=int, default=100, help="simulated cohorts for each scenario")
    for line in report(parser.parse_args().repeats):
        print(line, flush=True)


if __name__ == "__main__":
    main()
