"""What a value may be measured in, and what the values themselves look like."""

from collections.abc import Sequence
from dataclasses import dataclass

from predictions.exceptions import Problem

UNITS = {
    "log2_intensity": "log2 intensity (microarray, single channel)",
    "intensity": "intensity, not logged",
    "log2_tpm": "log2(TPM + 1)",
    "tpm": "TPM",
    "fpkm": "FPKM or RPKM",
    "raw_counts": "raw counts",
    "log2_ratio": "log2 ratio (two-colour array)",
    "z_score": "z-score",
}
LOG_SCALE = "log_scale"
LOOKS = {
    LOG_SCALE: "a logarithmic scale",
    "raw_counts": "raw counts",
    "linear": "values that were not logged (intensities, TPM or FPKM)",
    "centred": "ratios or z-scores, which are centred on zero",
}
# Log2 of a 16-bit scanner or of a deep count stays below 25; counts of expressed genes pass 1,000.
HIGHEST_LOG2 = 25
COUNTS_PASS = 1_000
# A logged intensity may fall a little below zero for an unexpressed gene; a fifth of the panel may not.
NEGATIVE_SHARE = 0.2


@dataclass(frozen=True)
class Look:
    """What the values look like, and the evidence in words."""

    code: str
    evidence: str


def detect_unit(values: Sequence[float]) -> Look:
    """Tell by range and grain what the observed values (at least one) look like."""
    low, high = min(values), max(values)
    if low >= 0 and high > COUNTS_PASS and all(value.is_integer() for value in values):
        return Look("raw_counts", f"all {len(values)} values are whole numbers, the largest {high:,.0f}")
    negative = sum(value < 0 for value in values)
    if negative > NEGATIVE_SHARE * len(values):
        return Look("centred", f"{negative} of {len(values)} values are below zero, the lowest {low:.4g}")
    if high > HIGHEST_LOG2:
        return Look("linear", f"the largest value is {high:,.6g}")
    return Look(LOG_SCALE, f"the values lie between {low:.4g} and {high:.4g}")


def check_unit(declared: str, look: Look | None, required: str, pointer: str) -> list[Problem]:
    """Problems of a declared unit: unknown, not the release's, or contradicted by the values."""
    if not declared:
        mend = "Choose the unit that the lab states."
        return [Problem("unit_missing", "The unit of the values was not given.", mend, pointer=pointer)]
    if declared not in UNITS:
        return [
            Problem(
                "unit_unknown",
                f"'{declared[:40]}' is not a unit that is known here.",
                f"Use one of: {', '.join(UNITS)}.",
                pointer=pointer,
                value=declared[:40],
            )
        ]
    if declared != required:
        return [
            Problem(
                "unit_not_supported",
                f"The model reads {UNITS[required]}; these values are declared as {UNITS[declared]}.",
                "Values of another unit or platform cannot be converted without a profile of the platform.",
                pointer=pointer,
                value=declared,
            )
        ]
    if look and look.code != LOG_SCALE:
        return [
            Problem(
                "unit_contradicted",
                f"The values look like {LOOKS[look.code]}: {look.evidence}. You said {UNITS[declared]}.",
                "Export the values from the lab's software in the declared unit, or declare what they are.",
                pointer=pointer,
                value=declared,
            )
        ]
    return []
