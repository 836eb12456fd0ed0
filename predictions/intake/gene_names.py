"""Every name under which a lab may write a gene of a release's panel.

A release names its genes itself, in its sealed manifest. What HGNC, NCBI and Ensembl call them besides
stands in `gene_names.csv`, beside the manifest and not in it: another name does not change a model.
"""

import csv
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from ml_models.manifest import Gene
from predictions.intake.spreadsheet_damage import is_rounded, likely_genes

HGNC_SYMBOL = "hgnc_symbol"
ENTREZ = "entrez_gene_id"
ENSEMBL = "ensembl_gene_id"
PROBE_SET = "affymetrix_probe_set"
COLUMNS = (
    "hgnc_id",
    "symbol",
    "previous_symbols",
    "aliases",
    "shared_names",
    "entrez_id",
    "ensembl_id",
)
VERSIONED_ENSEMBL = re.compile(r"(ENSG\d{11})\.\d{1,4}", re.ASCII)

Names = Mapping[str, str]


@dataclass(frozen=True)
class PanelNames:
    """The names of a panel's genes, each with the gene's HGNC symbol.

    `certain` has, by kind, the names that are the gene; `former` and `aliases` are proposals that a person
    confirms. `shared` are names of several genes, of which only the first of the panel stands there: they
    are never read, only hinted at. `folded` has certain symbols and proposals in one case.
    """

    certain: Mapping[str, Names]
    former: Names
    aliases: Names
    shared: Names
    folded: Names

    def find(self, identifier: str, kind: str) -> str | None:
        """The gene that this identifier certainly is."""
        if kind == ENSEMBL:
            identifier = without_version(identifier)
        return self.certain[kind].get(identifier)

    def propose(self, identifier: str, kind: str) -> str | None:
        """The gene of which this is a previous symbol or an alias."""
        if kind != HGNC_SYMBOL:
            return None
        return self.former.get(identifier) or self.aliases.get(identifier)

    def knows(self, identifier: str, kind: str) -> bool:
        """Whether it is, or may be confirmed to be, a gene of the panel."""
        return bool(self.find(identifier, kind) or self.propose(identifier, kind))

    def concerns(self, identifier: str) -> bool:
        """Whether it has anything to do with the panel, also in another case or damaged."""
        near = identifier.casefold() in self.folded
        return near or self.names(identifier) or bool(self.lost(identifier))

    def names(self, identifier: str) -> bool:
        """Whether it is, or may be confirmed to be, a gene of the panel in identifiers of any kind."""
        return any(self.knows(identifier, kind) for kind in self.certain)

    def lost(self, identifier: str) -> list[str]:
        """The genes of the panel of which a spreadsheet may have made this."""
        symbols, numbers = self.certain[HGNC_SYMBOL], self.certain[ENTREZ]
        likely = [symbol for symbol in likely_genes(identifier) if symbol in symbols]
        if "E+" not in identifier:  # a file has many names, and nearly none of them is a rounded number
            return likely
        return likely + [symbol for number, symbol in numbers.items() if is_rounded(identifier, number)]


def wanted_by(genes: Iterable[Gene]) -> Callable[[str], bool]:
    """What a reader of files asks of each identifier: whether it may concern the panel."""
    return names_of(tuple(genes)).concerns


def without_version(identifier: str) -> str:
    """An Ensembl gene without the version of its annotation; anything else as it stands."""
    found = VERSIONED_ENSEMBL.fullmatch(identifier)
    return found[1] if found else identifier


@lru_cache(maxsize=8)
def names_of(genes: tuple[Gene, ...]) -> PanelNames:
    """The names of the genes of a panel: the release's own, and those of the catalogue."""
    rows = _catalogue()
    known = [(gene, rows.get(gene.symbol, {})) for gene in genes]
    symbols = {gene.symbol: gene.symbol for gene in genes}
    former = _proposals(
        (name, gene.symbol)
        for gene, row in known
        for name in (*gene.former_symbols, *_names(row, "previous_symbols"))
    )
    aliases = _proposals((name, gene.symbol) for gene, row in known for name in _names(row, "aliases"))
    certain = {
        HGNC_SYMBOL: symbols,
        ENTREZ: _identifiers((gene.entrez_id, row.get("entrez_id"), gene.symbol) for gene, row in known),
        ENSEMBL: _identifiers((gene.ensembl_id, row.get("ensembl_id"), gene.symbol) for gene, row in known),
        PROBE_SET: {probe_set: gene.symbol for gene in genes for probe_set in gene.probe_sets},
    }
    former = {name: symbol for name, symbol in former.items() if name not in symbols}
    aliases = {name: symbol for name, symbol in aliases.items() if name not in symbols and name not in former}
    return PanelNames(
        certain=certain,
        former=former,
        aliases=aliases,
        shared={name: gene.symbol for gene, row in reversed(known) for name in _names(row, "shared_names")},
        folded={name.casefold(): symbol for name, symbol in {**aliases, **former, **symbols}.items()},
    )


def _proposals(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Names of one gene each: what two genes of the panel were called is nobody's to assign."""
    found: dict[str, set[str]] = {}
    for name, symbol in pairs:
        found.setdefault(name, set()).add(symbol)
    return {name: symbol for name, (symbol, *others) in found.items() if not others}


def _identifiers(rows: Iterable[tuple[int | str | None, str | None, str]]) -> dict[str, str]:
    """The release's own identifier where it states one, else that of the catalogue."""
    chosen = ((own or other, symbol) for own, other, symbol in rows)
    return {str(identifier): symbol for identifier, symbol in chosen if identifier}


def _names(row: Mapping[str, str], column: str) -> list[str]:
    return [name for name in row.get(column, "").split("|") if name]


@lru_cache(maxsize=1)
def _catalogue() -> dict[str, dict[str, str]]:
    text = files("predictions.intake").joinpath("gene_names.csv").read_text(encoding="utf-8")
    return {row["symbol"]: row for row in csv.DictReader(text.splitlines())}
