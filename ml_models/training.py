"""Train, measure, seal and store a release from the TRANSBIG cohort.

Run ``python -m ml_models.training --store DIR`` with the keys in the environment: MODEL_SIGNING_KEY,
MODEL_PUBLIC_KEYS and MODEL_ENCRYPTION_KEY in base64, or each with _FILE appended naming a file that holds it.
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

from ml_models.applicability import judge, resemblance
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
from ml_models.manifest import (
    AgeRange,
    Classification,
    Cohort,
    Comparison,
    Gate,
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
from ml_models.measures import Outcomes
from ml_models.onnx_export import export
from ml_models.pickled import PickledModel
from ml_models.portable import PortableModel
from ml_models.registry import ReleaseStore
from ml_models.scores import Scores
from ml_models.sealing import ReleaseKeys, seal

Floats = npt.NDArray[np.float64]

NAME = "rotterdam76-ridge"
VERSION = "1.0.0"
SEED = 7390
INTENDED_USE = (
    "Research use only. Estimates the risk of distant metastasis of node-negative breast cancer without "
    "systemic therapy from the 76 probe sets of the Rotterdam signature on Affymetrix HG-U133A. "
    "Not for decisions on treatment."
)
COHORT = "GSE7390 (TRANSBIG)"
CITATION = (
    "Desmedt C, Piette F, Loi S, et al. Strong time dependence of the 76-gene prognostic signature for "
    "node-negative breast cancer patients in the TRANSBIG multicenter independent validation series. "
    "Clin Cancer Res 2007;13(11):3207-14."
)
CUT_POINTS = (0.10, 0.20)
# With 5 points too few estimates could be classified (4 of 10), with 15 a category would say too little.
CROSSING_MAXIMUM = 0.10
FOLDS = 5
REPEATS = 3
METRIC_BOOTSTRAPS = 500
# The gate was fixed beforehand; how many training samples pass it is measured into the manifest.
SPEARMAN_MINIMUM = 0.79
PLATFORM_SPEARMAN_MINIMUM = 0.40
MEAN_ABSOLUTE_Z_MAXIMUM = 1.3
WARN_BELOW = 0.90
REFUSE_BELOW = 0.70
MISSING_COUNTS = (3, 7, 14, 21)
MISSING_DRAWS = 10
PARITY = 1e-9
PERTURBED_ROWS = 1000


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
        _report("described", started)
        require_parity(PickledModel(pickle, manifest), PortableModel(onnx, manifest), data, seed)
        _report("compared", started)
    store.save(seal(manifest, pickle, onnx, keys))
    return manifest


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
    sometimes = np.where(random.random(PERTURBED_ROWS) < 0.5, data.age[rows], np.nan)  # noqa: PLR2004
    return [
        (data.values, data.age),
        (data.values, unknown),
        (with_missing(data.values, 7, random), data.age),
        (data.values[rows] + noise, sometimes),
    ]


def with_missing(values: Floats, count: int, random: np.random.Generator) -> Floats:
    """Return a copy in which the same ``count`` genes, drawn at random, are missing from every row."""
    thinned = values.copy()
    thinned[:, random.choice(values.shape[1], count, replace=False)] = np.nan
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
    genes = _genes(data.panel, model)
    return Manifest(
        name=name,
        version=version,
        intended_use=INTENDED_USE,
        unit="log2_intensity",
        platform="affymetrix-hgu133a",
        horizons=HORIZONS,
        genes=genes,
        correlation=tuple(model.imputer_.correlation_[np.triu_indices(len(genes), 1)].tolist()),
        gate=_gate(data.values, genes),
        missing=MissingGenes(
            warn_below=WARN_BELOW, refuse_below=REFUSE_BELOW, cost=_missing_costs(data.values, model)
        ),
        age=AgeRange(minimum=float(data.age.min()), maximum=float(data.age.max())),
        cohort=_cohort(data.outcomes),
        classification=_classification(data, model, checked),
        performance=Performance(
            folds=FOLDS,
            repeats=REPEATS,
            bootstraps=METRIC_BOOTSTRAPS,
            without_age=figures(checked.without_age, data.outcomes, weights),
            with_age=figures(checked.with_age, data.outcomes, weights),
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


def _gate(values: Floats, genes: tuple[Gene, ...]) -> Gate:
    """State the thresholds, and count the training rows that they let through."""
    gate = Gate(
        spearman_minimum=SPEARMAN_MINIMUM,
        platform_spearman_minimum=PLATFORM_SPEARMAN_MINIMUM,
        mean_absolute_z_maximum=MEAN_ABSOLUTE_Z_MAXIMUM,
        passed=0,
        of=len(values),
    )
    means, sds = np.array([gene.mean for gene in genes]), np.array([gene.sd for gene in genes])
    evidence = zip(*resemblance(values, means, sds), strict=True)
    passed = sum(judge(spearman, distance, gate) == "ok" for spearman, distance in evidence)
    return gate.model_copy(update={"passed": passed})


def _missing_costs(values: Floats, model: DistantMetastasisRisk) -> tuple[MissingCost, ...]:
    """Take genes away at random, and see how far the 5-year risk moves."""
    random = np.random.default_rng(model.seed)
    complete = _risk_5y(values, model)
    return tuple(
        MissingCost(
            missing=count,
            mean_absolute_change_5y=100 * float(np.mean(_changes(values, complete, count, model, random))),
        )
        for count in MISSING_COUNTS
    )


def _changes(
    values: Floats, complete: Floats, count: int, model: DistantMetastasisRisk, random: np.random.Generator
) -> Floats:
    thinned = (with_missing(values, count, random) for _ in range(MISSING_DRAWS))
    return np.array([np.abs(_risk_5y(draw, model) - complete) for draw in thinned])


def _risk_5y(values: Floats, model: DistantMetastasisRisk) -> Floats:
    _, risk = model.predict(values, np.full(len(values), np.nan))
    return risk[:, FIVE_YEARS]


def _cohort(outcomes: Outcomes) -> Cohort:
    return Cohort(
        name=COHORT,
        citation=CITATION,
        patients=len(outcomes.event),
        distant_metastases=int(outcomes.event.sum()),
        observed=observed_incidence(outcomes),
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
        bootstraps=model.replicates,
        without_age=_tuning(model.without_age_),
        with_age=_tuning(model.with_age_),
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
