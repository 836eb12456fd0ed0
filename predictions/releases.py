"""Which releases of the model there are, which one is live, and their opened forms.

How a release becomes live, and stops to be, is for `lifecycle` to say.
"""

from functools import lru_cache
from threading import Lock
from typing import TypedDict

from cachetools import TTLCache, cached
from django.conf import settings
from django.db import transaction

from accounts import ledger
from accounts.actors import Actor
from ml_models.manifest import Manifest
from ml_models.portable import PortableModel
from ml_models.registry import ReleaseStore
from ml_models.sealing import ReleaseKeys, SealBroken
from predictions import events, object_stores
from predictions.exceptions import ReleaseUnavailable, UnknownRelease
from predictions.models import Release, ReleaseState

STABLE = "stable"
REMEMBERED_SECONDS = 1.0
# The largest absolute difference that two readings of one panel may have.
TOLERANCE = 1e-9
ANSWERING = (ReleaseState.LIVE, ReleaseState.CALLABLE)


class Trained(TypedDict):
    """What training reports of the release that it sealed."""

    name: str
    version: str
    sha256: str


def any_live() -> bool:
    """Whether a release is live."""
    return Release.objects.filter(state=ReleaseState.LIVE).exists()


def any_registered() -> bool:
    """Whether there has ever been a release."""
    return Release.objects.exists()


def find_release(wanted: str = STABLE) -> Release:
    """The live release for "stable", or the one named as NAME/VERSION.

    Raises
    ------
    ReleaseUnavailable
        When no release is live.
    UnknownRelease
        When the named one is not registered, or its state lets it answer nobody.
    """
    if wanted == STABLE:
        return _find_live()
    name, _, version = wanted.partition("/")
    release = Release.objects.filter(name=name, version=version, state__in=ANSWERING).first()
    if release is None:
        raise UnknownRelease(wanted)
    return release


@cached(TTLCache(maxsize=1, ttl=REMEMBERED_SECONDS), lock=Lock())
def _find_live() -> Release:
    """Remembered for a second: a quarantine or an activation reaches every web process within one."""
    live = Release.objects.filter(state=ReleaseState.LIVE).first()
    if live is None:
        raise ReleaseUnavailable("No release of the model is live.")
    return live


def manifest_of(release: Release) -> Manifest:
    """The signed manifest of a release.

    Raises
    ------
    ReleaseUnavailable
        When its file is missing or its seal is broken.
    """
    return _open_manifest(release.name, release.version, release.sha256)


def portable_form(release: Release) -> PortableModel:
    """The ONNX form of a release, opened once in each process.

    Raises
    ------
    ReleaseUnavailable
        When its file is missing or its seal is broken.
    """
    return _open_portable(release.name, release.version, release.sha256)


def store() -> ReleaseStore:
    """Where the sealed releases are: the place that MODEL_STORE names."""
    return ReleaseStore(object_stores.open_storage(settings.MODEL_STORE))


def keys() -> ReleaseKeys:
    """The keys that open releases."""
    texts = settings.MODEL_KEYS_ENVIRONMENT
    return ReleaseKeys.from_text(
        encryption=texts["MODEL_ENCRYPTION_KEY"],
        public=texts["MODEL_PUBLIC_KEYS"],
        signing=texts["MODEL_SIGNING_KEY"] or None,
    )


@transaction.atomic
def register(trained: Trained, actor: Actor | None = None) -> Release:
    """Put a sealed release on record, callable by its name. Registering it again changes nothing."""
    release, is_new = Release.objects.get_or_create(**trained)
    if is_new:
        ledger.record(events.RELEASE_REGISTERED, actor, release=str(release), release_sha256=release.sha256)
    return release


def require_seal(release: Release) -> None:
    """Open a release anew, whatever this process remembers of it.

    Raises
    ------
    ReleaseUnavailable
        When its file is missing or its seal is broken.
    """
    _open_portable.__wrapped__(release.name, release.version, release.sha256)


def forget_live() -> None:
    """Look up the live release anew; other processes do so within a second."""
    _find_live.cache_clear()


@lru_cache(maxsize=8)
def _open_manifest(name: str, version: str, sha256: str) -> Manifest:
    try:
        manifest = store().manifest(name, version, keys())
    except (SealBroken, OSError) as error:
        raise ReleaseUnavailable(f"{name} {version}: {error}") from error
    if manifest.sha256 != sha256:
        raise ReleaseUnavailable(f"{name} {version}: the stored manifest is not the one on record.")
    return manifest


@lru_cache(maxsize=8)
def _open_portable(name: str, version: str, sha256: str) -> PortableModel:
    try:
        return store().open_portable(name, version, sha256, keys())
    except (SealBroken, OSError) as error:
        raise ReleaseUnavailable(f"{name} {version}: {error}") from error
