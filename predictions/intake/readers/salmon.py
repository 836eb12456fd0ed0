"""What salmon writes for one sample: quant.genes.sf, or quant.sf with GENCODE's names."""

from typing import BinaryIO

from predictions.intake.readers.tpm_tables import read_tpm, sniff_headers
from predictions.intake.tables import Choices, Head, Table, Wanted
from predictions.intake.text_files import open_text
from predictions.sentences import Sentence, sentence

CODE = "salmon"
NAME = sentence("salmon (quant.sf, quant.genes.sf)")
SHAPE = sentence(
    "One sample: Name, Length, EffectiveLength, TPM, NumReads, of genes or of GENCODE's transcripts."
)
UNIT = sentence("TPM, as the program states it.")
ASKED = sentence("Nothing.")
SAMPLE = "quant.genes.sf"

HEADERS = (("Name", "Length", "EffectiveLength", "TPM", "NumReads"),)


def sniff(head: Head, wanted: Wanted) -> tuple[Sentence, ...]:  # noqa: ARG001 - the header is enough
    """The header that the program writes."""
    return sniff_headers(head, HEADERS)


def read(file: BinaryIO, wanted: Wanted, choices: Choices) -> Table:  # noqa: ARG001 - nothing to choose
    """Read the TPM of each gene. Raises PanelRefused."""
    return read_tpm(open_text(file), HEADERS, "TPM", wanted)
