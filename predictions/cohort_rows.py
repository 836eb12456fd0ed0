"""The samples of a cohort on record: predictions, keys and audit events, many in one statement."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from struct import pack
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

# Postgres refuses COPY into a table whose rows have policies, so rows are copied into a table of the session.
STAGE = """
CREATE TEMPORARY TABLE made (
    id uuid, key uuid, wrapped bytea, sealed bytea, digest text, number int, difference float8,
    body bytea, mac bytea
)
"""
COPY = "COPY pg_temp.made FROM STDIN BINARY"
KEYS = """
INSERT INTO audit.case_key (id, organisation_id, wrapped, kek_id)
SELECT key, %s, wrapped, %s FROM pg_temp.made
"""
# Were an event not recorded, its identifier would be NULL, and Postgres refuse the prediction.
PREDICTIONS = f"""
WITH recorded AS ({ledger.APPEND_FROM.format("pg_temp.made")})
INSERT INTO predictions_prediction (
    id, created_at, event_id, case_key_id, sealed, input_sha256, cohort_number, second_reading_at,
    second_reading_difference, organisation_id, release_id, person_id, api_key_id, door, cohort_id
)
SELECT made.id, at, recorded.id, key, sealed, digest, number, at, difference, %s, %s, %s, %s, %s, %s
FROM pg_temp.made LEFT JOIN recorded ON recorded.prediction_id = made.id,
    LATERAL (SELECT timestamptz 'epoch' + recorded_us * interval '1 microsecond') AS stamped (at)
"""  # noqa: S608 - of constants
# The binary format of COPY: a signature, flags and an empty extension; each row counts its fields.
COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + pack(">ii", 0, 0)
COPY_END = pack(">h", -1)
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
    shared = ledger.shared_facts(
        events.PREDICTION_MADE,
        actor,
        release=str(cohort.release),
        release_sha256=cohort.release.sha256,
        cohort=str(cohort.id),
    )
    signed = [ledger.sign(shared | one.facts) for one in predictions]
    with connection.cursor() as cursor:
        cursor.execute(STAGE)
        copy_rows(COPY, map(_staged, predictions, signed))
        cursor.execute(KEYS, [cohort.organisation_id, case_keys.current_kek_id()])
        cursor.execute(PREDICTIONS, _shared_columns(cohort))
        cursor.execute("DROP TABLE pg_temp.made")


def copy_rows(statement: str, rows: Iterable[Sequence[bytes]]) -> None:
    """Run a COPY FROM STDIN BINARY of these rows, whose fields are as Postgres sends them."""
    packed = [pack(">h", len(row)) + b"".join([pack(">i", len(f)) + f for f in row]) for row in rows]
    # What goes wrong is told in Django's words, as of any other statement.
    with connection.wrap_database_errors, connection.cursor() as cursor:
        cursor.copy_expert(statement, BytesIO(b"".join([COPY_HEADER, *packed, COPY_END])))


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
        symbols = layout.manifest.symbols
        parts = [*symbols, "age"]
        self._order = sorted(range(len(parts)), key=parts.__getitem__)
        self._values, self._contributions = _object_of(symbols), _object_of(parts[p] for p in self._order)
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
                    "contributions": self._contributions(*contributions),
                    "log_hazard": log_hazard,
                    "lower": lower,
                    "risk": risk,
                    "upper": upper,
                }
            )

    def values(self, read: ReadSamples) -> Iterable[bytes]:
        for row in _plain(read.values):
            yield _encode(self._values(*row))

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


def _object_of(names: Iterable[str]) -> type[msgspec.Struct]:
    """What is encoded as an object with these names, in half of the time that a dict takes."""
    fields = {f"field_{number}": name for number, name in enumerate(names)}
    return msgspec.defstruct("Named", fields, rename=fields)


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


def _staged(one: Sealed, signed: tuple[bytes, bytes]) -> tuple[bytes, ...]:
    return (
        one.id.bytes,
        one.key_id.bytes,
        one.wrapped,
        one.sealed,
        one.input_sha256.encode(),
        pack(">i", one.number),
        pack(">d", one.difference),
        *signed,
    )


def _shared_columns(cohort: Cohort) -> list[Any]:
    return [
        cohort.organisation_id,
        cohort.release_id,
        cohort.person_id,
        cohort.api_key_id,
        cohort.door,
        cohort.id,
    ]
