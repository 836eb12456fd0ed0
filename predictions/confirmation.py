"""The second reading: new predictions are read again with the pickled model and must agree.

Runs in Celery workers only: it unpickles.
"""

from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from ml_models.pickled import PickledModel, WrongLibrariesError
from ml_models.sealing import SealBroken
from predictions import inference, lifecycle, pickled_forms, releases
from predictions.models import Prediction, Release

GROUP = 500


def confirm_waiting() -> int:
    """Read every waiting prediction again, in groups of 500, and stamp how far the two readings are apart.

    Rows that another worker holds are left to it. A release whose readings differ by more than 1e-9, or
    whose pickled form is not what was sealed, is quarantined. One that cannot be read now, because the store
    is away or this process lacks the key that it was rewrapped with, has its predictions wait. Those of
    an erased case cannot be read again: they wait for ever.

    Returns
    -------
    int
        How many predictions were stamped.
    """
    waiting = Prediction.objects.readable().filter(second_reading_at=None, release=OuterRef("pk"))
    return sum(_confirm_release(release) for release in Release.objects.filter(Exists(waiting)))


def _confirm_release(release: Release) -> int:
    try:
        model = pickled_forms.pickled_form(release)
    except (SealBroken, OSError, WrongLibrariesError) as error:
        lifecycle.handle_unopened(release, error)
        return 0
    confirmed = 0
    while group := _confirm_group(release, model):
        confirmed += group
    return confirmed


@transaction.atomic
def _confirm_group(release: Release, model: PickledModel) -> int:
    waiting = Prediction.objects.readable().filter(second_reading_at=None, release=release).order_by("id")
    group = list(waiting.select_for_update(skip_locked=True, of=("self",))[:GROUP])
    if not group:
        return 0
    differences = _compare(release, model, group)
    _stamp(group, differences)
    if max(differences) > releases.TOLERANCE:
        lifecycle.quarantine(release, f"its two readings are {max(differences):.3g} apart")
    return len(group)


def _compare(release: Release, model: PickledModel, predictions: list[Prediction]) -> list[float]:
    symbols = [gene.symbol for gene in releases.manifest_of(release).genes]
    # NumPy reads None as NaN.
    values = np.array(
        [[prediction.panel["values"][symbol] for symbol in symbols] for prediction in predictions],
        dtype=np.float64,
    )
    ages = np.array([prediction.age_years for prediction in predictions], dtype=np.float64)
    scores = model.score(values, ages)
    return [
        _difference(prediction.result, inference.as_result(scores, row, symbols))
        for row, prediction in enumerate(predictions)
    ]


def _difference(stored: dict[str, Any], read_again: dict[str, Any]) -> float:
    """The largest absolute difference; infinite where a number is not finite, since nothing equals it."""
    pairs = zip(_numbers(stored, read_again), _numbers(read_again, read_again), strict=True)
    largest = float(np.max([abs(first - second) for first, second in pairs]))
    return largest if np.isfinite(largest) else float("inf")


def _numbers(result: Any, like: Any) -> list[float]:
    """Every number of a result in the order of another: the database keeps keys in an order of its own."""
    if isinstance(like, dict):
        return [number for key in like for number in _numbers(result[key], like[key])]
    if isinstance(like, list):
        return [number for part in zip(result, like, strict=True) for number in _numbers(*part)]
    return [float(result)]


def _stamp(predictions: list[Prediction], differences: list[float]) -> None:
    now = timezone.now()
    for prediction, difference in zip(predictions, differences, strict=True):
        prediction.second_reading_at = now
        prediction.second_reading_difference = difference
    Prediction.objects.bulk_update(predictions, ["second_reading_at", "second_reading_difference"])
