"""The refused samples of a cohort in the file that they came in: marked, or by themselves to be read again.

Both are of text with a row for each sample, as long as the file is kept.
"""

import csv
import io
from collections.abc import Iterator
from uuid import UUID

from accounts.actors import Actor
from predictions import cohort_inputs, releases
from predictions.cohort_inputs import Sealing, Stored
from predictions.cohort_records import Cohort, CohortRefusal
from predictions.cohort_results import Results, record_disclosure, safe_cell
from predictions.cohorts import RefusedSample, find_cohort, open_refused, start_cohort
from predictions.exceptions import PanelRefused, ResultsNotServed
from predictions.intake.cells import find_delimiter
from predictions.intake.detection import ReaderUnclear, detect
from predictions.intake.gene_names import wanted_by
from predictions.intake.measurements import PanelRequest
from predictions.intake.readers import samples_in_rows
from predictions.intake.tables import Choices
from predictions.intake.text_files import open_text

LINES = 1_000


def disclose_annotated(actor: Actor, cohort_id: UUID) -> Results:
    """The file as it was sent, with a column that says what is wrong with each refused sample.

    Raises
    ------
    CohortNotFound
    ResultsNotServed
        When the file is not kept any more.
    """
    cohort, stored = _find(actor, cohort_id)
    record_disclosure(cohort, actor, "annotated")
    return Results(f"annotated-{cohort.id}.csv", "text/csv; charset=utf-8", _annotate(cohort, stored))


def read_again(actor: Actor, cohort_id: UUID, request: PanelRequest) -> Cohort:
    """A new cohort of the refused samples, read as `request` says and with the release that it asks for.

    Raises
    ------
    CohortNotFound
    ResultsNotServed
        When the file is not kept any more.
    PanelRefused, ReleaseUnavailable
    """
    cohort, stored = _find(actor, cohort_id)
    choices = Choices(cohort.options["part"], cohort.options["reader"])
    return start_cohort(_copy_refused(cohort, stored), request, actor, choices, again_of=cohort)


def _find(actor: Actor, cohort_id: UUID) -> tuple[Cohort, Stored]:
    cohort = find_cohort(actor, cohort_id)
    stored = None if cohort.is_open else cohort_inputs.find(cohort)
    if stored is None:
        raise ResultsNotServed("The file is not kept: no sample of it was refused, or its time is over.")
    if not has_a_line_for_each(cohort, stored):
        raise ResultsNotServed("This is for text with a row for each sample.")
    return cohort, stored


def has_a_line_for_each(cohort: Cohort, stored: Stored) -> bool:
    """Whether the file is plain text with a row for each sample, so that single lines can be taken."""
    if chosen := cohort.options["reader"]:
        return bool(chosen == samples_in_rows.CODE)
    manifest = releases.manifest_of(cohort.release)
    try:
        reader, _ = detect(stored.open(), stored.name, wanted_by(manifest.genes))
    except (PanelRefused, ReaderUnclear):  # such as a file that has to be unpacked first
        return False
    return reader.CODE == samples_in_rows.CODE


def _annotate(cohort: Cohort, stored: Stored) -> Iterator[bytes]:
    refused = _refused(cohort, stored)
    waiting = next(refused, None)
    delimiter = ""
    for first, block in open_text(stored.open()).blocks(LINES):
        lines = []
        for number, line in enumerate(block.decode().split("\n")[:-1], start=first):
            if not delimiter and line.strip():
                delimiter = find_delimiter(line) or ","
                lines.append(f"{line}{delimiter}problem\n")
                continue
            problem = ""
            if waiting and waiting.row == number:
                problem, waiting = waiting.words, next(refused, None)
            lines.append(f"{line}{delimiter}{_cell(problem, delimiter)}\n" if line.strip() else f"{line}\n")
        yield "".join(lines).encode()


def _copy_refused(cohort: Cohort, stored: Stored) -> Stored:
    """The header and the lines of refused samples, as a stored file."""
    rows = (sample.row for sample in _refused(cohort, stored))
    waiting, sealing, has_header = next(rows, None), Sealing(), False
    for first, block in open_text(stored.open()).blocks(LINES):
        for number, line in enumerate(block.split(b"\n")[:-1], start=first):
            if not has_header and line.strip():
                has_header = True
                sealing.write(line + b"\n")
            elif number == waiting:
                waiting = next(rows, None)
                sealing.write(line + b"\n")
    return sealing.finish()


def _refused(cohort: Cohort, stored: Stored) -> Iterator[RefusedSample]:
    refusals = CohortRefusal.objects.filter(cohort=cohort).order_by("number")
    for refusal in refusals.iterator(LINES):
        yield open_refused(refusal, stored)


def _cell(text: str, delimiter: str) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="").writerow([safe_cell(text)])
    return out.getvalue() if text else ""
