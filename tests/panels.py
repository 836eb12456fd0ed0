"""Panels of real patients of GSE7390, as the doors receive them."""

from functools import cache
from typing import Any

from ml_models.cohorts import TrainingData, load_transbig
from ml_models.manifest import Gene


@cache
def transbig() -> TrainingData:
    """The cohort that scikit-survival ships."""
    return load_transbig()


def genes_of() -> tuple[Gene, ...]:
    """The genes of TRANSBIG as a manifest names them."""
    data = transbig()
    pairs = zip(data.panel, data.values.T, strict=True)
    return tuple(
        Gene(
            symbol=gene.symbol,
            entrez_id=gene.entrez_id,
            ensembl_id=gene.ensembl_id,
            probe_sets=gene.probe_sets,
            former_symbols=gene.former_symbols,
            mean=values.mean(),
            sd=values.std(),
        )
        for gene, values in pairs
    )


def values_of(patient: int) -> dict[str, float]:
    """HGNC symbol to log2 intensity of one patient (0 to 197)."""
    data = transbig()
    symbols = [gene.symbol for gene in data.panel]
    return dict(zip(symbols, (float(value) for value in data.values[patient]), strict=True))


def age_of(patient: int) -> int:
    """Whole years."""
    return int(transbig().age[patient])


def as_text(values: dict[str, Any], delimiter: str = "\t") -> str:
    """Two columns, as they are pasted."""
    return "\n".join(
        f"{symbol}{delimiter}{'' if value is None else value}" for symbol, value in values.items()
    )


def as_body(values: dict[str, Any], **case: Any) -> dict[str, Any]:
    """The JSON body of `predict`."""
    expression = {"unit": "log2_intensity", "identifiers": "hgnc_symbol", "values": values}
    return {"case": case, "expression": expression}
