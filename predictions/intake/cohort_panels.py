"""Panels of many samples at once: whatever all samples of a file share is found once.

A sample is taken here only if every check of a single panel would take it without a word of its own. All
others go through those checks one by one, so that what is said of them is what is said of one panel.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ml_models.manifest import Manifest
from ml_models.units import HIGHEST_LOG2, NEGATIVE_SHARE
from predictions.exceptions import PanelRefused
from predictions.intake.identifiers import KINDS, identify
from predictions.intake.measurements import Measurement, PanelRequest
from predictions.intake.panel import OLDEST, YOUNGEST, Panel, build_panel, is_reference
from predictions.intake.tables import Chunk, Table

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Layout:
    """What the samples of one file share.

    `request` is that of each sample but for its measurements, age and name; `panel` that of each which
    every check takes. `columns` says for each gene of the release which identifiers of the file measure it.
    """

    manifest: Manifest
    request: PanelRequest
    panel: Panel
    identifiers: tuple[str, ...]
    columns: tuple[tuple[int, ...], ...]


def lay_out(table: Table, request: PanelRequest, manifest: Manifest) -> Layout:
    """Find the genes of a file.

    Raises
    ------
    PanelRefused
        With every problem for which no sample of the file could be read.
    """
    typical = manifest.means.tolist()
    found = identify(
        [Measurement(name, 0.0) for name in table.identifiers],
        manifest.genes,
        request.identifiers if request.identifiers in KINDS else None,
        accept_former=request.accept_former_symbols,
    )
    places = _places(table.identifiers, found.kind, found.former, manifest)
    columns = tuple(places.get(symbol, ()) for symbol in manifest.symbols)
    measurements = tuple(
        Measurement(table.identifiers[place], value)
        for gene, value in zip(columns, typical, strict=True)
        for place in gene
    )
    rest = tuple(
        Measurement(name, 0.0)
        for place, name in enumerate(table.identifiers)
        if not any(place in gene for gene in columns)
    )
    shared = replace(request, steps=(*request.steps, *table.steps))
    panel = build_panel(replace(shared, measurements=(*measurements, *rest)), manifest)
    others = (*panel.not_in_panel, *table.others)
    return Layout(manifest, shared, replace(panel, not_in_panel=others), table.identifiers, columns)


def take(chunk: Chunk, layout: Layout) -> tuple[Floats, Bools]:
    """Values of shape (samples, genes), and which samples every check takes; the others' mean nothing."""
    values = np.column_stack([_mean(chunk.values, gene) for gene in layout.columns])
    taken = _looks_logged(values) & _covered(values, layout) & _without_steps_of_its_own(chunk.values, layout)
    for place in range(len(chunk.rows)):
        if place in chunk.problems or not _is_named(chunk, place):
            taken[place] = False
    return values, taken


def build_one(chunk: Chunk, place: int, layout: Layout) -> Panel:
    """The panel of one sample, through every check.

    Raises
    ------
    PanelRefused
        With every problem, each with the row of the sample.
    """
    if problems := chunk.problems.get(place):
        raise PanelRefused(problems)
    values = chunk.values[place].tolist()
    request = replace(
        layout.request,
        measurements=tuple(
            Measurement(name, None if value != value else value)  # noqa: PLR0124 - NaN alone differs
            for name, value in zip(layout.identifiers, values, strict=True)
        ),
        age_years=chunk.ages[place],
        sample_id=chunk.sample_ids[place],
    )
    try:
        panel = build_panel(request, layout.manifest)
    except PanelRefused as refusal:
        raise located(refusal, chunk.rows[place]) from None
    others = (*panel.not_in_panel, *layout.panel.not_in_panel)
    return replace(panel, not_in_panel=tuple(dict.fromkeys(others)))


def located(refusal: PanelRefused, row: int) -> PanelRefused:
    """The same refusal, of a sample in this row of its file."""
    return PanelRefused([replace(problem, row=problem.row or row) for problem in refusal.problems])


def _places(
    identifiers: Sequence[str], kind: str, former: dict[str, str], manifest: Manifest
) -> dict[str, tuple[int, ...]]:
    """Which identifiers of the file measure each gene, in the order of the file."""
    symbols = {gene.symbol: gene.symbol for gene in manifest.genes} | former
    if kind != "hgnc_symbol":
        symbols = {probe_set: gene.symbol for gene in manifest.genes for probe_set in gene.probe_sets}
    places: dict[str, tuple[int, ...]] = {}
    for place, name in enumerate(identifiers):
        if symbol := symbols.get(name):
            places[symbol] = (*places.get(symbol, ()), place)
    return places


def _mean(values: Floats, gene: tuple[int, ...]) -> Floats:
    """The mean of what was measured of a gene, added up in the order of the file as for one panel."""
    if not gene:
        return np.full(len(values), np.nan)
    if len(gene) == 1:
        return values[:, gene[0]]
    total, count = np.zeros(len(values)), np.zeros(len(values))
    for place in gene:
        measured = ~np.isnan(values[:, place])
        total[measured] += values[measured, place]
        count += measured
    with np.errstate(invalid="ignore"):
        mean: Floats = total / count
    return mean


def _looks_logged(values: Floats) -> Bools:
    """Where `ml_models.units.detect_unit` sees a logarithmic scale: what it takes for counts is higher."""
    measured = np.isfinite(values)
    count = measured.sum(axis=1)
    high = np.where(measured, values, -np.inf).max(axis=1)
    negative = ((values < 0) & measured).sum(axis=1)
    logged: Bools = (count > 0) & (high <= HIGHEST_LOG2) & (negative <= NEGATIVE_SHARE * count)
    return logged


def _covered(values: Floats, layout: Layout) -> Bools:
    share = 1 - np.isnan(values).sum(axis=1) / values.shape[1]
    needed = layout.manifest.missing.refuse_below if layout.request.allow_missing_genes else 1.0
    covered: Bools = share >= needed
    return covered


def _without_steps_of_its_own(values: Floats, layout: Layout) -> Bools:
    """Where every probe set of a gene that has several was measured, so that the steps are the file's."""
    several = [place for gene in layout.columns if len(gene) > 1 for place in gene]
    complete: Bools = ~np.isnan(values[:, several]).any(axis=1)
    return complete


def _is_named(chunk: Chunk, place: int) -> bool:
    age = chunk.ages[place]
    return is_reference(chunk.sample_ids[place]) and (age is None or YOUNGEST <= age <= OLDEST)
