"""What a worker does with cohorts: one chunk after another, each in one transaction.

The row of the cohort says how many samples are on record. A worker that is killed leaves no half of a chunk,
and the next one goes on behind the last whole one: it reads the file from the start and skips what is on
record. So the readers must cut the same samples in the same order each time.

One cohort is read at a time, so that the other workers remain for second readings.
"""

import gc
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any, BinaryIO

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from accounts import ledger
from accounts.actors import Actor
from accounts.case_keys import CaseUnreadable
from accounts.row_scope import across_organisations, within
from ml_models.pickled import PickledModel, WrongLibrariesError
from ml_models.portable import PortableModel
from ml_models.sealing import SealBroken
from predictions import cohort_inputs, cohort_rows, events, lifecycle, pickled_forms, releases
from predictions.cohort_inputs import Stored
from predictions.cohort_layouts import open_layout
from predictions.cohort_readings import read_chunk
from predictions.cohort_records import OPEN, Cohort, CohortState
from predictions.cohort_rows import Sealed
from predictions.exceptions import PanelRefused, Problem, ReleaseUnavailable
from predictions.intake.cohort_panels import Layout
from predictions.intake.tables import Chunk
from predictions.models import Prediction, Release, ReleaseState

# A task ends well before Celery's limit; another one goes on.
SECONDS = 200.0
# So long a cohort is read before one that waits has its turn.
TURN = 20.0
# Samples that are read, sealed and committed together.
AT_ONCE = 500
_LOCK = 5_137_004_601

logger = logging.getLogger(__name__)


def work() -> int:
    """Read cohorts for some minutes, unless another worker does; how many samples were read.

    What fails for a reason that may pass, as a store or a database that is away, waits for the next time.
    """
    done, end = 0, monotonic() + SECONDS
    with _alone() as alone:
        while alone and monotonic() < end and (cohort := _next()):
            try:
                with within(cohort.organisation_id), _collecting_little():
                    done += _read_some(cohort, end)
            except (ReleaseUnavailable, CaseUnreadable, OSError) as error:
                logger.error("%s waits: %s", cohort, error)  # noqa: TRY400 - the trace says nothing more
                break
    return done


@across_organisations()
def _next() -> Cohort | None:
    """The one of which least is read: who sends few samples never waits for who sends many."""
    waiting = Cohort.objects.filter(state__in=OPEN).order_by("received", "id")
    return waiting.select_related("release", "organisation", "person", "api_key").first()


def _read_some(cohort: Cohort, end: float) -> int:
    """Read one cohort until its turn or the task ends."""
    stored = cohort_inputs.find(cohort)
    if stored is None or cohort.release.state == ReleaseState.QUARANTINED:
        _end(cohort, CohortState.FAILED, "file_gone" if stored is None else "release_quarantined")
        return 0
    try:
        return _read(cohort, stored, _pickled_form(cohort.release), end)
    except PanelRefused as refusal:
        _end(cohort, CohortState.FAILED, refusal.problems[0].code)
    except (InterfaceError, OperationalError, OSError, ReleaseUnavailable, CaseUnreadable):
        raise
    except Exception as error:  # noqa: BLE001 - or it would be tried for ever, and every other one wait
        logger.error("%s cannot be read: %s", cohort, type(error).__name__)  # noqa: TRY400 - no values in logs
        _end(cohort, CohortState.FAILED, "unreadable")
    return 0


def _read(cohort: Cohort, stored: Stored, pickled: PickledModel, end: float) -> int:
    portable, manifest = releases.portable_form(cohort.release), releases.manifest_of(cohort.release)
    file, table, layout = open_layout(stored, cohort.options, manifest)
    before, turn = cohort.received, monotonic() + TURN
    prepare = partial(_prepare, layout=layout, cohort=cohort, portable=portable, pickled=pickled)
    chunks = _after(table.chunks, cohort.received)
    for prepared, place in _prepared(chunks, file, prepare, cohort.received + 1):
        if prepared.difference > releases.TOLERANCE:
            lifecycle.quarantine(cohort.release, f"its two readings are {prepared.difference:.3g} apart")
            _end(cohort, CohortState.FAILED, "release_quarantined")
            return cohort.received - before
        if not _write(cohort, prepared, stored, place):
            return cohort.received - before
        if monotonic() > end or (monotonic() > turn and _next() != cohort):
            return cohort.received - before
    _end(cohort, CohortState.FINISHED)
    return cohort.received - before


@dataclass(frozen=True)
class _Prepared:
    """A chunk, ready to be written; `first` is the number of its first sample."""

    chunk: Chunk
    first: int
    predictions: list[Sealed]
    refusals: dict[int, tuple[Problem, ...]]
    difference: float


