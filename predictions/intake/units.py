"""What a value may be declared to be measured in, and whether the values agree."""

from ml_models.units import LOG_SCALE, LOOKS, Look
from predictions.exceptions import Problem

UNITS = {
    "log2_intensity": "log2 intensity (microarray, single channel)",
    "intensity": "intensity, not logged",
    "log2_tpm": "log2(TPM + 1)",
    "log2_fpkm": "log2(FPKM + 1)",
    "log2_cpm": "log2(CPM + 1)",
    "log2_count": "log2 normalised count (NanoString)",
    "tpm": "TPM",
    "fpkm": "FPKM or RPKM",
    "raw_counts": "raw counts",
    "log2_ratio": "log2 ratio (two-colour array)",
    "z_score": "z-score",
}


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
