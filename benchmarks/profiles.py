"""`python -m benchmarks.profiles`: how far a risk moves because a profile was learned from few samples.

Patients of TRANSBIG are measured on a made-up platform that stretches and shifts each gene; a profile is
learned from some of them, the others are mapped back and scored. The reference is the same risk on the
training scale. `docs/profiles.md` holds the tables. `--cohort FOLDER` adds the check for consecutive cases
on a real one of another platform: `expression.csv`, and `clinical.csv` with `er`.
"""

import argparse
import csv
import tempfile
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml_models.applicability import assess
from ml_models.cohorts import RECEPTOR_POSITIVE, TrainingData, load_transbig
from ml_models.consecutive_cases import look_consecutive, receptor_variance
from ml_models.manifest import Manifest
from ml_models.platform_profiles import SCALED_MAD, LearnedScale, learn_scale, to_training_scale
from ml_models.portable import PortableModel
from ml_models.registry import ReleaseStore
from ml_models.sealing import generate_keys
from ml_models.training import train_release
from predictions.intake.gene_names import HGNC_SYMBOL, names_of

Floats = NDArray[np.float64]
Learn = Callable[[Floats], LearnedScale]

BATCHES = 200
SIZES = (20, 40, 80)
FIVE_YEARS = 4


def mean_and_sd(values: Floats) -> LearnedScale:
    """Nothing robust."""
    return LearnedScale(values.mean(axis=0), values.std(axis=0, ddof=1), np.ones(len(values), np.bool_))


def median_and_mad(values: Floats) -> LearnedScale:
    """As robust as can be."""
    middle = np.median(values, axis=0)
    spread = SCALED_MAD * np.median(np.abs(values - middle), axis=0)
    return LearnedScale(middle, np.where(spread > 0, spread, np.nan), np.ones(len(values), np.bool_))


LEARNERS: dict[str, Learn] = {
    "mean and SD": mean_and_sd,
    "median and MAD": median_and_mad,
    "as the product": learn_scale,
}


def clean(values: Floats, _random: np.random.Generator) -> Floats:
    """All as they should be."""
    return values


def two_failed(values: Floats, _random: np.random.Generator) -> Floats:
    """Two samples a sixteenth as bright as the others."""
    return np.concatenate([values[:2] - 4, values[2:]])


def outlying_values(values: Floats, random: np.random.Generator) -> Floats:
    """One value in a hundred is far too high."""
    return np.where(random.random(values.shape) < 0.01, values + 8, values)


def moved(
    model: PortableModel, manifest: Manifest, learn: Learn, size: int, spoil: Callable[..., Floats]
) -> str:
    """Mean and SD of the change of the 5-year risk in points over patients, and SD between batches."""
    random, values = np.random.default_rng(size), load_transbig().values
    stretch, shift = random.uniform(0.5, 1.5, values.shape[1]), random.normal(0, 3, values.shape[1])
    truth, changes = _risk(model, values), []
    for _ in range(BATCHES):
        order = random.permutation(len(values))
        batch, others = order[:size], order[size:]
        found = learn(stretch * spoil(values[batch], random) + shift)
        mapped = to_training_scale(stretch * values[others] + shift, found.location, found.scale, manifest)
        changes.append(100 * (_risk(model, mapped) - truth[others]))
    means = np.array([change.mean() for change in changes])
    every = np.concatenate(changes)
    return f"{every.mean():+.1f} | {every.std():.1f} | {np.abs(every).mean():.1f} | {means.std():.1f}"


def sequenced(log2: Floats, random: np.random.Generator) -> Floats:
    """log2(TPM + 1) of the same tumours on a made-up sequencer: curved, and flat without a transcript."""
    slope, shift = random.uniform(0.8, 1.4, log2.shape[1]), random.normal(0, 1.5, log2.shape[1])
    logged: Floats = np.log2(np.maximum(2 ** (slope * (log2 - 7) + shift) - 1, 0) + 1)
    return logged


