"""The statistical model of the product: its estimators, its sealed releases and what serves them.

Two halves that never meet at run time. What serves (``manifest``, ``scores``, ``imputation``,
``applicability``, ``portable``, ``sealing``, ``registry``) needs only numpy, ONNX Runtime,
cryptography and pydantic. What trains and validates (``training``, ``evaluation``, ``validation``,
``onnx_export`` and what reads cohorts) needs scikit-learn, scikit-survival and onnx, and nothing else imports
it. ``estimators`` (with ``partial_likelihood``, ``posterior`` and ``tuning``) is where pickles point to, so
its import path never moves.
"""
