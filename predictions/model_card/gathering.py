"""The facts of a card, gathered once for every door."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from ml_models.manifest import Manifest
from predictions import releases
from predictions.exceptions import ReleaseUnavailable, UnknownRelease
from predictions.facts import DIRECTION, EVENT
from predictions.model_card.limits import limits_of
from predictions.model_card.measures import MEASURES
from predictions.models import Release


@dataclass(frozen=True, slots=True)
class Listed:
    """A release on record; its manifest is None if it cannot be opened."""

    release: Release
    manifest: Manifest | None


@dataclass(frozen=True, slots=True)
class Card:
    """A release, its signed manifest, and all versions of its name, newest first."""

    release: Release
    manifest: Manifest
    versions: tuple[Listed, ...]


def card_of(name: str, version: str) -> Card:
    """The card of a release in whatever state it is: a quarantined one is read about most.

    Raises
    ------
    UnknownRelease
        When it is not on record.
    ReleaseUnavailable
        When its manifest cannot be opened.
    """
    namesakes = [release for release in _on_record() if release.name == name]
    for release in namesakes:
        if release.version == version:
            return Card(release, releases.manifest_of(release), _listed(namesakes))
    raise UnknownRelease(f"{name} {version}")


def all_releases() -> tuple[Listed, ...]:
    """Every release on record, newest first."""
    return _listed(_on_record())


def as_json(card: Card) -> dict[str, Any]:
    """The card as published data: the manifest under its own keys, less what only the arithmetic needs."""
    return {
        "model": release_facts(card.release),
        "event": EVENT,
        "direction": DIRECTION,
        "time_zero": "surgery",
        "interval": "95 %",
        "measures": [
            {"key": words.key, "name": words.name, "meaning": words.meaning, "good": words.good}
            for words in MEASURES
        ],
        "limits": list(limits_of(card.manifest)),
        "manifest": card.manifest.model_dump(mode="json", exclude={"correlation"}),
        "versions": [release_facts(listed.release) for listed in card.versions],
    }


def release_facts(release: Release) -> dict[str, Any]:
    """What is on record of a release."""
    return {
        "name": release.name,
        "version": release.version,
        "sha256": release.sha256,
        "state": release.state,
        "registered_at": release.registered_at.isoformat(),
        "card": reverse("api_model_card", args=[release.name, release.version]),
    }


def page_of(release: Release) -> str:
    """The address of the card for people."""
    return reverse("model_card", args=[release.name, release.version])


def _on_record() -> Iterable[Release]:
    # A handful of rows: choosing among them here keeps names from an address out of the database.
    return Release.objects.order_by("-registered_at")


def _listed(found: Iterable[Release]) -> tuple[Listed, ...]:
    return tuple(Listed(release, _manifest_or_none(release)) for release in found)


def _manifest_or_none(release: Release) -> Manifest | None:
    try:
        return releases.manifest_of(release)
    except ReleaseUnavailable:
        return None
