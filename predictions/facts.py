"""The published facts of a prediction: one structure for the page, the API and the terminal.

Every key is for ever once it is published, so units stand in the keys and nothing is abbreviated.
"""

from collections.abc import Iterator
from typing import Any

from ml_models.classification import classify
from ml_models.manifest import Category, Manifest
from predictions import releases
from predictions.intake.identifiers import name_others
from predictions.models import Prediction

HORIZONS = (5, 10)
GROUPS = ("lower", "middle", "higher")
NOT_CLASSIFIABLE = "not_classifiable"
EVENT = "distant_metastasis"
DIRECTION = "higher means a higher risk of distant metastasis"

Facts = dict[str, Any]


def facts_of(prediction: Prediction) -> Facts:
    """Everything that is published of one prediction.

    Raises
    ------
    ReleaseUnavailable
        When the manifest of its release cannot be opened.
    """
    manifest = releases.manifest_of(prediction.release)
    curve = [_horizon(prediction, manifest, years) for years in manifest.horizons]
    return {
        "id": str(prediction.id),
        **_status(prediction),
        "created_at": prediction.created_at.isoformat(),
        "model": _model(prediction, manifest),
        "case": {"reference": prediction.case_reference or None, "age_years": prediction.age_years},
        "sample": {"id": prediction.sample_id or None, "platform": manifest.platform},
        "input": _input(prediction),
        "applicability": _applicability(prediction, manifest),
        "result": {
            "log_hazard": prediction.result["log_hazard"],
            "direction": DIRECTION,
            "risk_group": _risk_group(prediction, manifest),
            "horizons": [point for point in curve if point["years"] in HORIZONS],
            "curve": curve,
        },
        "contributions": _contributions(prediction),
        "warnings": list(_warnings(prediction, manifest)),
        "audit": _audit(prediction),
    }


def _status(prediction: Prediction) -> Facts:
    if prediction.second_reading_difference is None:
        return {"status": "awaiting_second_reading", "terminal": False}
    agreed = prediction.second_reading_difference <= releases.TOLERANCE
    return {"status": "confirmed" if agreed else "disputed", "terminal": True}


def _model(prediction: Prediction, manifest: Manifest) -> Facts:
    release = prediction.release
    return {
        "name": release.name,
        "version": release.version,
        "sha256": release.sha256,
        "intended_use": manifest.intended_use,
    }


def _input(prediction: Prediction) -> Facts:
    panel = prediction.panel
    missing = _missing(prediction)
    return {
        "sha256": prediction.input_sha256,
        "unit_declared": panel["unit_declared"],
        "unit_detected": panel["unit_detected"],
        "identifiers": panel["identifiers"],
        "genes_required": len(panel["values"]),
        "genes_used": len(panel["values"]) - len(missing),
        "genes_missing": missing,
        "genes_aliased": panel["former_symbols"],
        "age_source": "unknown" if prediction.age_years is None else "declared",
        "transformations": panel["steps"],
    }


def _missing(prediction: Prediction) -> list[str]:
    return sorted(symbol for symbol, value in prediction.panel["values"].items() if value is None)


def _applicability(prediction: Prediction, manifest: Manifest) -> Facts:
    reasons = list(_reasons(prediction, manifest))
    return {
        "state": "outside_data" if reasons else "in_range",
        "reasons": reasons,
        **prediction.result["applicability"],
    }


def _reasons(prediction: Prediction, manifest: Manifest) -> Iterator[Facts]:
    age = prediction.age_years
    if age is not None and manifest.age and not manifest.age.minimum <= age <= manifest.age.maximum:
        yield {
            "code": "age_outside_data",
            "detail": f"The model learned from patients aged {manifest.age.minimum:.0f} to "
            f"{manifest.age.maximum:.0f}; this one is {age}.",
        }