def _prepare(
    chunk: Chunk, first: int, layout: Layout, cohort: Cohort, portable: PortableModel, pickled: PickledModel
) -> _Prepared:
    read = read_chunk(chunk, layout, portable, pickled)
    predictions = cohort_rows.seal_predictions(read, chunk, layout, cohort, first)
    return _Prepared(chunk, first, predictions, read.refusals, float(read.differences.max(initial=0)))


def _prepared(
    chunks: Iterator[Chunk], file: BinaryIO, prepare: Callable[[Chunk, int], _Prepared], first: int
) -> Iterator[tuple[_Prepared, int]]:
    """Each chunk with how far the file is read; while one is written, a thread prepares the next.

    The thread knows no database: only whoever called writes, in order.
    """
    waiting: tuple[Future[_Prepared], int] | None = None
    with ThreadPoolExecutor(1) as thread:
        for chunk in chunks:
            following = thread.submit(prepare, chunk, first), file.tell()
            first += len(chunk.rows)
            if waiting:
                yield waiting[0].result(), waiting[1]
            waiting = following
        if waiting:
            yield waiting[0].result(), waiting[1]


def _after(chunks: Iterator[Chunk], count: int) -> Iterator[Chunk]:
    """The samples behind the first, which are on record, in pieces that take little memory."""
    for chunk in chunks:
        size = len(chunk.rows)
        for start in range(count, size, AT_ONCE):
            yield chunk.cut(start, min(start + AT_ONCE, size))
        count = max(0, count - size)


def _write(cohort: Cohort, prepared: _Prepared, stored: Stored, place: int) -> bool:
    """Put a chunk on record, unless it was cancelled, another worker was quicker, or nobody may answer."""
    actor, predicted, refused = actor_of(cohort), len(prepared.predictions), len(prepared.refusals)
    with transaction.atomic():
        kept = Cohort.objects.select_related("release").select_for_update(no_key=True, of=("self",))
        if not _may_go_on(kept.get(id=cohort.id), prepared):
            return False
        cohort_rows.write(prepared.predictions, cohort, actor)
        codes = cohort_rows.write_refusals(prepared.refusals, prepared.chunk, cohort, stored, prepared.first)
        _advance(cohort, predicted, refused, place)
        ledger.record(
            events.COHORT_READ,
            actor,
            cohort=cohort.id,
            first=prepared.first,
            last=cohort.received,
            predicted=predicted,
            refused=refused,
            problems=dict(sorted(codes.items())),
        )
    return True


def _may_go_on(kept: Cohort, prepared: _Prepared) -> bool:
    follows = kept.received == prepared.first - 1
    return kept.is_open and follows and kept.release.state != ReleaseState.QUARANTINED


def _advance(cohort: Cohort, predicted: int, refused: int, place: int) -> None:
    cohort.state = CohortState.RUNNING
    cohort.started_at = cohort.started_at or timezone.now()
    cohort.predicted += predicted
    cohort.refused += refused
    cohort.received += predicted + refused
    cohort.input_read = max(cohort.input_read, place)
    cohort.save(update_fields=["state", "started_at", "predicted", "refused", "received", "input_read"])


@transaction.atomic
def _end(cohort: Cohort, state: CohortState, reason: str = "") -> None:
    """End a cohort. Its file is kept only where samples were refused, and none of its cases is erased."""
    kept = Cohort.objects.select_for_update(no_key=True).get(id=cohort.id)
    if not kept.is_open:
        return
    kept.state, kept.reason, kept.ended_at = state, reason, timezone.now()
    kept.save(update_fields=["state", "reason", "ended_at"])
    ledger.record(
        events.COHORT_ENDED,
        organisation=kept.organisation_id,
        cohort=kept.id,
        state=state.value,
        reason=reason,
        received=kept.received,
        predicted=kept.predicted,
        refused=kept.refused,
    )
    if not kept.refused or _any_erased(kept):
        cohort_inputs.forget(kept)


def _any_erased(cohort: Cohort) -> bool:
    own = Prediction.objects.filter(cohort=cohort)
    return own.count() > own.readable().count()


def actor_of(cohort: Cohort) -> Actor:
    """Who sent a cohort: its predictions are theirs."""
    door: Any = cohort.door
    return Actor(cohort.organisation, door, person=cohort.person, api_key=cohort.api_key)


def _pickled_form(release: Release) -> PickledModel:
    try:
        return pickled_forms.pickled_form(release)
    except (SealBroken, OSError, WrongLibrariesError) as error:
        lifecycle.handle_unopened(release, error)
        raise ReleaseUnavailable(f"The pickled form of {release} cannot be read.") from error


@contextmanager
def _collecting_little() -> Iterator[None]:
    """Leave what is loaded by now out of garbage collections, which go through it again and again."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def _alone() -> Iterator[bool]:
    """Whether no other worker reads cohorts now. The lock goes with the connection, however this one ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        (alone,) = cursor.fetchone()
    try:
        yield alone
    finally:
        if alone:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
