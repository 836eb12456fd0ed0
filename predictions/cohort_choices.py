"""What has to be chosen before a file of many samples is read, told as a problem with the choices."""

from predictions.exceptions import Problem
from predictions.intake.detection import READERS, ReaderUnclear
from predictions.intake.tables import PartUnclear
from predictions.sentences import joined, sentence


def problem_of_choice(unclear: ReaderUnclear | PartUnclear) -> Problem:
    """The formats that fit, each with its reasons, or the parts that a file has."""
    if isinstance(unclear, ReaderUnclear):
        fitting = [
            sentence("{name} ({code}): {reasons}", name=READERS[code].NAME, code=code, reasons=joined(said))
            for code, said in unclear.matches.items()
        ]
        detail = sentence("Several formats fit. {fitting}", fitting=joined(fitting))
        return Problem("choice_needed", detail, sentence("Choose the format, and send the file again."))
    parts = [sentence("{code}: {words}", code=code, words=words) for code, words in unclear.parts.items()]
    detail = sentence("The file has several parts. {parts}", parts=joined(parts))
    return Problem("choice_needed", detail, sentence("Choose the part, and send the file again."))
