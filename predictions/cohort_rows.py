"""The samples of a cohort on record: predictions, keys and audit events, many in one statement."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from struct import Struct, pack
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import connection
from uuid_utils.compat import uuid7

from accounts import case_keys, ledger
from accounts.actors import Actor
from predictions import cohort_inputs, events
from predictions.cohort_inputs import Stored
from predictions.cohort_readings import ReadSamples
from predictions.cohort_records import Cohort, CohortRefusal
from predictions.exceptions import Problem
from predictions.intake.cohort_panels import Layout
from predictions.intake.panel import Panel
from predictions.intake.tables import Chunk
from predictions.sealed_contents import bound_to
from predictions.sentences import keep

KEYS = ("audit.case_key", "id, organisation_id, wrapped, kek_id")
PREDICTIONS = (
    "predictions_prediction",
    "id, created_at, event_id, organisation_id, release_id, person_id, api_key_id, door, case_key_id, "
    "sealed, input_sha256, cohort_id, cohort_number, second_reading_at, second_reading_difference",
)
# The binary format of COPY: a signature, flags and an empty extension; each row counts its fields.
COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + pack(">ii", 0, 0)
COPY_END = pack(">h", -1)
MICROSECONDS_TO_2000 = 946_684_800_000_000
# repr() writes an exponent from here on; msgspec does not, or writes it in another way.
SMALLEST_PLAIN, LARGEST_PLAIN = 1e-4, 1e16

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Sealed:
    """One prediction, ready to be written."""

    id: UUID
    key_id: UUID
    wrapped: bytes
    sealed: bytes
    input_sha256: str
    number: int
    difference: float
    facts: dict[str, Any]


def seal_predictions(
    read: ReadSamples, chunk: Chunk, layout: Layout, cohort: Cohort, first: int
) -> list[Sealed]:
    """Seal each sample that was read under a key of its own; `first` is the number of the chunk's first."""
    kek = AESGCM(settings.CASE_KEYS[case_keys.current_kek_id()])
    texts = _Texts(layout)
    contents = zip(texts.results(read), texts.values(read), strict=True)
    return [
        _seal(
            texts.of_sample(result, values, chunk, place, read.panels.get(place), evidence),
            kek,
            cohort,
            first + place,
            difference,
        )
        for (result, values), place, evidence, difference in zip(
            contents, read.places.tolist(), _evidence(read), read.differences.tolist(), strict=True
        )
    ]


def write(predictions: Sequence[Sealed], cohort: Cohort, actor: Actor) -> None:
    """Write predictions with their keys and events. Call it inside a transaction."""
    if not predictions:
        return
    shared = ledger.shared_facts(
        events.PREDICTION_MADE,
        actor,
        release=str(cohort.release),
        release_sha256=cohort.release.sha256,
        cohort=str(cohort.id),
    )
    _copy(KEYS, _key_rows(predictions, cohort))
    recorded = ledger.record_predictions(shared, [prediction.facts for prediction in predictions])
    _copy(PREDICTIONS, _prediction_rows(predictions, recorded, cohort))


def write_refusals(
    refusals: dict[int, tuple[Problem, ...]], chunk: Chunk, cohort: Cohort, stored: Stored, first: int
) -> Counter[str]:
    """Write the samples that were refused, sealed under the key of their file; how many have each code."""
    rows = []
    for place, problems in refusals.items():
        said = {
            "sample_id": chunk.sample_ids[place],
            "row": chunk.rows[place],
            "problems": [{name: keep(part) for name, part in vars(problem).items()} for problem in problems],
        }
        codes = sorted({problem.code for problem in problems})
        refusal = CohortRefusal(cohort=cohort, number=first + place, codes=codes)
        refusal.sealed = cohort_inputs.seal_refusal(said, refusal, stored)
        rows.append(refusal)
    CohortRefusal.objects.bulk_create(rows, batch_size=1_000)
    return Counter(code for row in rows for code in row.codes)


class _Texts:
    """Samples as the canonical JSON that a single panel has, at a twentieth of the time."""

    def __init__(self, layout: Layout) -> None:
        self._unit = layout.request.unit
        self._symbols = list(layout.manifest.symbols)
        parts = [*self._symbols, "age"]
        self._order = sorted(range(len(parts)), key=parts.__getitem__)
        self._parts = [parts[place] for place in self._order]
        self._common = layout.panel.facts if layout.panel else {}

    def results(self, read: ReadSamples) -> Iterable[bytes]:
        scores = read.scores
        rows = zip(
            _plain(scores.contributions[:, self._order]),
            _plain(scores.log_hazard[:, None]),
            _plain(scores.lower),
            _plain(scores.risk),
            _plain(scores.upper),
            strict=True,
        )
        for contributions, (log_hazard,), lower, risk, upper in rows:
            yield _encode(
                {
                    "contributions": dict(zip(self._parts, contributions, strict=True)),
                    "log_hazard": log_hazard,
                    "lower": lower,
                    "risk": risk,
                    "upper": upper,
                }
            )

    def values(self, read: ReadSamples) -> Iterable[bytes]:
        for row in _plain(read.values):
            yield _encode(dict(zip(self._symbols, row, strict=True)))

    def of_sample(
        self, result: bytes, values: bytes, chunk: Chunk, place: int, panel: Panel | None, evidence: bytes
    ) -> tuple[bytes, str, str]:
        """Contents to seal, the digest of what was scored, and that of the result."""
        age, known = chunk.ages[place], msgspec.Raw(values)
        facts = panel.facts if panel else self._common
        contents = {
            "age_years": age,
            "case_reference": "",
            "panel": {**facts, "values": known},
            "result": msgspec.Raw(b'{"applicability":' + evidence + b"," + result[1:]),
            "sample_id": chunk.sample_ids[place],
        }
        scored = _encode({"age_years": age, "unit": self._unit, "values": known})
        return _encode(contents), hashlib.sha256(scored).hexdigest(), hashlib.sha256(result).hexdigest()


