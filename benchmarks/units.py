"""`python -m benchmarks.units`: how often a sample's look contradicts its unit, or passes for a logarithm.

Columns are the 198 patients of TRANSBIG as measured, and turned into what other units and accidents would
make of them; with `--cohort FOLDER UNIT`, whose `expression.csv` has a row for each gene, real ones of other
platforms too. `docs/units.md` holds the table.
"""

import argparse
import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml_models.cohorts import load_transbig
from ml_models.units import looks_of
from predictions.intake.gene_names import HGNC_SYMBOL, names_of
from predictions.intake.units import FITTING
from tests.panels import genes_of

Floats = NDArray[np.float64]

# Bases of a transcript, and reads of a library, in the middle; both log-normal.
LENGTH, DEPTH = 2_500, 20e6
SPREAD_OF_LENGTH, SPREAD_OF_DEPTH = 0.7, 0.8
PSEUDO_LOG = 7.0  # an intensity of 2 ** 7 is hardly more than background: about one transcript in a million
OVERDISPERSION = 0.1


@dataclass(frozen=True)
class Case:
    """Samples (n, genes), the units that they may rightly be declared in, and what happened to them."""

    name: str
    units: frozenset[str]
    values: Floats


def made_up(random: np.random.Generator) -> Iterator[Case]:
    """The patients of TRANSBIG in every unit, and damaged."""
    log2 = load_transbig().values
    linear, tpm = 2**log2, _tpm(log2, random)
    lengths = LENGTH * random.lognormal(0, SPREAD_OF_LENGTH, len(log2.T))
    depth = DEPTH * random.lognormal(0, SPREAD_OF_DEPTH, (len(log2), 1))
    counts = _counts(tpm * lengths / LENGTH * depth / 1e6, random)
    yield Case("log2 intensity, as measured", frozenset({"log2_intensity"}), log2)
    yield Case("intensity", frozenset({"intensity"}), linear)
    yield Case("intensity, rounded", frozenset({"intensity"}), np.round(linear))
    yield Case("TPM", frozenset({"tpm", "fpkm"}), tpm)
    yield Case("FPKM", frozenset({"tpm", "fpkm"}), counts / lengths * 1e3 / depth * 1e6)
    yield Case("log2(TPM + 1)", frozenset({"log2_tpm", "log2_fpkm"}), np.log2(tpm + 1))
    yield Case("log2(CPM + 1)", frozenset({"log2_cpm"}), np.log2(counts / depth * 1e6 + 1))
    yield Case("log2(count + 1)", frozenset({"log2_count"}), np.log2(counts + 1))
    yield Case("raw counts, 20 million reads", frozenset({"raw_counts"}), counts)
    yield Case("raw counts, 1 million reads", frozenset({"raw_counts"}), _poisson(counts / 20, random))
    yield Case("raw counts, 100,000 reads", frozenset({"raw_counts"}), _poisson(counts / 200, random))
    yield Case("log2 ratio to the cohort's mean", frozenset({"log2_ratio"}), log2 - log2.mean(axis=0))
    yield Case("z-score in the cohort", frozenset({"z_score"}), (log2 - log2.mean(axis=0)) / log2.std(axis=0))
    yield Case("z-score in the sample", frozenset({"z_score"}), _standardised(log2))
    yield Case("log2(TPM + 0.001)", frozenset(), np.log2(tpm + 0.001))
    yield Case("decimal point lost in all values", frozenset(), np.round(1_000 * log2))
    yield Case("decimal point lost in one value of ten", frozenset(), _shifted(log2, 7, random))
    yield Case("decimal point lost in one value", frozenset(), _shifted(log2, 1, random))
    yield Case("half the genes not logged", frozenset(), np.where(np.arange(69) % 2, linear, log2))


def real(folder: Path, unit: str) -> Case:
    """The samples of a cohort of another platform, as published, in their right unit."""
    known = names_of(genes_of())
    with (folder / "expression.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file) if known.knows(row[0], HGNC_SYMBOL)]
    values = np.array([[float(cell or "nan") for cell in row[1:]] for row in rows]).T
    return Case(f"{folder.name}, as published", frozenset({unit}), values)


def _tpm(log2: Floats, random: np.random.Generator) -> Floats:
    """Each gene on a scale of its own, background taken off: as the same tumours might be sequenced."""
    slope, shift = random.uniform(0.8, 1.4, 69), random.normal(0, 1.5, 69)
    return np.maximum(2 ** (slope * (log2 - PSEUDO_LOG) + shift) - 1, 0)


def _counts(expected: Floats, random: np.random.Generator) -> Floats:
    return _poisson(expected * random.gamma(1 / OVERDISPERSION, OVERDISPERSION, expected.shape), random)


def _poisson(expected: Floats, random: np.random.Generator) -> Floats:
    return random.poisson(expected).astype(np.float64)


def _standardised(log2: Floats) -> Floats:
    centred = log2 - log2.mean(axis=1, keepdims=True)
    standardised: Floats = centred / log2.std(axis=1, keepdims=True)
    return standardised


def _shifted(log2: Floats, genes: int, random: np.random.Generator) -> Floats:
    chosen = random.permuted(np.broadcast_to(np.arange(log2.shape[1]), log2.shape), axis=1) < genes
    return np.where(chosen, np.round(1_000 * log2), log2)


def table(cases: list[Case]) -> Iterator[str]:
    """Each case with its looks, wrong refusals of a right unit and wrong units let pass, as Markdown."""
    yield "| samples | n | looks like | right unit refused | taken for log2 |"
    yield "|---|---|---|---|---|"
    totals = Counter[str]()
    for case in cases:
        looks = looks_of(case.values)
        logged = sum(looks == "log_scale")
        refused = sum(look not in FITTING[unit] for unit in sorted(case.units)[:1] for look in looks)
        wrongly = logged if not any(unit.startswith("log2_") for unit in case.units - {"log2_ratio"}) else 0
        shown = ", ".join(f"{look} {count}" for look, count in Counter(looks.tolist()).most_common())
        yield f"| {case.name} | {len(looks)} | {shown} | {refused if case.units else '-'} | {wrongly} |"
        totals.update(n=len(looks), right=len(looks) * bool(case.units), refused=refused, wrongly=wrongly)
    yield f"| all | {totals['n']} | | {totals['refused']} of {totals['right']} | {totals['wrongly']} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.units", description=main.__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cohort", nargs=2, metavar=("FOLDER", "UNIT"), action="append", default=[])
    options = parser.parse_args()
    cases = [
        *made_up(np.random.default_rng(options.seed)),
        *(real(Path(folder), unit) for folder, unit in options.cohort),
    ]
    print("\n".join(table(cases)))


if __name__ == "__main__":
    main()
