"""What most people write: Flask around a pickle. No key, no checks, no record."""

import json
import os
from pathlib import Path

import joblib
import numpy as np
from flask import Flask, Response, jsonify, request

model = joblib.load(os.environ["PEER_MODEL"])
symbols = json.loads(Path(os.environ["PEER_SYMBOLS"]).read_text())
app = Flask(__name__)


@app.post("/predict")
def predict() -> Response:
    """One panel in, its risk with interval out."""
    body = request.get_json()
    values = np.array([[body["expression"]["values"][symbol] for symbol in symbols]])
    age = np.array([body["case"]["age_years"]], dtype=float)
    scores = model.score(values, age)
    return jsonify(
        risk=scores.risk[0].tolist(), lower=scores.lower[0].tolist(), upper=scores.upper[0].tolist()
    )
