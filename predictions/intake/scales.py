"""From values as a lab measured them to the scale that a release was trained on, each sample by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml_models.manifest import Manifest
from ml_models.platform_profiles import to_training_scale
from ml_models.units import looks_of
from predictions.intake.conversions import convert, out_of_scale, steps_on_record, way
from predictions.intake.measurements import Step
from predictions.intake.units import contradicted
from predictions.sentences import marked, sentence

Floats = NDArray[np.float64]

PROFILE_MAPPED = marked(
    "Each value was mapped from the scale of {platform} to that of the training cohort, by version {version} "
    "of its profile ({profile})."
)


@dataclass(frozen=True)
class Profile:
    """What an organisation's reference samples of a platform told, as far as a sample is mapped by it.

    `genes` has location and scale of each gene, in `unit`. A gene that is not there counts as not measured.
    """

    id: str
    platform: str
    version: int
    unit: str
    samples: int
    looks_consecutive: bool | None
    sha256: str
    genes: Mapping[str, tuple[float, float]] = field(repr=False)

    @property
    def facts(self) -> dict[str, Any]:
        """All but the genes: what a prediction keeps of it."""
        told = ("id", "platform", "version", "unit", "samples", "looks_consecutive", "sha256")
        return {name: getattr(self, name) for name in told}

    def scale_of(self, manifest: Manifest) -> tuple[Floats, Floats]:
        """Location and scale in the order of a manifest, NaN where there is none."""
        pairs = [self.genes.get(symbol, (np.nan, np.nan)) for symbol in manifest.symbols]
        location, scale = np.array(pairs, dtype=np.float64).T
        return location, scale


@dataclass(frozen=True)
class Scaled:
    """Samples on the scale of the release, shape (n, genes), and what is wrong with which.

    `looks` (n,) are what the declared values look like, `contradicted` (n,) where that is not the declared
    unit, `impossible` (n, genes) where a value has no place on the declared scale.
    """

    values: Floats
    looks: NDArray[np.str_]
    contradicted: NDArray[np.bool_]
    impossible: NDArray[np.bool_]


def unit_read(manifest: Manifest, profile: Profile | None) -> str:
    """The unit to which values are converted first: the profile's, or the release's."""
    return profile.unit if profile else manifest.unit


def to_scale(
    values: Floats,
    declared: str,
    manifest: Manifest,
    profile: Profile | None = None,
    totals: Floats | None = None,
) -> Scaled:
    """Convert and map samples (n, genes) whose declared unit has a way to the one that is read.

    `totals` (n,) are the sums over all genes of each sample, where they are known.
    """
    steps = way(declared, unit_read(manifest, profile), has_totals=totals is not None)
    assert steps is not None  # noqa: S101 - `declared_problem` has refused it
    looks = looks_of(values)
    scaled = convert(values, steps, totals)
    if profile:
        scaled = to_training_scale(scaled, *profile.scale_of(manifest), manifest)
    return Scaled(scaled, looks, contradicted(declared, looks), out_of_scale(values, steps))


def scale_steps(
    declared: str, manifest: Manifest, profile: Profile | None = None, total: float | None = None
) -> list[Step]:
    """What `to_scale` does to a sample with this sum over all genes, as a prediction keeps it."""
    steps = way(declared, unit_read(manifest, profile), has_totals=total is not None)
    found = steps_on_record(steps or (), total)
    if profile:
        told = {"platform": profile.platform, "version": profile.version, "profile": profile.id}
        found.append(Step("profile_mapped", sentence(PROFILE_MAPPED, **told)))
    return found
