"""What values look like, whatever unit they are declared in: told by range and grain."""

from collections.abc import Sequence
from dataclasses import dataclass

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
    """What the values look like, a key of ``LOOKS``, and the evidence in words."""

    code: str
    evidence: str


def detect_unit(values: Sequence[float]) -> Look:
    """Tell by range and grain what the observed values (at least one) of a sample look like."""
    low, high = min(values), max(values)
    if low >= 0 and high > COUNTS_PASS and all(value.is_integer() for value in values):
        return Look("raw_counts", f"all {len(values)} values are whole numbers, the largest {high:,.0f}")
    negative = sum(value < 0 for value in values)
    if negative > NEGATIVE_SHARE * len(values):
        return Look("centred", f"{negative} of {len(values)} values are below zero, the lowest {low:.4g}")
    if high > HIGHEST_LOG2:
        return Look("linear", f"the largest value is {high:,.6g}")
    return Look(LOG_SCALE, f"the values lie between {low:.4g} and {high:.4g}")
