"""A file of many samples in: the one call that the form and the API make, and what becomes of it."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts import ledger
from accounts.actors import Actor
from accounts.models import Event
from accounts.row_scope import across_organisations
from ml_models.manifest import Manifest
from predictions import cohort_inputs, events, profiles, releases, submission
from predictions.cohort_inputs import Readable, Stored
from predictions.cohort_layouts import open_layout, options_of
from predictions.cohort_records import OPEN, Cohort, CohortRefusal, CohortState
from predictions.exceptions import CohortNotFound, PanelRefused, Problem
from predictions.intake.measurements import PanelRequest
from predictions.intake.tables import Choices, Table
from predictions.intake.whole_numbers import whole_number
from predictions.models import Release
from predictions.sentences import restore, sentence

PAGE = 50


@dataclass(frozen=True)
class Progress:
    """How far a cohort is: its place in the queue (0: none is before it), and when it may be done."""

    place: int
    percent: int
    expected_at: datetime | None


def start_cohort(
    file: Stored | Readable,
    request: PanelRequest,
    actor: Actor,
    choices: Choices | None = None,
    again_of: Cohort | None = None,
) -> Cohort:
    """Take a file of many samples, to be read by workers with the release that is asked for now.

    `request` says what all samples share; it has no measurements. The file is stored sealed before anything
    is read from it, and deleted when no sample of it can be read.

    Raises
    ------
    PanelRefused
        With every problem for which none of it can be read; the refusal is on record too.
    ReaderUnclear, PartUnclear
        When it has to be chosen first how the file is read.
    ReleaseUnavailable
        When no release is live, or the one that is cannot be opened.
    """
    stored = cohort_inputs.store(file)
    try:
        release = submission.find_release(request, actor)
        manifest = releases.manifest_of(release)
        profile = profiles.find_profile(actor.organisation.id, manifest, request.platform)
        options = options_of(request, choices or Choices(), profile)
        _require_samples(stored, options, actor, release, manifest)
        return _record(stored, options, release, actor, again_of)
    except BaseException:
        cohort_inputs.discard(stored.upload)
        raise


@transaction.atomic
def cancel(actor: Actor, cohort_id: UUID) -> Cohort:
    """Read no more of a cohort. What is read stays; the rest of the file was never read, and is not kept.

    Cancelling what has ended changes nothing.

    Raises
    ------
    CohortNotFound
    """
    find_cohort(actor, cohort_id)
    cohort = Cohort.objects.select_for_update(no_key=True, of=("self",)).get(id=cohort_id)
    if cohort.is_open:
        counts = {"received": cohort.received, "predicted": cohort.predicted, "refused": cohort.refused}
        ledger.record(events.COHORT_CANCELLED, actor, cohort=cohort.id, **counts)
        cohort.state, cohort.ended_at = CohortState.CANCELLED, timezone.now()
        cohort.save(update_fields=["state", "ended_at"])
        cohort_inputs.forget(cohort)
    return cohort


def find_cohort(actor: Actor, cohort_id: UUID) -> Cohort:
    """A cohort of the actor's organisation.

    Raises
    ------
    CohortNotFound
        When there is none, or it is another organisation's.
    """
    if cohort := _own(actor).filter(id=cohort_id).first():
        return cohort
    raise CohortNotFound(cohort_id)


def list_cohorts(actor: Actor) -> list[Cohort]:
    """The newest cohorts of the actor's organisation."""
    return list(_own(actor)[:PAGE])


def progress_of(cohort: Cohort) -> Progress:
    """How far a cohort is. Those of which less is read come first, so that a small one never waits long."""
    percent = 100 if cohort.state == CohortState.FINISHED else _percent(cohort)
    if not cohort.is_open:
        return Progress(0, percent, None)
    before = Cohort.objects.filter(state__in=OPEN, received__lt=cohort.received)
    earlier = Cohort.objects.filter(state__in=OPEN, received=cohort.received, id__lt=cohort.id)
    with across_organisations():
        place = before.count() + earlier.count()
    return Progress(place, percent, _expected(cohort))


def facts_of_cohort(cohort: Cohort) -> dict[str, Any]:
    """What is published of a cohort; nothing of a patient."""
    progress, release = progress_of(cohort), cohort.release
    return {
        "id": str(cohort.id),
        "status": cohort.state,
        "terminal": not cohort.is_open,
        "reason": cohort.reason or None,
        "created_at": cohort.created_at.isoformat(),
        "started_at": cohort.started_at and cohort.started_at.isoformat(),
        "ended_at": cohort.ended_at and cohort.ended_at.isoformat(),
        "model": {"name": release.name, "version": release.version, "sha256": release.sha256},
        "input": {"sha256": cohort.input_sha256, "bytes": cohort.input_bytes, **cohort.options},
        "received": cohort.received,
        "predicted": cohort.predicted,
        "refused": cohort.refused,
        "queue_place": progress.place,
        "percent_read": progress.percent,
        "expected_at": progress.expected_at and progress.expected_at.isoformat(),
        "again_of": cohort.again_of_id and str(cohort.again_of_id),
    }