def _risk_group(prediction: Prediction, manifest: Manifest) -> Facts:
    """The category of the risk at 5 years, or why it has none. It stands after the number, never before."""
    rules = manifest.classification
    risk, lower, upper = (prediction.result[key][HORIZONS[0] - 1] for key in ("risk", "lower", "upper"))
    index = classify(risk, lower, upper, rules.categories, rules.crossing_maximum)
    if next(_reasons(prediction, manifest), None):
        return {
            "code": NOT_CLASSIFIABLE,
            "detail": "The sample is outside the data that the model learned from.",
        }
    if index is None:
        return {
            "code": NOT_CLASSIFIABLE,
            "detail": "The likely range reaches more than "
            f"{100 * rules.crossing_maximum:.0f} out of 100 beyond the group of the estimate.",
        }
    return _group_facts(GROUPS[index], rules.categories[index])


def _group_facts(code: str, category: Category) -> Facts:
    observed = category.observed_5y
    return {
        "code": code,
        "years": HORIZONS[0],
        "risk_from_percent": 100 * category.minimum,
        "risk_to_percent": 100 * category.maximum,
        "share_of_cohort_percent": 100 * category.share,
        "observed_percent": observed and 100 * observed.value,
        "observed_interval95_percent": observed and [100 * observed.lower, 100 * observed.upper],
    }


def _horizon(prediction: Prediction, manifest: Manifest, years: int) -> Facts:
    position = manifest.horizons.index(years)
    result = prediction.result
    return {
        "years": years,
        "event": EVENT,
        "risk_percent": 100 * result["risk"][position],
        "interval95_percent": [100 * result["lower"][position], 100 * result["upper"][position]],
        "cohort_average_percent": 100 * manifest.cohort.observed[position].incidence,
    }


def _contributions(prediction: Prediction) -> list[Facts]:
    """Strongest first. They sum to the log hazard against the mean of the cohort."""
    contributions = prediction.result["contributions"].items()
    return [
        {"of": name, "log_hazard": value}
        for name, value in sorted(contributions, key=lambda item: (-abs(item[1]), item[0]))
    ]


def _warnings(prediction: Prediction, manifest: Manifest) -> Iterator[Facts]:
    panel = prediction.panel
    if missing := _missing(prediction):
        yield {"code": "genes_missing", "detail": _missing_words(missing, manifest)}
    if former := panel["former_symbols"]:
        renamed = ", ".join(f"{old} as {new}" for old, new in former.items())
        yield {
            "code": "former_symbols_read",
            "detail": f"Former symbols were read as the current: {renamed}.",
        }
    if others := panel["not_in_panel"]:
        yield {"code": "genes_not_in_panel", "detail": _others_words(others, missing)}
    if manifest.age is None:
        yield from _age_not_used(prediction)
    elif prediction.age_years is None:
        yield {
            "code": "age_unknown",
            "detail": "No age was given, so the fit without age was used. In the training cohort age changed "
            "the answer little.",
        }


def _age_not_used(prediction: Prediction) -> Iterator[Facts]:
    if prediction.age_years is not None:
        yield {
            "code": "age_not_used",
            "detail": "The age was not used: the model learned from a cohort without ages.",
        }


def _missing_words(missing: list[str], manifest: Manifest) -> str:
    count, total = len(missing), len(manifest.genes)
    amount = "Many genes were" if 1 - count / total < manifest.missing.warn_below else "Some genes were"
    cost = next((cost for cost in manifest.missing.cost if cost.missing >= count), manifest.missing.cost[-1])
    return (
        f"{amount} not measured: {count} of {total} ({', '.join(missing)}). Each was replaced by what the "
        f"measured genes lead to expect, and the interval is wider for it. In the training cohort "
        f"{cost.missing} missing genes moved the risk at 5 years by {cost.mean_absolute_change_5y:.1f} "
        "percentage points on average."
    )


def _others_words(others: list[str], missing: list[str]) -> str:
    subject = "1 identifier is" if len(others) == 1 else f"{len(others)} identifiers are"
    return f"{subject} not of the panel and not used: {name_others(others, missing)}."


def _audit(prediction: Prediction) -> Facts:
    return {
        "event": str(prediction.event_id),
        "leaf_sha256": bytes(prediction.event.leaf).hex(),
        "receipt": f"/api/v1/predictions/{prediction.id}/receipt",
        "requested_by": _requested_by(prediction),
    }


def _requested_by(prediction: Prediction) -> str:
    if prediction.person:
        return str(prediction.person)
    return f"API key {prediction.api_key.name}" if prediction.api_key else "command line"
