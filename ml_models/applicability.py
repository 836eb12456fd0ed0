"""Does a sample come in the unit and from the platform that the model was trained on?

The model is linear in logarithms of one channel: counts, TPM, ratios or z-scores would give a risk near 0 or
1 to everybody, in silence. The order of the genes inside a sample (Spearman's rho with the training means)
tells the platform; the mean distance from the training means in standard deviations tells the scale.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ml_models.manifest import Manifest, Thresholds

Floats = npt.NDArray[np.float64]
State = Literal["in_range", "not_computed"]
Verdict = Literal["ok", "other_platform", "wrong_scale", "wrong_values"]


@dataclass(frozen=True, slots=True)
class Applicability:
    """Whether a sample may be scored, why, and the evidence.

    ``spearman`` and ``mean_absolute_z`` are None when they are undefined: fewer than two genes, or the same
    value everywhere. ``other_platform`` and ``wrong_scale`` could be scored with a profile of the
    laboratory's own platform, ``wrong_values`` could not.
    """

    state: State
    verdict: Verdict
    spearman: float | None
    mean_absolute_z: float | None
    observed: int


def assess(values: Floats, manifest: Manifest) -> Applicability:
    """Assess one sample.

    Parameters
    ----------
    values : array of shape (genes,)
        Values in the unit and order of the manifest, NaN where missing.
    """
    spearman, mean_absolute_z = (
        float(measure[0]) for measure in resemblance(values[None, :], manifest.means, manifest.sds)
    )
    verdict = judge(spearman, mean_absolute_z, manifest.gate)
    return Applicability(
        state="in_range" if verdict == "ok" else "not_computed",
        verdict=verdict,
        spearman=None if np.isnan(spearman) else spearman,
        mean_absolute_z=None if np.isnan(mean_absolute_z) else mean_absolute_z,
        observed=int(np.isfinite(values).sum()),
    )


def judge(spearman: float, mean_absolute_z: float, thresholds: Thresholds) -> Verdict:
    """Apply the thresholds; an undefined (NaN) correlation is ``wrong_values``."""
    if not spearman >= thresholds.platform_spearman_minimum:
        return "wrong_values"
    if spearman < thresholds.spearman_minimum:
        return "other_platform"
    return "ok" if mean_absolute_z <= thresholds.mean_absolute_z_maximum else "wrong_scale"


def resemblance(values: Floats, means: Floats, sds: Floats) -> tuple[Floats, Floats]:
    """Return Spearman's rho with the training means and the mean absolute z, each of shape (n,).

    Both are taken over the observed genes of each row of ``values`` (n, genes), and are NaN when undefined;
    ``means`` and ``sds`` have shape (genes,).
    """
    observed = np.isfinite(values)
    present = np.where(observed, values, np.nan)
    # Complete samples share one ranking of the means, which is half of the work.
    reference = means[None, :] if observed.all() else np.where(observed, means, np.nan)
    distance = np.nan_to_num(np.abs(present - means) / sds)
    count = observed.sum(axis=1)
    with np.errstate(invalid="ignore"):
        mean_absolute_z = distance.sum(axis=1) / count
    return _correlation(_ranks(present), _ranks(reference), observed), mean_absolute_z


def _ranks(values: Floats) -> Floats:
    """Rank within each row, ties sharing their average; NaN comes last, so that it moves no other."""
    order = np.argsort(values, axis=1)
    ordered = np.take_along_axis(values, order, axis=1)
    places = np.broadcast_to(np.arange(1, values.shape[1] + 1), values.shape)
    is_new = np.ones(values.shape, np.bool_)
    is_new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    is_last = np.ones(values.shape, np.bool_)
    is_last[:, :-1] = is_new[:, 1:]
    first = np.maximum.accumulate(np.where(is_new, places, 0), axis=1)
    beyond = np.where(is_last, places, values.shape[1])[:, ::-1]
    last = np.minimum.accumulate(beyond, axis=1)[:, ::-1]
    rank = np.empty(values.shape)
    np.put_along_axis(rank, order, (first + last) / 2, axis=1)
    return rank


def _correlation(a: Floats, b: Floats, observed: npt.NDArray[np.bool_]) -> Floats:
    """Pearson correlation of the rows of ``a`` and ``b`` over ``observed``; NaN when one is constant."""
    middle = (observed.sum(axis=1, keepdims=True) + 1) / 2
    a, b = np.where(observed, a - middle, 0.0), np.where(observed, b - middle, 0.0)
    with np.errstate(invalid="ignore"):
        rho: Floats = (a * b).sum(axis=1) / np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    return rho
