"""What a release says of some samples of a cohort, with both of its forms. For workers only."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ml_models.applicability import resemblance
from ml_models.manifest import Manifest
from ml_models.pickled import PickledModel
from ml_models.portable import PortableModel
from ml_models.scores import Scores
from predictions import inference
from predictions.exceptions import PanelRefused, Problem
from predictions.intake.cohort_panels import Layout, build_one, located, take
from predictions.intake.panel import Panel
from predictions.intake.tables import Chunk

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ReadSamples:
    """The samples of a chunk that were read, by their `places` in it, and the problems of all others.

    `panels` holds the panel of each sample that went through the checks by itself; whoever has none there
    has that of the file. `differences` says how far the two readings of each are apart.
    """

    places: npt.NDArray[np.intp]
    values: Floats
    spearman: Floats
    mean_absolute_z: Floats
    scores: Scores
    differences: Floats
    panels: dict[int, Panel]
    refusals: dict[int, tuple[Problem, ...]]


def read_chunk(chunk: Chunk, layout: Layout, portable: PortableModel, pickled: PickledModel) -> ReadSamples:
    """Read every sample of a chunk; the portable form answers, and the pickled one is compared with it."""
    values, usual = take(chunk, layout)
    spearman, distance = _resemblance(values, layout.manifest)
    applies = _applies(spearman, distance, layout.manifest)
    panels, refusals = _read_others(chunk, layout, np.flatnonzero(~usual))
    for place in np.flatnonzero(usual & ~applies).tolist():
        refusals[place] = _why_not(values[place], layout, chunk.rows[place])
    if others := list(panels):
        values[others] = [panel.vector for panel in panels.values()]
        spearman[others], distance[others] = _resemblance(values[others], layout.manifest)
    places = np.array(sorted({*np.flatnonzero(usual & applies).tolist(), *panels}), np.intp)
    ages = np.array([chunk.ages[place] for place in places], dtype=np.float64)  # None becomes NaN
    scored = np.ascontiguousarray(values[places])
    scores = portable.score(scored, ages) if len(places) else _nobody(layout)
    differences = _differences(scores, pickled.score(scored, ages)) if len(places) else np.zeros(0)
    return ReadSamples(
        places, scored, spearman[places], distance[places], scores, differences, panels, refusals
    )


def _read_others(
    chunk: Chunk, layout: Layout, places: npt.NDArray[np.intp]
) -> tuple[dict[int, Panel], dict[int, tuple[Problem, ...]]]:
    """The panels of samples that need checks of their own, and why the others are refused."""
    panels: dict[int, Panel] = {}
    refusals: dict[int, tuple[Problem, ...]] = {}
    for place in places.tolist():
        try:
            panel = build_one(chunk, place, layout)
            inference.check_applicability(panel, layout.manifest)
            panels[place] = panel
        except PanelRefused as refusal:
            refusals[place] = located(refusal, chunk.rows[place]).problems
    return panels, refusals


def _why_not(values: Floats, layout: Layout, row: int) -> tuple[Problem, ...]:
    """Why a sample that every other check takes does not resemble the training cohort enough."""
    assert layout.panel  # noqa: S101 - without one, every sample is checked by itself
    pairs = zip(layout.manifest.symbols, values.tolist(), strict=True)
    known = {symbol: None if np.isnan(value) else value for symbol, value in pairs}
    try:
        inference.check_applicability(replace(layout.panel, values=known), layout.manifest)
    except PanelRefused as refusal:
        return located(refusal, row).problems
    raise AssertionError("all samples together were judged otherwise than one by one")


def _nobody(layout: Layout) -> Scores:
    """The scores of no sample, of whom the portable form cannot be asked."""
    genes, years = len(layout.manifest.symbols), len(layout.manifest.horizons)
    return Scores(np.empty(0), *(np.empty((0, width)) for width in (years, years, years, genes + 1)))


def _resemblance(values: Floats, manifest: Manifest) -> tuple[Floats, Floats]:
    """Spearman's rho and mean absolute z of each sample; complete ones share one ranking of the means."""
    spearman, distance = np.empty(len(values)), np.empty(len(values))
    complete = np.isfinite(values).all(axis=1)
    for rows in (complete, ~complete):
        if rows.any():
            spearman[rows], distance[rows] = resemblance(values[rows], manifest.means, manifest.sds)
    return spearman, distance


def _applies(spearman: Floats, distance: Floats, manifest: Manifest) -> npt.NDArray[np.bool_]:
    """Where `ml_models.applicability.judge` says "ok"."""
    gate = manifest.gate
    lowest = max(gate.platform_spearman_minimum, gate.spearman_minimum)
    applies: npt.NDArray[np.bool_] = (spearman >= lowest) & (distance <= gate.mean_absolute_z_maximum)
    return applies


def _differences(first: Scores, second: Scores) -> Floats:
    """The largest absolute difference of each sample; infinite where a number is none."""
    largest = np.max([_largest(*pair) for pair in _pairs(first, second)], axis=0)
    return np.where(np.isfinite(largest), largest, np.inf)


def _pairs(first: Scores, second: Scores) -> Iterator[tuple[Floats, Floats]]:
    yield first.log_hazard[:, None], second.log_hazard[:, None]
    yield first.risk, second.risk
    yield first.lower, second.lower
    yield first.upper, second.upper
    yield first.contributions, second.contributions


def _largest(first: Floats, second: Floats) -> Floats:
    largest: Floats = np.abs(first - second).max(axis=1)
    return largest
