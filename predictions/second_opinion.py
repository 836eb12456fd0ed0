"""What another release says of the same panel: shown beside the result, and not a result itself."""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from accounts import ledger
from accounts.actors import Actor
from predictions import events, inference, releases, selectors
from predictions.cases import facts_of_event
from predictions.exceptions import PanelRefused, Problem, UnknownRelease
from predictions.facts import Facts, facts_of
from predictions.models import Prediction, Release
from predictions.rereading import panel_for_another


@dataclass(frozen=True)
class Opinions:
    """A result, and what another release says of its panel: facts of the same shape, or why it refuses."""

    facts: Facts
    release: Release
    others: Facts | None
    problems: tuple[Problem, ...]


def other_releases(prediction: Prediction) -> list[Release]:
    """The releases that may be asked besides the one that answered, newest first."""
    answering = Release.objects.filter(state__in=releases.ANSWERING)
    return list(answering.exclude(id=prediction.release_id).order_by("-registered_at"))


@transaction.atomic
def ask_another(actor: Actor, prediction_id: UUID, wanted: str) -> Opinions:
    """Read the panel of a prediction with another release, and put on record who was shown both.

    Raises
    ------
    PredictionNotFound
        When the actor's organisation has no such prediction.
    CaseErased
        When nothing of it can be read any more.
    UnknownRelease
        When ``wanted``, NAME/VERSION, is not among the other releases.
    ReleaseUnavailable
        When a release cannot be opened.
    """
    prediction = selectors.find_prediction(actor, prediction_id)
    release = _find_other(prediction, wanted)
    facts = facts_of(prediction)
    others, problems = _opinion(prediction, release)
    ledger.record(
        events.PREDICTION_COMPARED,
        actor,
        other_release=str(release),
        **facts_of_event(prediction),
    )
    return Opinions(facts, release, others, problems)


def _find_other(prediction: Prediction, wanted: str) -> Release:
    for release in other_releases(prediction):
        if wanted == f"{release.name}/{release.version}":
            return release
    raise UnknownRelease(wanted)


def _opinion(prediction: Prediction, release: Release) -> tuple[Facts | None, tuple[Problem, ...]]:
    try:
        panel = panel_for_another(prediction, releases.manifest_of(release))
        reading = inference.read_panel(release, panel)
    except PanelRefused as refusal:
        return None, refusal.problems
    as_if_asked = Prediction(
        id=prediction.id,
        created_at=prediction.created_at,
        event=prediction.event,
        release=release,
        person=prediction.person,
        api_key=prediction.api_key,
        input_sha256=panel.sha256,
    )
    stored = {**prediction.panel, "values": panel.values, "profile": panel.profile and panel.profile.facts}
    as_if_asked.contents = {**prediction.contents, "panel": stored, "result": reading.as_stored}
    return facts_of(as_if_asked), ()
