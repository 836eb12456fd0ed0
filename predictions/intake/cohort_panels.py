"""Panels of many samples at once: whatever all samples of a file share is found once.

A sample is taken here only if every check of a single panel would take it without a word of its own. All
others go through those checks one by one, so that what is said of them is what is said of one panel.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest

import numpy as np
import numpy.typing as npt

from ml_models.manifest import Manifest
from ml_models.units import looks_of
from predictions.exceptions import PanelRefused
from predictions.intake.conversions import MILLION
from predictions.intake.identifiers import KINDS, Matched, match
from predictions.intake.measurements import Measurement, PanelRequest
from predictions.intake.opening import others_not_used
from predictions.intake.panel import OLDEST, YOUNGEST, Panel, build_panel, is_reference
from predictions.intake.scales import Profile
from predictions.intake.tables import OTHERS_NAMED, Chunk, Table

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


# What can be wrong with values only, of which a file as a whole has none.
OF_VALUES = {"unit_contradicted", "value_out_of_scale"}


@dataclass(frozen=True)
class Layout:
    """What the samples of one file share.

    `request` is that of each sample but for its values, age and name; its measurements name the identifiers
    of the file. `panel` is that of each sample which every check takes, but for the values. There is none
    where values are converted or mapped: then each sample goes through the checks by itself.
    """

    manifest: Manifest
    request: PanelRequest
    matched: Matched
    profile: Profile | None
    panel: Panel | None


def lay_out(
    table: Table, request: PanelRequest, manifest: Manifest, profile: Profile | None = None
) -> Layout:
    """Find the genes of a file.

    Raises
    ------
    PanelRefused
        With every problem for which no sample of the file could be read.
    """
    names = list(_names(table))
    kind = request.identifiers if request.identifiers in KINDS else None
    matched = match(names, manifest.genes, kind, accept_former=request.accept_former_symbols)
    steps = (*request.steps, *table.steps, *others_not_used(table))
    shared = replace(request, measurements=tuple(names), steps=steps)
    typical = dict(zip(manifest.symbols, manifest.means.tolist(), strict=True))
    values = {column: typical[symbol] for symbol, columns in matched.columns.items() for column in columns}
    sample = _with_values(shared, [values.get(column) for column in range(len(names))])
    sample = replace(sample, total=MILLION if table.has_totals else None)
    panel = _panel_of_file(sample, manifest, profile)
    return Layout(manifest, shared, matched, profile, panel)


def _panel_of_file(sample: PanelRequest, manifest: Manifest, profile: Profile | None) -> Panel | None:
    """The panel of a sample at the training mean; none where the values are of another scale than that."""
    try:
        panel = build_panel(sample, manifest, profile)
    except PanelRefused as refusal:
        of_file = [problem for problem in refusal.problems if problem.code not in OF_VALUES]
        if of_file:
            raise PanelRefused(of_file) from None
        return None
    return panel if panel.measured is None else None


def take(chunk: Chunk, layout: Layout) -> tuple[Floats, Bools]:
    """Values of shape (samples, genes), and which samples every check takes; the others' mean nothing."""
    values = layout.matched.values(chunk.values, layout.manifest.symbols)
    if layout.panel is None:
        return values, np.zeros(len(values), np.bool_)
    alike = looks_of(values) == layout.panel.unit_detected
    checks = [alike, _covered(values, layout), _averaged_alike(chunk.values, layout), _are_named(chunk)]
    taken: Bools = np.logical_and.reduce(checks)
    for place in {*chunk.problems, *chunk.steps}:
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
    values = [None if np.isnan(value) else value for value in chunk.values[place].tolist()]
    request = replace(
        _with_values(layout.request, values),
        age_years=chunk.ages[place],
        sample_id=chunk.sample_ids[place],
        total=chunk.total_of(place),
        steps=(*layout.request.steps, *chunk.steps.get(place, ())),
    )
    try:
        return build_panel(request, layout.manifest, layout.profile, layout.matched)
    except PanelRefused as refusal:
        raise located(refusal, chunk.rows[place]) from None


def located(refusal: PanelRefused, row: int) -> PanelRefused:
    """The same refusal, of a sample in this row of its file."""
    return PanelRefused([replace(problem, row=problem.row or row) for problem in refusal.problems])


def _names(table: Table) -> Iterator[Measurement]:
    """The identifiers of a file, and behind them those that are not of the panel if they are few."""
    lines = table.places or (None,) * len(table.identifiers)
    for name, line in zip(table.identifiers, lines, strict=True):
        yield Measurement(name, None, row=line)
    if table.others_count <= OTHERS_NAMED:
        yield from (Measurement(name, None) for name in dict.fromkeys(table.others) if name)


def _with_values(request: PanelRequest, values: list[float | None]) -> PanelRequest:
    """With values of the identifiers of the panel; of the others none were read."""
    pairs = zip_longest(request.measurements, values)
    return replace(request, measurements=tuple(replace(name, value=value) for name, value in pairs))


def _covered(values: Floats, layout: Layout) -> Bools:
    share = 1 - np.isnan(values).sum(axis=1) / values.shape[1]
    needed = layout.manifest.missing.refuse_below if layout.request.allow_missing_genes else 1.0
    covered: Bools = share >= needed
    return covered


def _averaged_alike(values: Floats, layout: Layout) -> Bools:
    """Where every probe set of a gene that has several was measured, so that the steps are the file's."""
    genes = layout.matched.columns.values()
    several = [column for columns in genes if len(columns) > 1 for column in columns]
    return np.asarray(~np.isnan(values[:, several]).any(axis=1), np.bool_)


def _are_named(chunk: Chunk) -> Bools:
    ages = np.array(chunk.ages, dtype=np.float64)  # None becomes NaN
    named = np.array([is_reference(name) for name in chunk.sample_ids], dtype=np.bool_)
    usual: Bools = np.logical_and.reduce([named, ~(ages < YOUNGEST), ~(ages > OLDEST)])
    return usual
