"""The public half of a release: what it measures, where it applies and how well it did.

A manifest holds no weight. It travels unencrypted beside the sealed model and is bound to it by signature
and by digest, so it contains no timestamp: the same data and seed give the same bytes.
"""

import hashlib
import json
from functools import cached_property
from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

NAME_PATTERN = r"^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$"
VERSION_PATTERN = r"^(?:0|[1-9][0-9]{0,5})(?:\.(?:0|[1-9][0-9]{0,5})){2}$"
SHA256_PATTERN = r"^[0-9a-f]{64}$"

Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Version = Annotated[str, Field(pattern=VERSION_PATTERN)]
Sha256 = Annotated[str, Field(pattern=SHA256_PATTERN)]
Probability = Annotated[float, Field(ge=0, le=1)]
PartName = Literal["pickle", "onnx"]
# Only logarithmic scales of one channel: inside a ratio or a z-score the order of the genes says nothing of
# the platform, so the gate could not tell a wrong sample from a right one.
Unit = Literal["log2_intensity", "log2_tpm", "log2_fpkm", "log2_cpm", "log2_count"]
Platform = Annotated[str, Field(pattern=NAME_PATTERN)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Estimate(_Frozen):
    """A figure with its 95 % interval."""

    value: float
    lower: float
    upper: float


class Gene(_Frozen):
    """One gene of the panel; ``mean`` and ``sd`` are those of the training cohort, in the panel's unit.

    Other names of it are there where the cohort came with them.
    """

    symbol: str
    entrez_id: int | None
    ensembl_id: str | None
    probe_sets: tuple[str, ...]
    former_symbols: tuple[str, ...]
    mean: float
    sd: float = Field(gt=0)


class Thresholds(_Frozen):
    """When a sample looks enough like the training cohort to be scored."""

    spearman_minimum: float
    platform_spearman_minimum: float
    mean_absolute_z_maximum: float


class Gate(Thresholds):
    """The thresholds of a release, and how many training samples pass them."""

    passed: int
    of: int


class MissingCost(_Frozen):
    """Mean absolute change of the 5-year risk, in percentage points, when ``missing`` genes are imputed."""

    missing: int
    mean_absolute_change_5y: float


class MissingGenes(_Frozen):
    """Shares of the panel that must be measured, and what the absent ones cost."""

    warn_below: Probability
    refuse_below: Probability
    cost: tuple[MissingCost, ...]


class AgeRange(_Frozen):
    """Ages in years between which the training patients lie."""

    minimum: float
    maximum: float


class Incidence(_Frozen):
    """Kaplan-Meier cumulative incidence of distant metastasis at a year, with 95 % interval (log-log)."""

    year: int
    incidence: Probability
    lower: Probability
    upper: Probability
    at_risk: int


class Cohort(_Frozen):
    """The training cohort and what was observed in it: the baseline beside every risk."""

    name: str
    citation: str
    patients: int
    distant_metastases: int
    observed: tuple[Incidence, ...]


class Category(_Frozen):
    """A band of 5-year risk [minimum, maximum) with what happened to patients predicted into it.

    ``share`` and ``observed_5y`` come from out-of-fold predictions: no patient helped to predict herself.
    ``observed_5y`` is None when the band was empty.
    """

    minimum: Probability
    maximum: Probability
    patients: int
    share: Probability
    observed_5y: Estimate | None


class Classification(_Frozen):
    """Bands of 5-year risk, and when an estimate is too uncertain to be put into one.

    An interval may reach ``crossing_maximum`` beyond its band; the intervals of ``classifiable_share`` of the
    training cohort do not reach farther.
    """

    categories: tuple[Category, ...]
    crossing_maximum: Probability
    classifiable_share: Probability


class Figures(_Frozen):
    """Nested cross-validation of one fit; every figure with its 95 % patient-bootstrap interval.

    A gain is 1 less the score over that of Kaplan-Meier, which knows no marker; ``ibs`` is the integrated
    Brier score from year 1 to 10.
    """

    c_index_harrell: Estimate
    c_index_uno: Estimate
    auc_5y: Estimate
    auc_10y: Estimate
    brier_gain_5y: Estimate
    brier_gain_10y: Estimate
    ibs_gain: Estimate
    calibration_slope: Estimate
    calibration_intercept_5y: Estimate
    calibration_intercept_10y: Estimate
    observed_expected_5y: Estimate
    observed_expected_10y: Estimate


class Performance(_Frozen):
    """Nested cross-validation of the whole procedure, tuning included.

    ``with_age`` is None, as everywhere, where the cohort came without ages.
    """

    folds: int
    repeats: int
    bootstraps: int
    without_age: Figures
    with_age: Figures | None


class CalibrationPoint(_Frozen):
    """A group of patients of similar 5-year risk: what was predicted on average, and what happened."""

    patients: int
    predicted: Probability
    observed: Estimate


class RocPoint(_Frozen):
    """A point of a receiver operating characteristic."""

    false_positive: Probability
    true_positive: Probability


class NetBenefit(_Frozen):
    """Net benefit, for each patient, of acting above a 5-year risk; acting on nobody has 0.

    ``advantage`` is that of the model over the better of acting on everybody and on nobody.
    """

    threshold: Probability
    model: Estimate
    everybody: Estimate
    advantage: Estimate


class CategoryCurve(_Frozen):
    """What happened, year by year, to patients who were predicted into a band of 5-year risk."""

    minimum: Probability
    maximum: Probability
    observed: tuple[Incidence, ...]


class Subgroup(_Frozen):
    """The figures in a part of the cohort; None where too few events allow none."""

    name: str
    patients: int
    distant_metastases: int
    c_index_harrell: Estimate | None
    observed_expected_5y: Estimate | None


class Evaluation(_Frozen):
    """What plots and tables of a card are drawn from: out-of-fold predictions of the fit without age."""

    calibration_5y: tuple[CalibrationPoint, ...]
    roc_5y: tuple[RocPoint, ...]
    roc_10y: tuple[RocPoint, ...]
    decision_5y: tuple[NetBenefit, ...]
    category_curves: tuple[CategoryCurve, ...]
    subgroups: tuple[Subgroup, ...]


class Candidate(_Frozen):
    """An estimator of the comparison; the difference is that of its 5-year Brier gain to the first one's."""

    name: str
    description: str
    figures: Figures
    brier_gain_difference_5y: Estimate


class Comparison(_Frozen):
    """Nested cross-validation of several estimators on the same folds."""

    folds: int
    repeats: int
    bootstraps: int
    candidates: tuple[Candidate, ...]


class Tuning(_Frozen):
    """Ridge penalty (on standardised columns) and slope that tuning chose."""

    penalty: float
    slope: float


class Libraries(_Frozen):
    """Versions that wrote the release; a pickle is read by the same ones or not at all."""

    python: str
    numpy: str
    scikit_learn: str
    joblib: str


class Training(_Frozen):
    """How the release was made, enough to make it again; ``draws`` are those behind an interval."""

    data_sha256: Sha256
    seed: int
    draws: int
    without_age: Tuning
    with_age: Tuning | None
    libraries: Libraries


class Part(_Frozen):
    """Digest and size in bytes of one form of the model, before encryption."""

    sha256: Sha256
    size: int = Field(gt=0)


class Parts(_Frozen):
    """The two forms of the model."""

    pickle: Part
    onnx: Part


class Manifest(_Frozen):
    """What a release says of itself.

    ``correlation`` is the strict upper triangle, row by row, of the genes' training correlation matrix;
    with the genes' ``mean`` and ``sd`` it is the training covariance that fills missing genes in.
    """

    format: Literal[3] = 3
    name: Name
    version: Version
    intended_use: str
    unit: Unit
    platform: Platform
    horizons: tuple[int, ...]
    genes: tuple[Gene, ...]
    correlation: tuple[float, ...]
    gate: Gate
    missing: MissingGenes
    age: AgeRange | None
    cohort: Cohort
    classification: Classification
    performance: Performance
    evaluation: Evaluation
    comparison: Comparison | None
    training: Training
    parts: Parts

    @model_validator(mode="after")
    def _panel_is_coherent(self) -> Self:
        symbols = self.symbols
        if list(symbols) != sorted(set(symbols)):
            msg = "genes must be distinct and sorted by symbol"
            raise ValueError(msg)
        if len(self.correlation) != len(symbols) * (len(symbols) - 1) // 2:
            msg = "correlation must be the strict upper triangle of the panel"
            raise ValueError(msg)
        return self

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a manifest; raises ``pydantic.ValidationError`` for anything else."""
        return cls.model_validate_json(data)

    def canonical_bytes(self) -> bytes:
        """Return the one JSON text of this manifest: sorted keys, no spaces, UTF-8."""
        content = self.model_dump(mode="json")
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.encode()

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the canonical bytes, in hexadecimal: the identity of the release."""
        return hashlib.sha256(self.canonical_bytes()).hexdigest()

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """Return HGNC symbols in the order of every array of values."""
        return tuple(gene.symbol for gene in self.genes)

    @cached_property
    def means(self) -> npt.NDArray[np.float64]:
        """Return training means, shape (genes,)."""
        return _read_only(np.array([gene.mean for gene in self.genes]))

    @cached_property
    def sds(self) -> npt.NDArray[np.float64]:
        """Return training standard deviations, shape (genes,)."""
        return _read_only(np.array([gene.sd for gene in self.genes]))

    @cached_property
    def correlation_matrix(self) -> npt.NDArray[np.float64]:
        """Return the training correlation, shape (genes, genes)."""
        size = len(self.genes)
        upper = np.zeros((size, size))
        upper[np.triu_indices(size, 1)] = self.correlation
        return _read_only(upper + upper.T + np.eye(size))


def _read_only(array: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    array.flags.writeable = False
    return array
