"""What a value may be declared to be measured in, and whether the values agree."""

from ml_models.units import LOG_SCALE, LOOKS, Look
from predictions.exceptions import Problem
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


def check_unit(declared: str, look: Look | None, required: str, pointer: str) -> list[Problem]:
    """Problems of a declared unit: unknown, not the release's, or contradicted by the values."""
    if not declared:
        detail = sentence("The unit of the values was not given.")
        mend = sentence("Choose the unit that the lab states.")
        return [Problem("unit_missing", detail, mend, pointer=pointer)]
    if declared not in UNITS:
        return [
            Problem(
                "unit_unknown",
                sentence("'{unit}' is not a unit that is known here.", unit=declared[:40]),
                sentence("Use one of: {choices}.", choices=", ".join(UNITS)),
                pointer=pointer,
                value=declared[:40],
            )
        ]
    if declared != required:
        return [
            Problem(
                "unit_not_supported",
                sentence(
                    "The model reads {required}; these values are declared as {declared}.",
                    required=UNITS[required],
                    declared=UNITS[declared],
                ),
                sentence(
                    "Values of another unit or platform cannot be converted without a profile of the "
                    "platform."
                ),
                pointer=pointer,
                value=declared,
            )
        ]
    if look and look.code != LOG_SCALE:
        return [
            Problem(
                "unit_contradicted",
                sentence(
                    "The values look like {look}: {evidence}. You said {declared}.",
                    look=sentence(LOOKS[look.code]),
                    evidence=sentence(look.says, **look.numbers),
                    declared=UNITS[declared],
                ),
                sentence(
                    "Export the values from the lab's software in the declared unit, or declare what they "
                    "are."
                ),
                pointer=pointer,
                value=declared,
            )
        ]
    return []
