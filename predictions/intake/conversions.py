"""From the unit that a lab declares to the scale that a release or a profile reads: few ways, each on record.

Only what loses nothing: a logarithm of the same quantity, or a share of the whole sample where the sum over
all its genes is known. A panel alone does not know it, nor does a file of a chosen few thousand genes.

TPM: Wagner GP, Kin K, Lynch VJ, Theory Biosci 2012;131:281-5.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from predictions.exceptions import Problem
from predictions.intake.measurements import Step
from predictions.sentences import listed, marked, sentence

Floats = NDArray[np.float64]

MILLION = 1e6
LOG2 = "log2"
LOG2_PLUS_1 = "log2_plus_1"
SHARE = "share_of_a_million"
WAYS: dict[tuple[str, str], tuple[str, ...]] = {
    ("intensity", "log2_intensity"): (LOG2,),
    ("tpm", "log2_tpm"): (LOG2_PLUS_1,),
    ("fpkm", "log2_fpkm"): (LOG2_PLUS_1,),
    ("fpkm", "log2_tpm"): (SHARE, LOG2_PLUS_1),
    ("raw_counts", "log2_cpm"): (SHARE, LOG2_PLUS_1),
}
DETAILS = {
    LOG2: marked("The logarithm to base 2 of each value was taken."),
    LOG2_PLUS_1: marked("The logarithm to base 2 of each value and one was taken."),
    SHARE: marked(
        "Each value was divided by {total}, the sum over all genes of the sample, times a million."
    ),
}
GENES_NAMED = 5
# Fewer are a panel, or the most variable genes. Whole transcriptomes have 19,000 or more; some 12,000 are
# left where genes without reads were taken out, which hardly changes the sum.
FEWEST_GENES = 10_000


def way(declared: str, required: str, *, has_totals: bool = False) -> tuple[str, ...] | None:
    """The steps from one unit to another, None where there is no way.

    `has_totals` tells that the sum over all genes of the sample is known.
    """
    if declared == required:
        return ()
    steps = WAYS.get((declared, required))
    return None if steps and SHARE in steps and not has_totals else steps


def may_need_totals(declared: str) -> bool:
    """Whether values of this unit may have to be divided by the sum over all genes."""
    return any(unit == declared and SHARE in steps for (unit, _), steps in WAYS.items())


def convert(values: Floats, steps: Sequence[str], totals: Floats | None = None) -> Floats:
    """Values (n, genes) after these steps; a value without a logarithm becomes NaN (see `out_of_scale`).

    `totals` (n,) are the sums over all genes of each sample, needed for `SHARE`.
    """
    for step in steps:
        if step == SHARE:
            assert totals is not None  # noqa: S101 - `way` gave the step
            values = values / totals[:, None] * MILLION
        else:
            values = _logarithm(values + 1 if step == LOG2_PLUS_1 else values)
    return values


def out_of_scale(values: Floats, steps: Sequence[str]) -> NDArray[np.bool_]:
    """Where (n, genes) a value has no logarithm in these steps."""
    if LOG2 in steps:
        return values <= 0
    return values < 0 if steps else np.zeros(values.shape, dtype=np.bool_)


def steps_on_record(steps: Sequence[str], total: float | None = None) -> list[Step]:
    """The steps as a prediction keeps them; `total` is the sum over all genes of the sample."""
    told: dict[str, dict[str, object]] = {SHARE: {"total": round(total or 0)}}
    return [Step(f"converted_{step}", sentence(DETAILS[step], **told.get(step, {}))) for step in steps]


def problem_of_scale(symbols: Sequence[str], steps: Sequence[str], pointer: str) -> Problem:
    """That these genes have values which their unit does not have."""
    named = listed([*symbols[:GENES_NAMED], *(["…"] if len(symbols) > GENES_NAMED else [])])
    least = sentence("above zero") if LOG2 in steps else sentence("zero or more")
    return Problem(
        "value_out_of_scale",
        sentence("In this unit every value is {least}; these are not: {genes}.", least=least, genes=named),
        sentence("Correct the unit or the values, or leave out what was not measured."),
        pointer,
    )


def _logarithm(values: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        logged: Floats = np.where(values > 0, np.log2(values), np.nan)
    return logged