def _evidence(read: ReadSamples) -> Iterable[bytes]:
    for distance, spearman in zip(
        _plain(read.mean_absolute_z[:, None]), _plain(read.spearman[:, None]), strict=True
    ):
        yield _encode({"mean_absolute_z": distance[0], "spearman": spearman[0]})


def _plain(numbers: Any) -> list[list[Any]]:
    """Rows of numbers such that they are encoded as Python writes them; NaN becomes null."""
    rows: list[list[Any]] = numbers.tolist()
    size = np.abs(numbers)
    unusual = ~((size >= SMALLEST_PLAIN) & (size < LARGEST_PLAIN)) & (size != 0)
    for row, column in zip(*(places.tolist() for places in np.nonzero(unusual)), strict=True):
        number = rows[row][column]
        rows[row][column] = None if number != number else msgspec.Raw(repr(number).encode())  # noqa: PLR0124
    return rows


def _seal(
    texts: tuple[bytes, str, str], kek: AESGCM, cohort: Cohort, number: int, difference: float
) -> Sealed:
    contents, input_sha256, result_sha256 = texts
    prediction_id, key_id, data_key = uuid7(), uuid7(), os.urandom(case_keys.KEY_SIZE)
    organisation = cohort.organisation_id
    sealed = case_keys.seal(data_key, contents, bound_to(prediction_id, organisation))
    nonce = os.urandom(case_keys.NONCE_SIZE)
    return Sealed(
        id=prediction_id,
        key_id=key_id,
        wrapped=nonce + kek.encrypt(nonce, data_key, case_keys.place_of(key_id, organisation)),
        sealed=sealed,
        input_sha256=input_sha256,
        number=number,
        difference=difference,
        facts={
            "prediction": str(prediction_id),
            "input_sha256": input_sha256,
            "result_sha256": result_sha256,
            "sealed_sha256": hashlib.sha256(sealed).hexdigest(),
            "cohort_number": number,
        },
    )


def _copy(into: tuple[str, str], rows: Iterable[bytes]) -> None:
    """By way of a table of this session: into one whose rows have policies nothing is copied."""
    table, columns = into
    here = f"arriving_{table.rpartition('.')[2]}"
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMPORARY TABLE IF NOT EXISTS {here} AS SELECT {columns} FROM {table} WITH NO DATA"  # noqa: S608
        )
        content = BytesIO(b"".join([COPY_HEADER, *rows, COPY_END]))
        cursor.copy_expert(f"COPY {here} ({columns}) FROM STDIN BINARY", content)
        cursor.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {here}")  # noqa: S608
        cursor.execute(f"TRUNCATE {here}")


def _key_rows(predictions: Sequence[Sealed], cohort: Cohort) -> Iterable[bytes]:
    kek_id = case_keys.current_kek_id().encode()
    layout = Struct(f">hi16si16si{len(predictions[0].wrapped)}si{len(kek_id)}s")
    organisation = cohort.organisation_id.bytes
    for one in predictions:
        yield layout.pack(
            4, 16, one.key_id.bytes, 16, organisation, len(one.wrapped), one.wrapped, len(kek_id), kek_id
        )


def _prediction_rows(
    predictions: Sequence[Sealed], recorded: dict[UUID, tuple[UUID, int]], cohort: Cohort
) -> Iterable[bytes]:
    who = b"".join(
        pack(">i", -1) if part is None else _field(part.bytes)
        for part in (cohort.organisation_id, cohort.release_id, cohort.person_id, cohort.api_key_id)
    )
    door = _field(cohort.door.encode())
    head = Struct(">hi16siqi16s")
    tail = Struct(">i64si16siiiqid")
    for one in predictions:
        event_id, recorded_us = recorded[one.id]
        made_at = recorded_us - MICROSECONDS_TO_2000
        yield head.pack(15, 16, one.id.bytes, 8, made_at, 16, event_id.bytes)
        yield who + door + _field(one.key_id.bytes) + _field(one.sealed)
        digest, place = one.input_sha256.encode(), cohort.id.bytes
        yield tail.pack(64, digest, 16, place, 4, one.number, 8, made_at, 8, one.difference)


def _field(content: bytes) -> bytes:
    return pack(">i", len(content)) + content
