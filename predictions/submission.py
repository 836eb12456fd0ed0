"""A panel in: the one call that the form, the API and the command line make."""

import hashlib
from contextlib import suppress
from typing import Any

from django.db import transaction
from uuid_utils.compat import uuid7

from accounts import case_keys, ledger
from accounts.actors import Actor
from accounts.models import Event
from predictions import events, inference, profiles, releases
from predictions.exceptions import PanelRefused, Problem, UnknownRelease
from predictions.inference import Reading
from predictions.intake.gene_names import wanted_by
from predictions.intake.measurements import PanelRequest
from predictions.intake.panel import Panel, build_panel
from predictions.intake.tables import Wanted
from predictions.models import Prediction, Release
from predictions.sealed_contents import seal_contents
from predictions.sentences import sentence


def submit_panel(request: PanelRequest, actor: Actor) -> Prediction:
    """Read the risk from a panel and put both on record.

    The prediction and its audit event are written in one transaction: both stand, or neither.

    Raises
    ------
    PanelRefused
        With every problem of the panel; the refusal is on record too.
    ReleaseUnavailable
        When no release is live, or the one that is cannot be opened.
    """
    release = find_release(request, actor)
    try:
        manifest = releases.manifest_of(release)
        profile = profiles.find_profile(actor.organisation.id, manifest, request.platform)
        panel = build_panel(request, manifest, profile)
        reading = inference.read_panel(release, panel)
    except PanelRefused as refusal:
        record_refusal(refusal, actor, request.case_reference, release=str(release))
        raise
    return _record(request, panel, reading, release, actor)


def wanted_by_release(model: str = releases.STABLE) -> Wanted:
    """What a reader of files asks of each identifier, for a release or, where there is none, the live one.

    Raises
    ------
    ReleaseUnavailable
    """
    if model.isprintable():
        with suppress(UnknownRelease):
            return wanted_by(releases.manifest_of(releases.find_release(model)).genes)
    return wanted_by_release()


def record_refusal(refusal: PanelRefused, actor: Actor, case_reference: str = "", **facts: str) -> None:
    """Put on record that a panel was refused and why, without any value from it."""
    codes = [problem.code for problem in refusal.problems]
    counts = {code: codes.count(code) for code in sorted(set(codes))}
    ledger.record(
        events.PREDICTION_REFUSED,
        actor,
        problems=counts,
        **ledger.case_facts(actor.organisation.id, case_reference),
        **facts,
    )


def find_release(request: PanelRequest, actor: Actor) -> Release:
    """The release that a request asks for.

    Raises
    ------
    PanelRefused
        When no such release may be called; the refusal is on record too.
    ReleaseUnavailable
        When no release is live.
    """
    if request.model.isprintable():  # the database cannot even be asked for some other texts
        with suppress(UnknownRelease):
            return releases.find_release(request.model)
    problem = Problem(
        "model_unknown",
        sentence("No release of this name may be called."),
        sentence("Use {stable}, or NAME/VERSION of a release that may be called.", stable=releases.STABLE),
        "/model",
        value=ascii(request.model)[1:-1][:80],
    )
    refusal = PanelRefused([problem])
    record_refusal(refusal, actor, request.case_reference)
    raise refusal


@transaction.atomic
def _record(
    request: PanelRequest, panel: Panel, reading: Reading, release: Release, actor: Actor
) -> Prediction:
    prediction_id, input_sha256 = uuid7(), panel.sha256
    case = ledger.case_facts(actor.organisation.id, request.case_reference)
    key = case_keys.lock_key(actor.organisation.id, case.get("case_digest"))
    contents = _contents(request, panel, reading)
    sealed = seal_contents(contents, key, prediction_id, actor.organisation.id)
    entry = ledger.record(
        events.PREDICTION_MADE,
        actor,
        prediction=prediction_id,
        release=str(release),
        release_sha256=release.sha256,
        input_sha256=input_sha256,
        result_sha256=hashlib.sha256(ledger.canonical_json(reading.result)).hexdigest(),
        sealed_sha256=hashlib.sha256(sealed).hexdigest(),
        **case,
    )
    prediction = Prediction.objects.create(
        id=prediction_id,
        created_at=entry.recorded_at,
        event=Event(id=entry.id, leaf=entry.leaf),
        organisation=actor.organisation,
        release=release,
        person=actor.person,
        api_key=actor.api_key,
        door=actor.door,
        case_key=key,
        sealed=sealed,
        input_sha256=input_sha256,
    )
    prediction.contents = contents  # what was just sealed need not be opened to be answered
    return prediction


def _contents(request: PanelRequest, panel: Panel, reading: Reading) -> dict[str, Any]:
    return {
        "case_reference": request.case_reference,
        "sample_id": request.sample_id,
        "age_years": panel.age_years,
        "panel": panel.facts,
        "result": reading.as_stored,
    }
