"""Writes `predictions/intake/gene_names.csv` anew from a table of HGNC:

    python -m tests.gene_names hgnc.tsv

The table is a custom download of genenames.org with the columns that `_names` reads.
"""

import csv
import sys
from collections import Counter
from pathlib import Path

from ml_models.cohorts import load_panel
from predictions.intake import gene_names

TARGET = Path(gene_names.__file__).with_suffix(".csv")
Row = dict[str, str]


def write_names(source: Path) -> None:
    """Write the names of the panel's genes.

    Raises
    ------
    AssertionError
        Where HGNC has another Entrez or Ensembl identifier than the panel's own file.
    """
    with source.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["Status"] == "Approved"]
    approved = {row["Approved symbol"]: row for row in rows}
    users = Counter(name for row in rows for name in {*_split(row, "Previous"), *_split(row, "Alias")})
    with TARGET.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(gene_names.COLUMNS)
        for gene in load_panel():
            row = approved[gene.symbol]
            assert int(row["NCBI Gene ID(supplied by NCBI)"]) == gene.entrez_id
            assert row["Ensembl gene ID"] == gene.ensembl_id
            writer.writerow([row["HGNC ID"], gene.symbol, *_names(row, approved, users)])


def _names(row: Row, approved: dict[str, Row], users: Counter[str]) -> list[str]:
    """Previous symbols and aliases of this gene alone, names that others share, Entrez and Ensembl."""
    previous, aliases = (
        [name for name in _split(row, column) if name not in approved] for column in ("Previous", "Alias")
    )
    shared = {name for name in [*previous, *aliases] if users[name] > 1}
    own = ["|".join(name for name in names if name not in shared) for names in (previous, aliases)]
    identifiers = [row["NCBI Gene ID(supplied by NCBI)"], row["Ensembl gene ID"]]
    return [*own, "|".join(sorted(shared)), *identifiers]


def _split(row: Row, column: str) -> list[str]:
    return [name for name in row[f"{column} symbols"].split(", ") if name]


if __name__ == "__main__":
    write_names(Path(sys.argv[1]))
