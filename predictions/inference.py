"""The one gate to the model: whether it applies to a panel at all, and then what it says."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from ml_models.applicability import Applicability, assess
from ml_models.manifest import Manifest
from ml_models.scores import Scores
from predictions import releases
from predictions.exceptions import PanelRefused, Problem
from predictions.intake.panel import VALUES_POINTER, Panel
from predictions.intake.units import UNITS
from predictions.models import Release
from predictions.sentences import Sentence, marked, sentence

REFUSALS = {
    "other_platform": (
        marked(
            "The genes are only partly in the order of the training cohort: this looks like another "
            "platform. Here {rank} and {distance}."
        ),
        marked("The model reads {unit} from {platform}; another platform needs a profile."),
    ),
    "wrong_scale": (
        marked(
            "The genes are in the order of the training cohort, but not on its scale. "
            "Here {rank} and {distance}."
        ),
        marked("Check the normalisation and the logarithm: the model reads {unit} from {platform}."),
    ),
    "wrong_values": (
        marked(
            "The values do not follow the training cohort at all: ratios, z-scores, or the wrong genes. "
            "Here {rank} and {distance}."
        ),
        marked("Check that each value stands beside its own gene, and export {unit}."),
    ),
}


@dataclass(frozen=True)
class Reading:
    """What one form of one release says of one panel."""

    applicability: Applicability
    result: dict[str, Any]

    @property
    def as_stored(self) -> dict[str, Any]:
        """The result with the evidence that the model applies."""
        evidence = {
            "spearman": self.applicability.spearman,
            "mean_absolute_z": self.applicability.mean_absolute_z,
        }
        return {**self.result, "applicability": evidence}


def read_panel(release: Release, panel: Panel) -> Reading:
    """Score a panel with the portable form of a release.

    Raises
    ------
    PanelRefused
        When the values are not of the scale or platform that the release learned from.
    ReleaseUnavailable
        When the release cannot be opened.
    """
    manifest = releases.manifest_of(release)
    applicability = check_applicability(panel, manifest)
    age = np.array([np.nan if panel.age_years is None else panel.age_years], dtype=np.float64)
    scores = releases.portable_form(release).score(panel.vector[np.newaxis], age)
    return Reading(applicability, as_result(scores, 0, [gene.symbol for gene in manifest.genes]))


def check_applicability(panel: Panel, manifest: Manifest) -> Applicability:
    """How far a panel resembles the training cohort.

    Raises
    ------
    PanelRefused
        When it does not resemble it enough to be scored.
    """
    applicability = assess(panel.vector, manifest)
    if applicability.verdict != "ok":
        raise PanelRefused([_refusal(applicability, manifest)])
    return applicability


def as_result(scores: Scores, row: int, symbols: list[str]) -> dict[str, Any]:
    """One row of scores as plain numbers: what is stored, and what the second reading is compared with."""
    contributions = scores.contributions[row].tolist()
    return {
        "log_hazard": float(scores.log_hazard[row]),
        "risk": scores.risk[row].tolist(),
        "lower": scores.lower[row].tolist(),
        "upper": scores.upper[row].tolist(),
        "contributions": dict(zip([*symbols, "age"], contributions, strict=True)),
    }


def _refusal(applicability: Applicability, manifest: Manifest) -> Problem:
    detail, mend = REFUSALS[applicability.verdict]
    evidence = {
        "rank": _rank_evidence(applicability, manifest),
        "distance": _distance(applicability, manifest),
    }
    asked = {"unit": UNITS[manifest.unit], "platform": manifest.platform}
    return Problem(
        applicability.verdict, sentence(detail, **evidence), sentence(mend, **asked), VALUES_POINTER
    )


def _rank_evidence(applicability: Applicability, manifest: Manifest) -> Sentence:
    if applicability.spearman is None:
        return sentence("the values are all the same, so that there is no order to compare,")
    return sentence(
        "Spearman's rho with the training means is {rho} (at least {needed} is needed)",
        rho=Decimal(f"{applicability.spearman:.2f}"),
        needed=Decimal(str(manifest.gate.spearman_minimum)),
    )


def _distance(applicability: Applicability, manifest: Manifest) -> Sentence:
    return sentence(
        "the mean distance from the training means is {distance} SD (at most {most})",
        distance=Decimal(f"{applicability.mean_absolute_z:.2f}"),
        most=Decimal(str(manifest.gate.mean_absolute_z_maximum)),
    )