@dataclass(frozen=True)
class RefusedSample:
    """A sample that was refused: which one, and every problem; without its file only the codes are left."""

    number: int
    codes: tuple[str, ...]
    sample_id: str | None = None
    row: int | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def words(self) -> str:
        """What is wrong and how to mend it; empty without its file."""
        return " ".join(f"{problem.detail} {problem.mend}" for problem in self.problems)


@dataclass(frozen=True)
class RefusedPage:
    """Some refused samples of a cohort, and the number to go on from: none behind the last of them."""

    cohort: Cohort
    samples: list[RefusedSample]
    following: int | None


@transaction.atomic
def disclose_problems(actor: Actor, cohort_id: UUID, after: str = "") -> RefusedPage:
    """The next refused samples behind the one of this number, with an event that they were shown.

    Raises
    ------
    CohortNotFound
        Also when `after` is no number.
    """
    cohort = find_cohort(actor, cohort_id)
    try:
        number = whole_number(after or "0")
    except ValueError:
        raise CohortNotFound(after[:20]) from None
    rows = list(CohortRefusal.objects.filter(cohort=cohort, number__gt=number)[: PAGE + 1])
    page = rows[:PAGE]
    if page:
        shown = {"first": page[0].number, "last": page[-1].number}
        ledger.record(events.COHORT_DISCLOSED, actor, cohort=cohort.id, format="problems", **shown)
    stored = cohort_inputs.find(cohort)
    opened = [open_refused(row, stored) for row in page]
    return RefusedPage(cohort, opened, page[-1].number if len(rows) > PAGE else None)


def open_refused(refusal: CohortRefusal, stored: Stored | None) -> RefusedSample:
    """What is still known of a refused sample."""
    codes = tuple(refusal.codes)
    if stored is None:
        return RefusedSample(refusal.number, codes)
    said = cohort_inputs.open_refusal(refusal, stored)
    kept = [{name: restore(part) for name, part in problem.items()} for problem in said["problems"]]
    problems = tuple(Problem(**problem) for problem in kept)
    return RefusedSample(refusal.number, codes, said["sample_id"], said["row"], problems)


def _own(actor: Actor) -> QuerySet[Cohort]:
    own = Cohort.objects.filter(organisation=actor.organisation)
    return own.select_related("release", "person", "api_key")


def _require_samples(
    stored: Stored, options: dict[str, Any], actor: Actor, release: Release, manifest: Manifest
) -> None:
    try:
        _, table, _ = open_layout(stored, options, manifest)
        _require_one(table)
    except PanelRefused as refusal:
        submission.record_refusal(refusal, actor, release=str(release))
        raise


def _require_one(table: Table) -> None:
    if not any(chunk.rows for chunk in table.chunks):
        problem = Problem(
            "no_samples",
            sentence("There is no sample in the file."),
            sentence("Send a file with the values of at least one sample."),
        )
        raise PanelRefused([problem])


@transaction.atomic
def _record(
    stored: Stored, options: dict[str, Any], release: Release, actor: Actor, again_of: Cohort | None
) -> Cohort:
    cohort_id = uuid7()
    entry = ledger.record(
        events.COHORT_STARTED,
        actor,
        cohort=cohort_id,
        release=str(release),
        release_sha256=release.sha256,
        input_sha256=stored.sha256,
        input_bytes=stored.size,
        **options,
        **({"again_of": again_of.id} if again_of else {}),
    )
    cohort = Cohort.objects.create(
        id=cohort_id,
        created_at=entry.recorded_at,
        event=Event(id=entry.id, leaf=entry.leaf),
        organisation=actor.organisation,
        release=release,
        person=actor.person,
        api_key=actor.api_key,
        door=actor.door,
        again_of=again_of,
        input_sha256=stored.sha256,
        input_bytes=stored.size,
        options=options,
    )
    cohort_inputs.keep(stored, cohort)
    return cohort


def _percent(cohort: Cohort) -> int:
    return min(99, 100 * cohort.input_read // max(1, cohort.input_bytes))


def _expected(cohort: Cohort) -> datetime | None:
    """By how long the part took that is read."""
    if cohort.started_at is None or not cohort.input_read:
        return None
    now = timezone.now()
    with suppress(OverflowError):
        left = (cohort.input_bytes - cohort.input_read) / cohort.input_read
        return now + left * (now - cohort.started_at)
    return None
