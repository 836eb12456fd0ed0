"""What another release would have said of real inputs: the report that an approver reads.

It names predictions, and nothing of whose they are.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from accounts.row_scope import across_organisations
from ml_models.manifest import Category, Manifest
from predictions import inference, releases
from predictions.exceptions import PanelRefused, ReleaseUnavailable
from predictions.models import Prediction, Release, ShadowReading
from predictions.rereading import NOT_COMPARABLE, panel_for_another
from predictions.sentences import marked

INPUTS = 200
YEARS = (5, 10)
CATEGORISED_YEAR = 5
WORST = 10
# Reports are kept, so they are in English; pages say it in the language of their reader.
UNDER, OR_MORE = marked("under {high} %"), marked("{low} % or more")
BETWEEN = marked("{low} to {high} %")
ANSWERED = marked("what was answered")

Report = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What a release says of one input: its risks in percent and the category, or why it says nothing."""

    refused: str = ""
    category: str = ""
    percent: tuple[float, ...] = ()


@dataclass(frozen=True)
class Pair:
    """What two releases say of the input of one prediction."""

    prediction: UUID
    before: Answer
    after: Answer

    @property
    def is_comparable(self) -> bool:
        """Whether each release has been given all that it asks for."""
        return NOT_COMPARABLE not in {self.before.refused, self.after.refused}

    @property
    def changes(self) -> list[float]:
        """The changes in percentage points, of each year."""
        return [after - before for before, after in zip(self.before.percent, self.after.percent, strict=True)]


@across_organisations()
def compare(proposed: Release, live: Release | None, inputs: int = INPUTS) -> Report:
    """Read the latest inputs of all organisations with a proposed release and with the live one.

    Both read them anew, so that an input that was answered by a third release counts as well. Without a
    live release that can be opened there is nothing to compare with, and the report says so.

    Raises
    ------
    ReleaseUnavailable
        When the proposed release cannot be opened.
    """
    releases.require_seal(proposed)
    if live is None or not _opens(live):
        return {"before": None, "after": str(proposed), **_summarise([])}
    latest = Prediction.objects.readable().order_by("-id")[:inputs]
    pairs = [Pair(row.id, _answer(live, row), _answer(proposed, row)) for row in latest]
    return {"before": str(live), "after": str(proposed), **_summarise(pairs)}


@across_organisations()
def compare_shadow(shadow: Release, inputs: int = INPUTS) -> Report:
    """What a release said in the shadow of the latest predictions, next to what was answered.

    Raises
    ------
    ReleaseUnavailable
        When a manifest cannot be opened.
    """
    readings = ShadowReading.objects.filter(release=shadow).order_by("-prediction_id")
    latest = readings.select_related("prediction__release", "prediction__case_key")[:inputs]
    pairs = [_pair_of_reading(reading, shadow) for reading in latest if not reading.prediction.is_erased]
    return {"before": ANSWERED, "after": str(shadow), **_summarise(pairs)}


def category_of(risk: float, categories: Sequence[Category]) -> str:
    """The band of a 5-year risk in words, such as "10 to 20 %"."""
    band = next((band for band in categories if risk < band.maximum), categories[-1])
    if band.minimum == 0:
        return UNDER.format(high=f"{100 * band.maximum:.0f}")
    if band.maximum == 1:
        return OR_MORE.format(low=f"{100 * band.minimum:.0f}")
    return BETWEEN.format(low=f"{100 * band.minimum:.0f}", high=f"{100 * band.maximum:.0f}")


def _opens(release: Release) -> bool:
    try:
        releases.portable_form(release)
    except ReleaseUnavailable:
        return False
    return True


def _answer(release: Release, prediction: Prediction) -> Answer:
    manifest = releases.manifest_of(release)
    try:
        reading = inference.read_panel(release, panel_for_another(prediction, manifest))
    except PanelRefused as refusal:
        return Answer(refused=refusal.problems[0].code)
    return _answer_of(reading.result, manifest)


def _pair_of_reading(reading: ShadowReading, shadow: Release) -> Pair:
    answered = reading.prediction
    after = Answer(reading.refused)
    if reading.result:
        after = _answer_of(reading.result, releases.manifest_of(shadow))
    return Pair(answered.id, _answer_of(answered.result, releases.manifest_of(answered.release)), after)


def _answer_of(result: dict[str, Any], manifest: Manifest) -> Answer:
    risks = {year: result["risk"][manifest.horizons.index(year)] for year in YEARS}
    category = category_of(risks[CATEGORISED_YEAR], manifest.classification.categories)
    return Answer(category=category, percent=tuple(100 * risk for risk in risks.values()))


def _summarise(pairs: list[Pair]) -> Report:
    comparable = [pair for pair in pairs if pair.is_comparable]
    both = [pair for pair in comparable if not pair.before.refused and not pair.after.refused]
    return {
        "inputs": len(pairs),
        "not_comparable": len(pairs) - len(comparable),
        "newly_refused": sum(not pair.before.refused and bool(pair.after.refused) for pair in comparable),
        "newly_accepted": sum(bool(pair.before.refused) and not pair.after.refused for pair in comparable),
        "refused_by_both": sum(bool(pair.before.refused and pair.after.refused) for pair in comparable),
        "compared": len(both),
        "category_changes": _category_changes(both),
        "years": [_change_at(position, both) for position in range(len(YEARS))] if both else [],
        "worst": [_as_row(pair) for pair in sorted(both, key=_size, reverse=True)[:WORST]],
    }


def _category_changes(pairs: list[Pair]) -> list[dict[str, Any]]:
    moves = Counter((pair.before.category, pair.after.category) for pair in pairs)
    return [
        {"before": before, "after": after, "count": count}
        for (before, after), count in moves.most_common()
        if before != after
    ]


def _change_at(position: int, pairs: list[Pair]) -> dict[str, Any]:
    changes = [pair.changes[position] for pair in pairs]
    return {
        "year": YEARS[position],
        "mean_change": sum(changes) / len(changes),
        "mean_absolute_change": sum(map(abs, changes)) / len(changes),
        "largest_absolute_change": max(map(abs, changes)),
    }


def _size(pair: Pair) -> float:
    return max(map(abs, pair.changes))


def _as_row(pair: Pair) -> dict[str, Any]:
    return {
        "prediction": str(pair.prediction),
        "before_percent": list(pair.before.percent),
        "after_percent": list(pair.after.percent),
    }
