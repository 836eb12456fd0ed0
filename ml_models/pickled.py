"""The pickled form of a model, for workers only: reading a pickle runs what is in it.

The bytes must come from :func:`ml_models.sealing.open_part`, which hands nothing back unverified.
"""

import io
import warnings
from importlib.metadata import version

import joblib
import numpy as np
import numpy.typing as npt
from sklearn.exceptions import InconsistentVersionWarning

from ml_models.estimators import DistantMetastasisRisk
from ml_models.manifest import Manifest
from ml_models.scores import Scores

Floats = npt.NDArray[np.float64]


class WrongLibrariesError(RuntimeError):
    """The release was pickled by other library versions: for whoever deploys; train or deploy anew."""


class PickledModel:
    """A loaded pickle.

    Parameters
    ----------
    content : bytes
        The verified pickle.
    manifest : Manifest
        Of the same release.

    Raises
    ------
    WrongLibrariesError
        When numpy, scikit-learn or joblib differ from those that wrote it; nothing is unpickled then.
    """

    def __init__(self, content: bytes, manifest: Manifest) -> None:
        _require_same_libraries(manifest)
        self.manifest = manifest
        self._model = _unpickle(content)

    def score(self, values: Floats, age: Floats) -> Scores:
        """Score patients; parameters as for :meth:`ml_models.portable.PortableModel.score`."""
        return self._model.score(values, age)


def _require_same_libraries(manifest: Manifest) -> None:
    written = manifest.training.libraries
    expected = {"numpy": written.numpy, "scikit-learn": written.scikit_learn, "joblib": written.joblib}
    different = [
        f"{name} {theirs}, here {version(name)}"
        for name, theirs in expected.items()
        if version(name) != theirs
    ]
    if different:
        raise WrongLibrariesError(f"{manifest.name} {manifest.version} was written by {'; '.join(different)}")


def _unpickle(content: bytes) -> DistantMetastasisRisk:
    with warnings.catch_warnings():
        warnings.simplefilter("error", InconsistentVersionWarning)
        model = joblib.load(io.BytesIO(content))
    if not isinstance(model, DistantMetastasisRisk):
        raise TypeError(f"the pickle holds a {type(model).__name__}")
    return model
