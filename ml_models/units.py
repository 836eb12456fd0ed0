"""What values look like, whatever unit they are declared in: told by range and grain, sample by sample."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LOG_SCALE = "log_scale"
RAW_COUNTS = "raw_counts"
LINEAR = "linear"
CENTRED = "centred"
LOOKS = {
    LOG_SCALE: "a logarithmic scale",
    RAW_COUNTS: "raw counts",
    LINEAR: "values that were not logged (intensities, TPM or FPKM)",
    CENTRED: "ratios or z-scores, which are centred on zero",
}
# Log2 of a 16-bit scanner or of a deep count stays below 25; nothing on a linear scale does in a whole panel.
HIGHEST_LOG2 = 25
# A logged intensity may fall a little below zero for an unexpressed gene; a fifth of the panel may not.
NEGATIVE_SHARE = 0.2
# So many different values are not all whole by chance: low counts, or logarithms that somebody rounded.
WHOLE_BY_CHANCE = 20


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


def looks_of(values: Floats) -> npt.NDArray[np.str_]:
    """What each sample looks like, shape (n,): keys of ``LOOKS``.

    Parameters
    ----------
    values : array of shape (n, genes)
        NaN where a gene was not measured; a sample with none looks like a logarithmic scale.
    """
    measured = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        negative = (values < 0).sum(axis=1)
        high = (values > HIGHEST_LOG2).any(axis=1)
        whole = ((np.floor(values) == values) | ~measured).all(axis=1)
        some = (values != values[:, :1]).any(axis=1) & (measured.sum(axis=1) >= WHOLE_BY_CHANCE)
    return np.select(
        [(high | some) & whole & (negative == 0), negative > NEGATIVE_SHARE * measured.sum(axis=1), high],
        [RAW_COUNTS, CENTRED, LINEAR],
        LOG_SCALE,
    )


def detect_unit(values: Sequence[float]) -> Look:
    """Tell by range and grain what the observed values (at least one) of a sample look like."""
    code = str(looks_of(np.array([values], dtype=np.float64))[0])
    low, high, count = min(values), max(values), len(values)
    if code == RAW_COUNTS:
        numbers: dict[str, int | Decimal] = {"count": count, "high": round(high)}
        return Look(code, "all {count} values are whole numbers, the largest {high}", numbers)
    if code == CENTRED:
        numbers = {"negative": sum(value < 0 for value in values), "count": count, "low": _rounded(low, 4)}
        return Look(code, "{negative} of {count} values are below zero, the lowest {low}", numbers)
    if code == LINEAR:
        return Look(code, "the largest value is {high}", {"high": _rounded(high, 6)})
    numbers = {"low": _rounded(low, 4), "high": _rounded(high, 4)}
    return Look(code, "the values lie between {low} and {high}", numbers)


def _rounded(value: float, digits: int) -> Decimal:
    """The value to so many significant digits, which it keeps when it is written."""
    return Decimal(f"{value:.{digits}g}")