def at_the_gate(model: PortableModel, data: TrainingData, manifest: Manifest, size: int, pool: str) -> str:
    """Sequenced patients: change of the risk, shares refused of them and of arrays that are sent as them."""
    random, values = np.random.default_rng(size), data.values
    positive = data.subgroups[RECEPTOR_POSITIVE]
    pools = {"consecutive": positive | ~positive, "only positive": positive, "only negative": ~positive}
    foreign, truth = sequenced(values, random), _risk(model, values)
    changes, right, wrong = [], [], []
    for _ in range(BATCHES // 4):
        batch = random.permutation(np.flatnonzero(pools[pool]))[:size]
        others = np.setdiff1d(np.arange(len(values)), batch)
        found = learn_scale(foreign[batch])
        scale = (found.location, found.scale, manifest)
        mapped = to_training_scale(foreign[others], *scale)
        changes.append(100 * (_risk(model, mapped) - truth[others]))
        right += [assess(row, manifest).verdict != "ok" for row in mapped]
        wrong += [assess(row, manifest).verdict != "ok" for row in to_training_scale(values[others], *scale)]
    every = np.concatenate(changes)
    told = f"{every.mean():+.1f} | {every.std():.1f} | {np.abs(every).mean():.1f}"
    return f"{told} | {100 * np.mean(right):.1f} % | {100 * np.mean(wrong):.1f} %"


def _risk(model: PortableModel, values: Floats) -> Floats:
    risk: Floats = model.score(values, np.full(len(values), np.nan)).risk[:, FIVE_YEARS]
    return risk


def flagged(values: Floats, pool: NDArray[np.intp], size: int, manifest: Manifest, seed: int = 0) -> float:
    """The share of batches from a pool of patients (indices) that do not look consecutive."""
    random = np.random.default_rng(seed)
    found = 0
    for _ in range(BATCHES):
        batch = values[random.permutation(pool)[:size]]
        learned = learn_scale(batch)
        kept = batch[learned.kept]
        ratio = receptor_variance(kept, learned.location, learned.scale, manifest)
        found += ratio is not None and not look_consecutive(ratio, len(kept))
    return 100 * found / BATCHES


def consecutive_rows(
    name: str, values: Floats, positive: NDArray[np.bool_], manifest: Manifest
) -> Iterator[str]:
    """A row for each size of a batch that both kinds suffice for."""
    everyone = np.arange(len(values))
    for size in SIZES:
        if size <= min(positive.sum(), (~positive).sum()):
            pools = (everyone, everyone[positive], everyone[~positive])
            shares = (f"{flagged(values, pool, size, manifest):.0f} %" for pool in pools)
            yield f"| {name} | {size} | {' | '.join(shares)} |"


def real(folder: Path, manifest: Manifest) -> tuple[Floats, NDArray[np.bool_]]:
    """Values (n, genes) of a cohort, NaN where a gene was not measured, and who is receptor positive."""
    known = names_of(manifest.genes)
    with (folder / "clinical.csv").open(encoding="utf-8", newline="") as file:
        receptor = {row["sample_id"]: row["er"] for row in csv.DictReader(file)}
    with (folder / "expression.csv").open(encoding="utf-8", newline="") as file:
        (_, *samples), *rows = csv.reader(file)
    values = np.full((len(samples), len(manifest.symbols)), np.nan)
    for name, *cells in rows:
        symbol = known.find(name, HGNC_SYMBOL) or known.propose(name, HGNC_SYMBOL)
        if symbol:
            values[:, manifest.symbols.index(symbol)] = [float(cell or "nan") for cell in cells]
    told = np.array([receptor[sample] in {"positive", "negative"} for sample in samples])
    return values[told], np.array([receptor[sample] == "positive" for sample in samples])[told]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profiles", description=main.__doc__)
    parser.add_argument("--cohort", type=Path, action="append", default=[])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        keys, store, data = generate_keys(), ReleaseStore(Path(folder)), load_transbig()
        manifest = train_release(data, keys, store)
        model = store.open_portable(manifest.name, manifest.version, manifest.sha256, keys)
    print("| reference samples | learned by | mean change | SD | mean absolute | SD between batches |")
    print("|---|---|---|---|---|---|")
    for size in SIZES:
        for spoil in (clean, two_failed, outlying_values):
            for name, learn in LEARNERS.items():
                told = f"{size}, {spoil.__name__.replace('_', ' ')}"
                print(f"| {told} | {name} | {moved(model, manifest, learn, size, spoil)} |")
    print("\n| sequenced | mean change | SD | mean absolute | right refused | wrong refused |")
    print("|---|---|---|---|---|---|")
    for size, pool in product((20, 40), ("consecutive", "only positive", "only negative")):
        print(f"| {size}, {pool} | {at_the_gate(model, data, manifest, size, pool)} |")
    print("\n| cohort | samples | consecutive | only positive | only negative |")
    print("|---|---|---|---|---|")
    cohorts = [("TRANSBIG", data.values, data.subgroups[RECEPTOR_POSITIVE])]
    cohorts += [(folder.name, *real(folder, manifest)) for folder in options.cohort]
    for name, values, positive in cohorts:
        print("\n".join(consecutive_rows(name, values, positive, manifest)))


if __name__ == "__main__":
    main()
