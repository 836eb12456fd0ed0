"""What a value may be declared to be measured in, and whether the values agree."""

import numpy as np
from numpy.typing import NDArray

from ml_models.units import CENTRED, LINEAR, LOG_SCALE, LOOKS, RAW_COUNTS, Look
from predictions.exceptions import Problem
from predictions.intake.conversions import FEWEST_GENES, way
from predictions.sentences import sentence

UNITS = {
    "log2_intensity": sentence("log2 intensity (microarray, single channel)"),
    "intensity": sentence("intensity, not logged"),
    "log2_tpm": sentence("log2(TPM + 1)"),
    "log2_fpkm": sentence("log2(FPKM + 1)"),
    "log2_cpm": sentence("log2(CPM + 1)"),
    "log2_count": sentence("log2 normalised count (NanoString)"),
    "tpm": sentence("TPM"),
    "fpkm": sentence("FPKM or RPKM"),
    "raw_counts": sentence("raw counts"),
    "log2_ratio": sentence("log2 ratio (two-colour array)"),
    "z_score": sentence("z-score"),
}


# What values of a unit may look like. Rounded intensities are whole; the panel of a poor sample may stay low.
FITTING = {
    "log2_intensity": {LOG_SCALE},
    "log2_tpm": {LOG_SCALE},
    "log2_fpkm": {LOG_SCALE},
    "log2_cpm": {LOG_SCALE},
    "log2_count": {LOG_SCALE},
    "intensity": {LINEAR, RAW_COUNTS},
    "tpm": {LINEAR},
    "fpkm": {LINEAR},
    "raw_counts": {RAW_COUNTS},
    "log2_ratio": {CENTRED},
    "z_score": {CENTRED},
}


def check_unit(
    declared: str, look: Look | None, required: str, pointer: str, *, has_totals: bool = False
) -> list[Problem]:
    """What is wrong with a declared unit: unknown, no way to the required one, or another look."""
    problem = declared_problem(declared, required, pointer, has_totals=has_totals)
    if problem is None and look and look.code not in FITTING[declared]:
        problem = contradiction(declared, look, pointer)
    return [problem] if problem else []


def contradicted(declared: str, looks: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Which samples (n,) of these looks contradict the declared unit."""
    return ~np.isin(looks, sorted(FITTING[declared]))


def declared_problem(
    declared: str, required: str, pointer: str, *, has_totals: bool = False
) -> Problem | None:
    """What is wrong with a declared unit before any value is looked at; once for a file."""
    if not declared:
        detail = sentence("The unit of the values was not given.")
        return Problem(
            "unit_missing", detail, sentence("Choose the unit that the lab states."), pointer=pointer
        )
    if declared not in UNITS:
        return Problem(
            "unit_unknown",
            sentence("'{unit}' is not a unit that is known here.", unit=declared[:40]),
            sentence("Use one of: {choices}.", choices=", ".join(UNITS)),
            pointer=pointer,
            value=declared[:40],
        )
    if way(declared, required, has_totals=has_totals) is not None:
        return None
    if way(declared, required, has_totals=True) is not None:
        return totals_unknown(declared, required, pointer)
    return Problem(
        "unit_not_supported",
        sentence(
            "The model reads {required}; these values are declared as {declared}.",
            required=UNITS[required],
            declared=UNITS[declared],
        ),
        sentence("Values of another unit or platform cannot be converted without a profile of the platform."),
        pointer=pointer,
        value=declared,
    )


def totals_unknown(declared: str, required: str, pointer: str) -> Problem:
    """That the sum over all genes is needed and not known."""
    return Problem(
        "totals_unknown",
        sentence(
            "To bring {declared} to {required}, the sum over all genes of the sample has to be known. It is "
            "not: there are fewer than {fewest} genes, or one of them has no value.",
            declared=UNITS[declared],
            required=UNITS[required],
            fewest=FEWEST_GENES,
        ),
        sentence("Send the file with all genes, as the program wrote it, or the unit that is read."),
        pointer=pointer,
        value=declared,
    )


def contradiction(declared: str, look: Look, pointer: str) -> Problem:
    """That values do not look like the declared unit, with the evidence."""
    return Problem(
        "unit_contradicted",
        sentence(
            "The values look like {look}: {evidence}. You said {declared}.",
            look=sentence(LOOKS[look.code]),
            evidence=sentence(look.says, **look.numbers),
            declared=UNITS[declared],
        ),
        sentence("Export the values from the lab's software in the declared unit, or declare what they are."),
        pointer=pointer,
        value=declared,
    )
