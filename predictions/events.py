"""The names of what the audit trail records of predictions and releases."""

PREDICTION_MADE = "prediction.made"
PREDICTION_REFUSED = "prediction.refused"
PREDICTION_DISCLOSED = "prediction.disclosed"
PREDICTIONS_LISTED = "predictions.listed"
RELEASE_REGISTERED = "release.registered"
RELEASE_ACTIVATED = "release.activated"
RELEASE_QUARANTINED = "release.quarantined"
