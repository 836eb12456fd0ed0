"""What values look like, whatever unit they are declared in: told by range and grain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

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
    """What the values look like, a key of ``LOOKS``, and the evidence in words that numbers go into."""

    code: str
    says: str
    numbers: Mapping[str, int | Decimal]

    @property
    def evidence(self) -> str:
        """The evidence in English."""
        return self.says.format(**{name: f"{number:,}" for name, number in self.numbers.items()})


def detect_unit(values: Sequence[float]) -> Look:
    """Tell by range and grain what the observed values (at least one) of a sample look like."""
    low, high = min(values), max(values)
    if low >= 0 and high > COUNTS_PASS and all(value.is_integer() for value in values):
        numbers: dict[str, int | Decimal] = {"count": len(values), "high": round(high)}
        return Look("raw_counts", "all {count} values are whole numbers, the largest {high}", numbers)
    negative = sum(value < 0 for value in values)
    if negative > NEGATIVE_SHARE * len(values):
        numbers = {"negative": negative, "count": len(values), "low": _rounded(low, 4)}
        return Look("centred", "{negative} of {count} values are below zero, the lowest {low}", numbers)
    if high > HIGHEST_LOG2:
        return Look("linear", "the largest value is {high}", {"high": _rounded(high, 6)})
    numbers = {"low": _rounded(low, 4), "high": _rounded(high, 4)}
    return Look(LOG_SCALE, "the values lie between {low} and {high}", numbers)


def _rounded(value: float, digits: int) -> Decimal:
    """The value to so many significant digits, which it keeps when it is written."""
    return Decimal(f"{value:.{digits}g}")
