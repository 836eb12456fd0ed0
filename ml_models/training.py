"""Train, measure, seal and store a release from a cohort.

A first start runs ``python -m ml_models.training --store DIR`` for the release of TRANSBIG, with the
keys in the environment: MODEL_SIGNING_KEY, MODEL_PUBLIC_KEYS and MODEL_ENCRYPTION_KEY in base64, or each with
_FILE appended naming a file that holds it.
"""

import argparse
import hashlib
import io
import json
import os
import platform
import sys
import time
from collections.abc import Mapping
from importlib.metadata import version as installed
from pathlib import Path

import joblib
import numpy as np
import numpy.typing as npt
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from ml_models.classification import classifiable_share
from ml_models.cohorts import PanelGene, TrainingData, load_transbig
from ml_models.estimators import HORIZONS, DistantMetastasisRisk
from ml_models.evaluation import (
    FIVE_YEARS,
    CrossValidated,
    bootstrap_weights,
    categories,
    cross_validate,
    evaluate,
    figures,
    observed_incidence,
)
from ml_models.gating import learn_thresholds, with_passed
from ml_models.manifest import (
    AgeRange,
    Classification,
    Cohort,
    Comparison,
    Gene,
    Libraries,
    Manifest,
    MissingCost,
    MissingGenes,
    Part,
    Parts,
    Performance,
    Training,
    Tuning,
)
from ml_models.onnx_export import export
from ml_models.pickled import PickledModel
from ml_models.portable import PortableModel
from ml_models.registry import ReleaseStore
from ml_models.scores import Scores
from ml_models.sealing import MAXIMUM_MANIFEST_SIZE, ReleaseKeys, seal

Floats = npt.NDArray[np.float64]

NAME = "rotterdam76-ridge"
VERSION = "1.0.0"
SEED = 7390
CUT_POINTS = (0.10, 0.20)
# Farther than the width of a band, a category would contradict its own interval; so most have none.
CROSSING_MAXIMUM = 0.10
FOLDS = 5
REPEATS = 3
METRIC_BOOTSTRAPS = 500
WARN_BELOW = 0.90
REFUSE_BELOW = 0.70
# Of the panel: what it costs when so many genes were not measured.
MISSING_SHARES = (0.05, 0.10, 0.20, 0.30)
MISSING_DRAWS = 10
PARITY = 1e-9
PERTURBED_ROWS = 1000


class ManifestTooLargeError(ValueError):
    """The manifest could not be read back: for whoever trains; the panel is too large."""


class ParityError(ArithmeticError):
    """Pickle and ONNX disagree: for whoever trains; there is no release."""


def train_release(
    data: TrainingData,
    keys: ReleaseKeys,
    store: ReleaseStore,
    *,
    name: str = NAME,
    version: str = VERSION,
    seed: int = SEED,
    comparison: Comparison | None = None,
) -> Manifest:
    """Fit, cross-validate, export, compare the two forms, seal and store; returns the manifest.

    A ``comparison`` with other estimators, if one was run, goes into the manifest as it is.

    The same data and seed give the same manifest, to the byte, with the same libraries on the same machine.

    Raises
    ------
    ParityError
        When the two forms differ by more than 1e-9 anywhere; nothing is stored then.
    ManifestTooLargeError
    ml_models.gating.BlindGateError
        When no gate could be learned that refuses samples with shuffled genes; nothing is stored then.
    ml_models.registry.ReleaseExistsError
    """
    # One thread: how a library splits its sums must not reach the digest.
    with threadpool_limits(1):
        started = time.perf_counter()
        model = DistantMetastasisRisk(seed=seed).fit(data.values, data.age, data.outcomes.structured)
        _report("fitted", started)
        checked = cross_validate(data.values, data.age, data.outcomes, seed, folds=FOLDS, repeats=REPEATS)
        _report("cross-validated", started)
        pickle, onnx = pickled_bytes(model), export(model)
        parts = Parts(pickle=_part(pickle), onnx=_part(onnx))
        manifest = _manifest(data, model, checked, parts, comparison, name=name, version=version)
        _require_readable(manifest)
        _report("described", started)
        require_parity(PickledModel(pickle, manifest), PortableModel(onnx, manifest), data, seed)
        _report("compared", started)
    store.save(seal(manifest, pickle, onnx, keys))
    return manifest


def _require_readable(manifest: Manifest) -> None:
    size = len(manifest.canonical_bytes())
    if size > MAXIMUM_MANIFEST_SIZE:
        raise ManifestTooLargeError(f"the manifest has {size:,} bytes, over {MAXIMUM_MANIFEST_SIZE:,}")


