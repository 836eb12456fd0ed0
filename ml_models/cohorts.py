"""Cohorts to train on: expression, age and outcome of patients, and the panel that was measured."""

import csv
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import numpy.typing as npt
from sksurv.datasets import load_breast_cancer

from ml_models.manifest import Thresholds, Unit
from ml_models.measures import Outcomes

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

RECEPTOR_POSITIVE = "oestrogen receptor positive"
RECEPTOR_NEGATIVE = "oestrogen receptor negative"
AGE_BANDS = (
    ("aged 40 or younger", 0, 40),
    ("aged 41 to 50", 41, 50),
    ("aged 51 or older", 51, 200),
)


@dataclass(frozen=True, slots=True)
class PanelGene:
    """A gene of the panel file, with the probe sets whose mean is its value.

    ``sign`` is that of its published effect: 1 where more of it meant more metastasis, -1 where less did,
    None where none is published.
    """

    symbol: str
    entrez_id: int | None = None
    ensembl_id: str | None = None
    probe_sets: tuple[str, ...] = ()
    former_symbols: tuple[str, ...] = ()
    sign: float | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a cohort is and what a model of it is for, in words and in the codes of the manifest.

    ``thresholds`` of the gate are None where they were not stated beforehand: training then learns them.
    """

    name: str
    citation: str
    intended_use: str
    unit: Unit
    platform: str
    thresholds: Thresholds | None = None


TRANSBIG = Provenance(
    name="GSE7390 (TRANSBIG)",
    citation=(
        "Desmedt C, Piette F, Loi S, et al. Strong time dependence of the 76-gene prognostic signature for "
        "node-negative breast cancer patients in the TRANSBIG multicenter independent validation series. "
        "Clin Cancer Res 2007;13(11):3207-14."
    ),
    intended_use=(
        "Research use only. Estimates the risk of distant metastasis of node-negative breast cancer without "
        "systemic therapy from the 76 probe sets of the Rotterdam signature on Affymetrix HG-U133A. "
        "Not for decisions on treatment."
    ),
    unit="log2_intensity",
    platform="affymetrix-hgu133a",
    # Fixed before the first release, on samples of other cohorts and platforms.
    thresholds=Thresholds(spearman_minimum=0.79, platform_spearman_minimum=0.40, mean_absolute_z_maximum=1.3),
)


@dataclass(frozen=True, slots=True)
class TrainingData:
    """A cohort to train on.

    Attributes
    ----------
    values : array of shape (n, genes)
        Complete, in the unit of ``provenance``, genes in the order of ``panel``.
    age : array of shape (n,)
        Years, complete, or NaN for everybody.
    outcomes : Outcomes
        Distant metastasis, and time to it or to the last visit in days.
    panel : tuple of PanelGene
        Sorted by symbol.
    subgroups : mapping of name to array of shape (n,)
        Who belongs to each part of the cohort that the figures are also given for.
    provenance : Provenance
    """

    values: Floats
    age: Floats
    outcomes: Outcomes
    panel: tuple[PanelGene, ...]
    subgroups: Mapping[str, Bools]
    provenance: Provenance

    @property
    def has_age(self) -> bool:
        """Whether the ages are known."""
        return not bool(np.isnan(self.age).any())

    @property
    def sha256(self) -> str:
        """SHA-256 of symbols, values, ages, events and times."""
        digest = hashlib.sha256(",".join(gene.symbol for gene in self.panel).encode())
        for array in (self.values, self.age, self.outcomes.event, self.outcomes.time):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def load_panel() -> tuple[PanelGene, ...]:
    """Return the 69 genes of the panel, sorted by symbol; two probe sets without a gene are left out."""
    text = files("ml_models").joinpath("panel76.csv").read_text(encoding="utf-8")
    rows = [row for row in csv.DictReader(io.StringIO(text)) if row["symbol"]]
    symbols = sorted({row["symbol"] for row in rows})
    return tuple(_gene([row for row in rows if row["symbol"] == symbol]) for symbol in symbols)


def _gene(rows: list[dict[str, str]]) -> PanelGene:
    symbol = rows[0]["symbol"]
    former = {row["symbol_2005"] for row in rows} - {symbol, ""}
    return PanelGene(
        symbol=symbol,
        entrez_id=int(rows[0]["entrez_id"]),
        ensembl_id=rows[0]["ensembl_id"],
        probe_sets=tuple(sorted(row["probe_set"] for row in rows)),
        former_symbols=tuple(sorted(former)),
        sign=1.0 if rows[0]["weight_sign"] == "+" else -1.0,
    )


def load_transbig() -> TrainingData:
    """Return the 198 patients of TRANSBIG (GSE7390) that scikit-survival ships."""
    table, y = load_breast_cancer()
    panel = load_panel()
    # The file's probe sets carry an X in front, because names there must not begin with a digit.
    columns = [table[[f"X{probe}" for probe in gene.probe_sets]].to_numpy().mean(axis=1) for gene in panel]
    age = table["age"].to_numpy(dtype=np.float64)
    positive = (table["er"] == "positive").to_numpy()
    return TrainingData(
        values=np.column_stack(columns),
        age=age,
        outcomes=Outcomes(y["e.tdm"], y["t.tdm"]),
        panel=panel,
        subgroups={**age_bands(age), RECEPTOR_POSITIVE: positive, RECEPTOR_NEGATIVE: ~positive},
        provenance=TRANSBIG,
    )


def age_bands(age: Floats) -> dict[str, Bools]:
    """Return who belongs to each band of ``age`` (n,) in years."""
    return {words: (age >= low) & (age <= high) for words, low, high in AGE_BANDS}
