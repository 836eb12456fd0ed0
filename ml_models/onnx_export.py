"""The ONNX form of a fitted model: one graph, double precision, both fits.

Inputs are completed values (n, genes) and age (n,), NaN where unknown. Each patient is scored by elementwise
products and sums, and her replicates by a product of their own: unlike one matrix product over the batch,
both are the same bits alone and in any company.

The graph ends at the log hazards and hands out the baselines, because ONNX Runtime's Exp is not: its
vectorised body and its scalar tail differ in the last bit. The risk is ``1 - exp(-baseline * exp(log
hazard))``.
"""

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, checker, helper, numpy_helper
from sklearn.pipeline import Pipeline

from ml_models.estimators import HORIZON_DAYS, HORIZONS, DistantMetastasisRisk

Floats = npt.NDArray[np.float64]

OPSET = 17
IR_VERSION = 8


def export(model: DistantMetastasisRisk) -> bytes:
    """Return the graph of a fitted model, serialised deterministically."""
    genes = model.imputer_.n_features_in_
    graph = helper.make_graph(
        _nodes(),
        "distant_metastasis_risk",
        [_tensor("values", ["n", genes]), _tensor("age", ["n"])],
        _outputs(genes, model.replicates),
        [numpy_helper.from_array(array, name) for name, array in _constants(model).items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    checker.check_model(proto, full_check=True)
    return _serialised(proto)


def _serialised(proto: ModelProto) -> bytes:
    content: bytes = proto.SerializeToString(deterministic=True)
    return content


def _nodes() -> list[NodeProto]:
    node = helper.make_node
    return [
        node("IsNaN", ["age"], ["age_unknown"]),
        node("Unsqueeze", ["age_unknown", "axis_1"], ["unknown"]),
        node("Unsqueeze", ["age", "axis_1"], ["age_column"]),
        # An unknown age becomes the mean age: it contributes 0 and never meets the arithmetic as a NaN.
        node("Where", ["unknown", "mean_age", "age_column"], ["age_or_mean"]),
        node("Concat", ["values", "age_or_mean"], ["columns"], axis=1),
        node("Sub", ["columns", "means"], ["centred"]),
        node("Where", ["unknown", "coef_without_age", "coef_with_age"], ["coef"]),
        node("Mul", ["centred", "coef"], ["contributions"]),
        node("ReduceSum", ["contributions", "axis_1"], ["log_hazard"], keepdims=0),
        node("Unsqueeze", ["centred", "axis_2"], ["centred_3d"]),
        node("MatMul", ["replicates_without_age", "centred_3d"], ["product_without_age"]),
        node("MatMul", ["replicates_with_age", "centred_3d"], ["product_with_age"]),
        node("Squeeze", ["product_without_age", "axis_2"], ["eta_without_age"]),
        node("Squeeze", ["product_with_age", "axis_2"], ["eta_with_age"]),
        node("Where", ["unknown", "eta_without_age", "eta_with_age"], ["replicate_log_hazards"]),
        node("Identity", ["hazards_of_both"], ["baseline_hazards"]),
        node("Identity", ["hazards_of_replicates"], ["replicate_hazards"]),
        node("Concat", ["replicates_without_age", "replicates_with_age"], ["replicate_coefficients"], axis=0),
    ]


def _constants(model: DistantMetastasisRisk) -> dict[str, Floats | npt.NDArray[np.int64]]:
    """Initialisers; where there is one of each fit, that without age comes first, with a coefficient 0.

    A model without ages holds the first twice.
    """
    without, aged = model.without_age_, model.with_age_ or model.without_age_
    replicates = model.replicates_without_age_, model.replicates_with_age_ or model.replicates_without_age_
    columns = model.imputer_.n_features_in_ + 1
    coef = np.array([_widened(_raw_coef(fitted), columns) for fitted in (without, aged)])
    means = _widened(aged["scale"].mean_ + aged["scale"].scale_ * aged["cox"].mean_, columns)
    return {
        "axis_1": np.array([1]),
        "axis_2": np.array([2]),
        "mean_age": means[-1:],
        "means": means,
        "coef_without_age": coef[0],
        "coef_with_age": coef[1],
        "hazards_of_both": np.array([fitted["cox"].baseline_at(HORIZON_DAYS) for fitted in (without, aged)]),
        "replicates_without_age": _widened(replicates[0].coef_, columns)[None],
        "replicates_with_age": _widened(replicates[1].coef_, columns)[None],
        "hazards_of_replicates": np.array([fitted.cumulative_hazard_ for fitted in replicates]),
    }


def _raw_coef(pipeline: Pipeline) -> Floats:
    """Coefficients per unit of each column, scaling folded in."""
    coef: Floats = pipeline["cox"].coef_ / pipeline["scale"].scale_
    return coef


def _widened(numbers: Floats, columns: int) -> Floats:
    """Append a 0 for age where it has no column."""
    absent = columns - numbers.shape[-1]
    return np.concatenate([numbers, np.zeros((*numbers.shape[:-1], absent))], axis=-1)


def _outputs(genes: int, replicates: int) -> list[ValueInfoProto]:
    columns, horizons = genes + 1, len(HORIZONS)
    return [
        _tensor("log_hazard", ["n"]),
        _tensor("contributions", ["n", columns]),
        _tensor("replicate_log_hazards", ["n", replicates]),
        _tensor("baseline_hazards", [2, horizons]),
        _tensor("replicate_hazards", [2, replicates, horizons]),
        _tensor("replicate_coefficients", [2, replicates, columns]),
    ]


def _tensor(name: str, shape: list[str | int]) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.DOUBLE, shape)