def pickled_bytes(model: DistantMetastasisRisk) -> bytes:
    """Return the pickle of a model, the same bytes for the same model.

    Pickle writes an object met twice as a reference, and whether two equal strings are one object depends
    on how they came about; after one round trip it no longer does.
    """
    return _dumped(joblib.load(io.BytesIO(_dumped(model))))


def _dumped(model: DistantMetastasisRisk) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(model, buffer)
    return buffer.getvalue()


def require_parity(pickled: PickledModel, portable: PortableModel, data: TrainingData, seed: int) -> None:
    """Compare the two forms on every training row and on perturbed ones, with and without age and all genes.

    Raises
    ------
    ParityError
    """
    random = np.random.default_rng(seed)
    for values, age in _probes(data, random):
        difference = largest_difference(pickled.score(values, age), portable.score(values, age))
        if not difference <= PARITY:
            raise ParityError(f"pickle and ONNX differ by {difference}")


def largest_difference(a: Scores, b: Scores) -> float:
    """Return the largest absolute difference of any number in two scores."""
    fields = ("log_hazard", "risk", "lower", "upper", "contributions")
    return max(float(np.abs(getattr(a, field) - getattr(b, field)).max()) for field in fields)


def _probes(data: TrainingData, random: np.random.Generator) -> list[tuple[Floats, Floats]]:
    unknown = np.full(len(data.age), np.nan)
    rows = random.integers(len(data.age), size=PERTURBED_ROWS)
    noise = random.normal(0.0, 1.0, size=(PERTURBED_ROWS, data.values.shape[1]))
    sometimes = np.where(random.random(PERTURBED_ROWS) < 0.5, data.age[rows], np.nan)  # noqa: PLR2004 # nosec B311
    return [
        (data.values, data.age),
        (data.values, unknown),
        (with_missing(data.values, data.values.shape[1] // 10, random), data.age),
        (data.values[rows] + noise, sometimes),
    ]


def with_missing(values: Floats, count: int, random: np.random.Generator) -> Floats:
    """Return a copy in which the same ``count`` genes, drawn at random, are missing from every row."""
    thinned = values.copy()
    thinned[:, random.choice(values.shape[1], count, replace=False)] = np.nan  # nosec B311
    return thinned


def _manifest(
    data: TrainingData,
    model: DistantMetastasisRisk,
    checked: CrossValidated,
    parts: Parts,
    comparison: Comparison | None,
    *,
    name: str,
    version: str,
) -> Manifest:
    weights = bootstrap_weights(len(data.age), METRIC_BOOTSTRAPS, model.seed)
    genes, about = _genes(data.panel, model), data.provenance
    thresholds = about.thresholds or learn_thresholds(data.values, model.seed)
    return Manifest(
        name=name,
        version=version,
        intended_use=about.intended_use,
        unit=about.unit,
        platform=about.platform,
        horizons=HORIZONS,
        genes=genes,
        correlation=tuple(model.imputer_.correlation_[np.triu_indices(len(genes), 1)].tolist()),
        gate=with_passed(thresholds, data.values, model.imputer_.mean_, model.imputer_.scale_),
        missing=MissingGenes(
            warn_below=WARN_BELOW, refuse_below=REFUSE_BELOW, cost=_missing_costs(data.values, model)
        ),
        age=AgeRange(minimum=float(data.age.min()), maximum=float(data.age.max())) if data.has_age else None,
        cohort=_cohort(data),
        classification=_classification(data, model, checked),
        performance=Performance(
            folds=FOLDS,
            repeats=REPEATS,
            bootstraps=METRIC_BOOTSTRAPS,
            without_age=figures(checked.without_age, data.outcomes, weights),
            with_age=figures(checked.with_age, data.outcomes, weights) if data.has_age else None,
        ),
        evaluation=evaluate(
            checked.without_age, data.outcomes, weights, CUT_POINTS, subgroups=data.subgroups
        ),
        comparison=comparison,
        training=_training(data, model),
        parts=parts,
    )


def _classification(
    data: TrainingData, model: DistantMetastasisRisk, checked: CrossValidated
) -> Classification:
    bands = categories(checked.without_age, data.outcomes, CUT_POINTS)
    scores = model.score(data.values, np.full(len(data.age), np.nan))
    risk, lower, upper = (estimate[:, FIVE_YEARS] for estimate in (scores.risk, scores.lower, scores.upper))
    return Classification(
        categories=bands,
        crossing_maximum=CROSSING_MAXIMUM,
        classifiable_share=classifiable_share(risk, lower, upper, bands, CROSSING_MAXIMUM),
    )


def _genes(panel: tuple[PanelGene, ...], model: DistantMetastasisRisk) -> tuple[Gene, ...]:
    imputer = model.imputer_
    return tuple(
        Gene(
            symbol=gene.symbol,
            entrez_id=gene.entrez_id,
            ensembl_id=gene.ensembl_id,
            probe_sets=gene.probe_sets,
            former_symbols=gene.former_symbols,
            mean=mean,
            sd=sd,
        )
        for gene, mean, sd in zip(panel, imputer.mean_.tolist(), imputer.scale_.tolist(), strict=True)
    )


def _missing_costs(values: Floats, model: DistantMetastasisRisk) -> tuple[MissingCost, ...]:
    """Take genes away at random, and see how far the 5-year risk moves."""
    random = np.random.default_rng(model.seed)
    complete = _risk_5y(values, model)
    return tuple(
        MissingCost(
            missing=count,
            mean_absolute_change_5y=100 * float(np.mean(_changes(values, complete, count, model, random))),
        )
        for count in sorted({max(1, round(share * values.shape[1])) for share in MISSING_SHARES})
    )


def _changes(
    values: Floats, complete: Floats, count: int, model: DistantMetastasisRisk, random: np.random.Generator
) -> Floats:
    thinned = (with_missing(values, count, random) for _ in range(MISSING_DRAWS))
    return np.array([np.abs(_risk_5y(draw, model) - complete) for draw in thinned])


def _risk_5y(values: Floats, model: DistantMetastasisRisk) -> Floats:
    _, risk = model.predict(values, np.full(len(values), np.nan))
    return risk[:, FIVE_YEARS]


def _cohort(data: TrainingData) -> Cohort:
    return Cohort(
        name=data.provenance.name,
        citation=data.provenance.citation,
        patients=len(data.outcomes.event),
        distant_metastases=int(data.outcomes.event.sum()),
        observed=observed_incidence(data.outcomes),
    )


def _training(data: TrainingData, model: DistantMetastasisRisk) -> Training:
    libraries = Libraries(
        python=platform.python_version(),
        numpy=installed("numpy"),
        scikit_learn=installed("scikit-learn"),
        joblib=installed("joblib"),
    )
    return Training(
        data_sha256=data.sha256,
        seed=model.seed,
        draws=model.replicates,
        without_age=_tuning(model.without_age_),
        with_age=_tuning(model.with_age_) if model.with_age_ else None,
        libraries=libraries,
    )


def _tuning(pipeline: Pipeline) -> Tuning:
    return Tuning(penalty=pipeline["cox"].alpha, slope=pipeline["cox"].slope)


def _part(content: bytes) -> Part:
    return Part(sha256=hashlib.sha256(content).hexdigest(), size=len(content))


def keys_from(environment: Mapping[str, str]) -> ReleaseKeys:
    """Read the keys from environment variables, or from the files that NAME_FILE variables name.

    Raises
    ------
    KeyError
        When a key is not there.
    ValueError
        When one is malformed.
    """
    return ReleaseKeys.from_text(
        signing=_secret(environment, "MODEL_SIGNING_KEY"),
        public=_secret(environment, "MODEL_PUBLIC_KEYS"),
        encryption=_secret(environment, "MODEL_ENCRYPTION_KEY"),
    )


def _secret(environment: Mapping[str, str], name: str) -> str:
    path = environment.get(f"{name}_FILE")
    return Path(path).read_text(encoding="ascii") if path else environment[name]


def _report(stage: str, started: float) -> None:
    print(f"{time.perf_counter() - started:6.2f} s  {stage}", file=sys.stderr, flush=True)


def main() -> None:
    """Train a release, unless it is sealed already, and print name, version and digest as a line of JSON."""
    parser = argparse.ArgumentParser(description="Train, seal and store a release from the TRANSBIG cohort.")
    parser.add_argument("--store", type=Path, required=True, help="folder of the releases")
    parser.add_argument("--name", default=NAME)
    parser.add_argument("--version", default=VERSION)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    keys, store = keys_from(os.environ), ReleaseStore(options.store)
    # A start that was cut off between sealing and registering leaves a release that is as good as new.
    if (options.name, options.version) in store.names():
        manifest = store.manifest(options.name, options.version, keys)
    else:
        data = load_transbig()
        manifest = train_release(
            data, keys, store, name=options.name, version=options.version, seed=options.seed
        )
    print(json.dumps({"name": manifest.name, "version": manifest.version, "sha256": manifest.sha256}))


if __name__ == "__main__":
    main()
