"""A stored prediction, run again on its own release: the same bits, or an alarm.

What stands in the row is compared with what its audit event says of it, and its result with what the
portable form says today. A float is kept bit for bit, but for a minus zero from before contents were sealed:
JSONB had none. Of an erased case nothing can be replayed.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from accounts import ledger
from accounts.case_keys import CaseUnreadable
from predictions import events, inference, releases
from predictions.exceptions import PanelRefused, ReleaseUnavailable
from predictions.inference import Reading
from predictions.intake.panel import Panel
from predictions.models import Prediction
from predictions.rereading import panel_as_read

SAMPLE = 200
MOST_NAMED = 20

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was."""

    what: str
    stored: str
    replayed: str

    def __str__(self) -> str:
        return f"{self.what}: stored {self.stored}, replayed {self.replayed}"


def stored_predictions() -> QuerySet[Prediction]:
    """All predictions that can be read, with what a replay needs, oldest first."""
    return Prediction.objects.readable().select_related("case_key", "release", "event").order_by("id")


def random_sample(count: int) -> QuerySet[Prediction]:
    """Some predictions, drawn anew each time."""
    drawn = list(Prediction.objects.readable().order_by("?").values_list("id", flat=True)[:count])
    return stored_predictions().filter(id__in=drawn)


def replay_each(predictions: Iterable[Prediction]) -> Iterator[tuple[Prediction, list[Difference]]]:
    """Replay predictions one after the other, and raise the alarm for each that differs."""
    for prediction in predictions:
        differences = replay(prediction)
        if differences:
            _raise_alarm(prediction, differences)
        yield prediction, differences


def replay(prediction: Prediction) -> list[Difference]:
    """Every difference of one prediction; none where it gives the same bits."""
    try:
        return list(_differences(prediction))
    except ReleaseUnavailable as error:
        return [Difference("release", str(prediction.release), str(error))]
    except PanelRefused as refusal:
        return [Difference("applicability", "answered", f"refused as {refusal}")]
    except CaseUnreadable as error:
        return [Difference("sealed", "what its event says", str(error))]
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # somebody wrote other things there
        return [Difference("panel", "not a panel of its release", type(error).__name__)]


def _differences(prediction: Prediction) -> Iterator[Difference]:
    panel = panel_as_read(prediction, releases.manifest_of(prediction.release))
    reading = inference.read_panel(prediction.release, panel)
    yield from _compare_with_event(prediction, panel, reading)
    yield from _compare(prediction.result, reading.as_stored)


def _compare_with_event(prediction: Prediction, panel: Panel, reading: Reading) -> Iterator[Difference]:
    recorded = json.loads(bytes(prediction.event.body))
    found = {
        "prediction": str(prediction.id),
        "organisation": str(prediction.organisation_id),
        "release_sha256": prediction.release.sha256,
        "input_sha256": panel.sha256,
        "result_sha256": hashlib.sha256(ledger.canonical_json(reading.result)).hexdigest(),
    }
    if "sealed_sha256" in recorded:  # predictions from before contents were sealed have it not
        found["sealed_sha256"] = hashlib.sha256(prediction.sealed).hexdigest()
    yield from _compare({name: recorded.get(name) for name in found}, found)
    yield from _compare({"row/input_sha256": prediction.input_sha256}, {"row/input_sha256": panel.sha256})


def _compare(stored: Any, replayed: Any) -> Iterator[Difference]:
    before, after = dict(_leaves(stored)), dict(_leaves(replayed))
    for path in sorted(before.keys() | after.keys()):
        texts = [_spell(leaves[path]) if path in leaves else "nothing" for leaves in (before, after)]
        if texts[0] != texts[1]:
            yield Difference(path, *texts)


def _leaves(part: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of nested dicts and lists with where it stands."""
    if isinstance(part, dict):
        for key, value in part.items():
            yield from _leaves(value, f"{path}/{key}" if path else key)
    elif isinstance(part, list):
        for position, value in enumerate(part):
            yield from _leaves(value, f"{path}/{position}")
    else:
        yield path, part


def _spell(leaf: Any) -> str:
    """A spelling in which two numbers are the same only if their bits are; adding zero mends minus zero."""
    if isinstance(leaf, bool) or not isinstance(leaf, int | float):
        return ascii(leaf)
    return repr(float(leaf) + 0.0)


def _raise_alarm(prediction: Prediction, differences: list[Difference]) -> None:
    names = [difference.what for difference in differences[:MOST_NAMED]]
    ledger.record(
        events.REPLAY_DIFFERED,
        organisation=prediction.organisation_id,
        prediction=prediction.id,
        release=str(prediction.release),
        release_sha256=prediction.release.sha256,
        differences=names,
        count=len(differences),
    )
    logger.critical("Prediction %s replays differently in %s", prediction.id, ", ".join(names))
