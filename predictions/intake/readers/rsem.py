"""What RSEM writes for one sample."""

from typing import BinaryIO

from predictions.intake.readers.tpm_tables import read_tpm, sniff_headers
from predictions.intake.tables import Choices, Head, Table, Wanted
from predictions.intake.text_files import open_text
from predictions.sentences import Sentence, sentence

CODE = "rsem"
NAME = sentence("RSEM (genes.results)")
SHAPE = sentence(
    "One sample: gene_id, transcript_id(s), length, effective_length, expected_count, TPM, FPKM."
)
UNIT = sentence("TPM, as the program states it.")
ASKED = sentence("Nothing.")
SAMPLE = "genes.results"

HEADERS = tuple(
    ("gene_id", transcripts, "length", "effective_length", "expected_count", "TPM", "FPKM")
    for transcripts in ("transcript_id(s)", "transcript_id")
)


def sniff(head: Head, wanted: Wanted) -> tuple[Sentence, ...]:  # noqa: ARG001 - the header is enough
    """The header that the program writes."""
    return sniff_headers(head, HEADERS)


def read(file: BinaryIO, wanted: Wanted, choices: Choices) -> Table:  # noqa: ARG001 - nothing to choose
    """Read the TPM of each gene. Raises PanelRefused."""
    return read_tpm(open_text(file), HEADERS, "TPM", wanted)
