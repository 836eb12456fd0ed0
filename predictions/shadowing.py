"""What the shadow releases say of new predictions: kept to be compared, shown to no clinician.

Runs in Celery workers only: it unpickles.
"""

from datetime import timedelta
from typing import Any

import numpy as np
from django.db.models import Exists, OuterRef, QuerySet

from accounts.moments import first_id_at, milliseconds_of, time_of
from ml_models.pickled import PickledModel, WrongLibrariesError
from ml_models.sealing import SealBroken
from predictions import inference, lifecycle, pickled_forms
from predictions.exceptions import PanelRefused
from predictions.intake.panel import Panel
from predictions.models import Prediction, Release, ReleaseState, ShadowReading
from predictions.rereading import panel_for_another
from predictions.sealed_contents import seal_contents

GROUP = 500
# Identifiers grow with time, but transactions end in any order: a prediction may appear after a later one.
LATECOMERS = timedelta(minutes=10)


def read_in_shadow() -> int:
    """Read with each shadow release up to 500 of the predictions made since it became one.

    A release that cannot be opened holds nobody up: its readings wait, and it is quarantined when its
    pickled form is not what was sealed.

    Returns
    -------
    int
        How many predictions were read.
    """
    return sum(_read_release(release) for release in Release.objects.filter(state=ReleaseState.SHADOW))


def _read_release(release: Release) -> int:
    group = list(_waiting(release)[:GROUP])
    if not group:
        return 0
    try:
        model = pickled_forms.pickled_form(release)
    except (SealBroken, OSError, WrongLibrariesError) as error:
        lifecycle.handle_unopened(release, error)
        return 0
    # Another worker may have read the same: its rows stand.
    ShadowReading.objects.bulk_create(_read(release, model, group), ignore_conflicts=True)
    return len(group)


def _waiting(release: Release) -> QuerySet[Prediction]:
    """The predictions without a reading, oldest first; only the latest are looked through."""
    since = release.state_changed_at
    readings = ShadowReading.objects.filter(release=release)
    newest = readings.order_by("-prediction_id").values_list("prediction_id", flat=True).first()
    if newest:
        since = max(since, time_of(1000 * milliseconds_of(newest)) - LATECOMERS)
    recent = Prediction.objects.readable().filter(id__gte=first_id_at(since))
    return recent.exclude(Exists(readings.filter(prediction=OuterRef("pk")))).order_by("id")


def _read(release: Release, model: PickledModel, group: list[Prediction]) -> list[ShadowReading]:
    panels: dict[Prediction, Panel] = {}
    readings = []
    for prediction in group:
        try:
            panels[prediction] = panel_for_another(prediction, model.manifest)
        except PanelRefused as refusal:
            code = refusal.problems[0].code
            readings.append(ShadowReading(prediction=prediction, release=release, refused=code))
    return readings + _score(release, model, panels)


def _score(release: Release, model: PickledModel, panels: dict[Prediction, Panel]) -> list[ShadowReading]:
    if not panels:
        return []
    ages = [np.nan if panel.age_years is None else panel.age_years for panel in panels.values()]
    values = np.stack([panel.vector for panel in panels.values()])
    scores = model.score(values, np.array(ages, dtype=np.float64))
    results = (inference.as_result(scores, row, list(model.manifest.symbols)) for row in range(len(panels)))
    return [
        _seal_reading(release, prediction, result) for prediction, result in zip(panels, results, strict=True)
    ]


def _seal_reading(release: Release, prediction: Prediction, result: dict[str, Any]) -> ShadowReading:
    reading = ShadowReading(prediction=prediction, release=release)
    row = (reading.id, prediction.id, prediction.organisation_id)
    reading.sealed = seal_contents(result, prediction.key, *row)
    return reading
