"""What was found of the samples of a cohort, as files: one row for each that was read, in their order.

Rows are read from the database in groups and handed on as they are made, so that memory does not grow with
the cohort: but for a spreadsheet, which has an end, and for the columns of Parquet, which are small.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts import ledger
from accounts.actors import Actor
from predictions import cohort_inputs, events, releases
from predictions.cohort_records import Cohort, CohortRefusal
from predictions.cohorts import RefusedSample, find_cohort, open_refused
from predictions.exceptions import ResultsNotServed
from predictions.models import Prediction

GROUP = 1_000
HORIZONS = (5, 10)
# A spreadsheet is made in memory.
MOST_ROWS_OF_XLSX = 50_000
COLUMNS: dict[str, type] = {
    "number": int,
    "sample_id": str,
    "age_years": int,
    "status": str,
    "prediction": str,
    "risk_5_years_percent": float,
    "risk_5_years_lower_percent": float,
    "risk_5_years_upper_percent": float,
    "risk_10_years_percent": float,
    "risk_10_years_lower_percent": float,
    "risk_10_years_upper_percent": float,
    "log_hazard": float,
    "genes_missing": int,
    "release": str,
    "problems": str,
}
# A spreadsheet would take a cell that begins so for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")

Row = dict[str, Any]


@dataclass(frozen=True)
class Format:
    """One way to write results."""

    code: str
    media_type: str
    write: Callable[[Iterator[Row]], Iterable[bytes]]


@dataclass(frozen=True)
class Results:
    """A file on its way out."""

    name: str
    media_type: str
    content: Iterable[bytes]


def disclose_results(actor: Actor, cohort_id: UUID, code: str) -> Results:
    """The results of a cohort as far as it is read, and an audit event that they were handed out.

    Raises
    ------
    CohortNotFound
    ResultsNotServed
        When there is no such format, or the cohort is too large for it.
    ReleaseUnavailable
        When the manifest of its release cannot be opened.
    """
    cohort = find_cohort(actor, cohort_id)
    if code not in FORMATS:
        raise ResultsNotServed(f"Results are served as {', '.join(FORMATS)}.")
    if code == "xlsx" and cohort.received > MOST_ROWS_OF_XLSX:
        raise ResultsNotServed(f"A spreadsheet has at most {MOST_ROWS_OF_XLSX:,} rows; take CSV or Parquet.")
    releases.manifest_of(cohort.release)
    record_disclosure(cohort, actor, code)
    chosen = FORMATS[code]
    return Results(f"cohort-{cohort.id}.{code}", chosen.media_type, chosen.write(_rows(cohort)))


@transaction.atomic
def record_disclosure(cohort: Cohort, actor: Actor, code: str) -> None:
    """Put on record that a file of this form was handed out."""
    ledger.record(events.COHORT_DISCLOSED, actor, cohort=cohort.id, format=code, received=cohort.received)


def _rows(cohort: Cohort) -> Iterator[Row]:
    """Every sample up to what is read now, in the order of the file."""
    stored = cohort_inputs.find(cohort)
    horizons = releases.manifest_of(cohort.release).horizons
    for first in range(1, cohort.received + 1, GROUP):
        numbers = (first, min(first + GROUP - 1, cohort.received))
        rows = {one.cohort_number: _predicted(one, horizons) for one in _predictions(cohort, numbers)}
        refusals = CohortRefusal.objects.filter(cohort=cohort, number__range=numbers)
        rows |= {one.number: _refused(open_refused(one, stored)) for one in refusals}
        for number in range(numbers[0], numbers[1] + 1):
            yield dict.fromkeys(COLUMNS) | {"number": number, "release": str(cohort.release)} | rows[number]


def _predictions(cohort: Cohort, numbers: tuple[int, int]) -> Iterable[Prediction]:
    rows = Prediction.objects.filter(cohort=cohort, cohort_number__range=numbers)
    return rows.select_related("case_key").order_by("cohort_number")


def _predicted(prediction: Prediction, horizons: Any) -> Row:
    if prediction.is_erased:
        return {"prediction": str(prediction.id), "status": "erased"}
    return {
        "sample_id": prediction.sample_id,
        "age_years": prediction.age_years,
        "status": "predicted",
        "prediction": str(prediction.id),
        "log_hazard": prediction.result["log_hazard"],
        "genes_missing": sum(value is None for value in prediction.panel["values"].values()),
        **dict(_risks(prediction.result, horizons)),
    }


def _risks(result: dict[str, Any], horizons: Any) -> Iterator[tuple[str, float]]:
    for years in HORIZONS:
        position = horizons.index(years)
        yield f"risk_{years}_years_percent", 100 * result["risk"][position]
        yield f"risk_{years}_years_lower_percent", 100 * result["lower"][position]
        yield f"risk_{years}_years_upper_percent", 100 * result["upper"][position]


def _refused(sample: RefusedSample) -> Row:
    problems = ", ".join(sample.codes)
    return {
        "sample_id": sample.sample_id,
        "status": "refused",
        "problems": f"{problems}: {sample.words}" if sample.words else problems,
    }


def _as_csv(rows: Iterator[Row]) -> Iterator[bytes]:
    yield (",".join(COLUMNS) + "\r\n").encode()
    for group in _groups(rows):
        text = io.StringIO()
        csv.writer(text).writerows([safe_cell(row[name]) for name in COLUMNS] for row in group)
        yield text.getvalue().encode()


def safe_cell(cell: Any) -> Any:
    """Text that no spreadsheet takes for a formula; numbers are as they are."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def _groups(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while group := list(islice(rows, GROUP)):
        yield group


def _as_json_lines(rows: Iterator[Row]) -> Iterator[bytes]:
    for group in _groups(rows):
        yield "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in group).encode()


def _as_xlsx(rows: Iterator[Row]) -> Iterator[bytes]:
    import xlsxwriter  # noqa: PLC0415 - most processes are never asked for it

    file = io.BytesIO()
    # In memory, since XlsxWriter's temporary files would hold patients in the clear.
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(file, options) as book:
        sheet = book.add_worksheet("Results")
        sheet.write_row(0, 0, COLUMNS)
        for place, row in enumerate(rows, start=1):
            sheet.write_row(place, 0, row.values())
    yield file.getvalue()


def _as_parquet(rows: Iterator[Row]) -> Iterator[bytes]:
    import polars as pl  # noqa: PLC0415 - 25 MB that a process without tables does not need

    frames = [pl.DataFrame(group, schema=COLUMNS) for group in _groups(rows)]
    file = io.BytesIO()
    (pl.concat(frames) if frames else pl.DataFrame(schema=COLUMNS)).write_parquet(file)
    yield file.getvalue()


FORMATS = {
    form.code: form
    for form in (
        Format("csv", "text/csv; charset=utf-8", _as_csv),
        Format("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", _as_xlsx),
        Format("jsonl", "application/x-ndjson", _as_json_lines),
        Format("parquet", "application/vnd.apache.parquet", _as_parquet),
    )
}
