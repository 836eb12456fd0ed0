"""The ONNX form of a model: what a request is scored with, without scikit-learn."""

import os

import numpy as np
import numpy.typing as npt

from ml_models import imputation
from ml_models.manifest import Manifest
from ml_models.scores import Scores, cumulative_incidence, percentile_interval, with_missing_genes

# Later wheels start an uploader when they are imported: a clinic's server calls nobody.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime as ort

Floats = npt.NDArray[np.float64]

PER_PATIENT = ["log_hazard", "contributions", "replicate_log_hazards"]
CONSTANT = ["baseline_hazards", "replicate_hazards", "replicate_coefficients"]


class PortableModel:
    """A loaded ONNX model.

    Parameters
    ----------
    content : bytes
        The verified graph.
    manifest : Manifest
        Of the same release; its training mean and correlation fill missing genes in.
    """

    def __init__(self, content: bytes, manifest: Manifest) -> None:
        self.manifest = manifest
        self._session = ort.InferenceSession(content, _one_thread(), providers=["CPUExecutionProvider"])
        anybody = {"values": manifest.means[np.newaxis], "age": np.array([np.nan])}
        self._baselines, self._hazards, self._coefficients = self._session.run(CONSTANT, anybody)

    def score(self, values: Floats, age: Floats) -> Scores:
        """Score patients; the bits of one do not depend on the others.

        Parameters
        ----------
        values : array of shape (n, genes)
            In the manifest's unit and the order of ``manifest.genes``, NaN where a gene is missing.
        age : array of shape (n,)
            Years, NaN where unknown: the fit without age answers.
        """
        completed = imputation.complete(values, *self._distribution)
        feed = {"values": completed, "age": age}
        log_hazard, contributions, log_hazards = self._session.run(PER_PATIENT, feed)
        aged = (~np.isnan(age)).astype(np.intp)
        risk = cumulative_incidence(log_hazard[:, None], self._baselines[aged])
        lower, upper = self._interval(values, log_hazards, aged)
        return Scores(log_hazard, risk, lower, upper, contributions)

    @property
    def _distribution(self) -> tuple[Floats, Floats, Floats]:
        return self.manifest.means, self.manifest.sds, self.manifest.correlation_matrix

    def _interval(
        self, values: Floats, log_hazards: Floats, aged: npt.NDArray[np.intp]
    ) -> tuple[Floats, Floats]:
        lower, upper = (np.empty((len(aged), len(self.manifest.horizons))) for _ in range(2))
        _, sds, correlation = self._distribution
        for fit, (hazards, coef) in enumerate(zip(self._hazards, self._coefficients, strict=True)):
            rows = aged == fit
            if rows.any():
                genes = coef[:, : values.shape[1]]
                spread = imputation.unexplained_sd(values[rows], genes, sds, correlation)
                lower[rows], upper[rows] = percentile_interval(
                    with_missing_genes(log_hazards[rows], spread), hazards
                )
        return lower, upper


def _one_thread() -> ort.SessionOptions:
    """One thread a session: the web tier's processes are its parallelism, and threads would split sums."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return options
