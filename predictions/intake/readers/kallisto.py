"""What kallisto writes for one sample, with GENCODE's names of transcripts."""

from typing import BinaryIO

from predictions.intake.readers.tpm_tables import read_tpm, sniff_headers
from predictions.intake.tables import Choices, Head, Table, Wanted
from predictions.intake.text_files import open_text
from predictions.sentences import Sentence, sentence

CODE = "kallisto"
NAME = sentence("kallisto (abundance.tsv)")
SHAPE = sentence(
    "One sample: target_id, length, eff_length, est_counts, tpm, of transcripts as GENCODE names them."
)
UNIT = sentence("TPM, as the program states it.")
ASKED = sentence("Nothing.")
SAMPLE = "abundance.tsv"

HEADERS = (("target_id", "length", "eff_length", "est_counts", "tpm"),)


def sniff(head: Head, wanted: Wanted) -> tuple[Sentence, ...]:  # noqa: ARG001 - the header is enough
    """The header that the program writes."""
    return sniff_headers(head, HEADERS)


def read(file: BinaryIO, wanted: Wanted, choices: Choices) -> Table:  # noqa: ARG001 - nothing to choose
    """Read the TPM of each gene. Raises PanelRefused."""
    return read_tpm(open_text(file), HEADERS, "tpm", wanted)
