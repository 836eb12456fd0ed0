"""The pickled forms of releases, for Celery workers only: opening one runs what is in it."""

from functools import lru_cache

from ml_models.pickled import PickledModel
from predictions import releases
from predictions.models import Release


def pickled_form(release: Release) -> PickledModel:
    """The scikit-learn form of a release, opened once in each process.

    Raises
    ------
    ml_models.sealing.SealBroken
        When it is not what was sealed.
    OSError
        When its file is missing.
    ml_models.pickled.WrongLibrariesError
        When other versions of the libraries wrote it.
    """
    return _open_pickled(release.name, release.version, release.sha256)


@lru_cache(maxsize=4)
def _open_pickled(name: str, version: str, sha256: str) -> PickledModel:
    return releases.store().open_pickled(name, version, sha256, releases.keys())
