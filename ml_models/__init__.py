"""The statistical model of the product: its estimators, its sealed releases and what serves them.

Two halves that never meet at run time. What serves (``manifest``, ``scores``, ``imputation``,
``applicability``, ``portable``, ``sealing``, ``storage``, ``registry``) needs only numpy, ONNX Runtime,
cryptography and pydantic. What trains (``training``, ``evaluation``, ``tuning``, ``onnx_export``) needs
scikit-learn, scikit-survival and onnx, and no other module imports it. ``estimators`` (with
``partial_likelihood`` and ``tuning``) is where pickles point to, so its import path never moves.
"""
