"""The published facts of a prediction: one structure for the page, the API and the terminal.

Every key is for ever once it is published, so units stand in the keys and nothing is abbreviated.
"""

from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from math import exp
from typing import Any

import numpy as np

from ml_models.classification import band_of, classify
from ml_models.imputation import complete
from ml_models.manifest import Category, Classification, Estimate, Gene, Manifest, MissingCost
from predictions import releases
from predictions.exceptions import ReleaseUnavailable
from predictions.intake.identifiers import name_damaged, name_others
from predictions.models import Prediction
from predictions.sentences import Sentence, counted, joined, marked, sentence

HORIZONS = (5, 10)
GROUPS = ("lower", "middle", "higher")
NOT_CLASSIFIABLE = "not_classifiable"
BETWEEN_GROUPS = {
    "lower": marked(
        "The estimate lies in the lower group ({low} to {high} out of 100), but its likely range reaches "
        "more than {most} out of 100 beyond it. So it is for {share} out of 100 people of the cohort."
    ),
    "middle": marked(
        "The estimate lies in the middle group ({low} to {high} out of 100), but its likely range reaches "
        "more than {most} out of 100 beyond it. So it is for {share} out of 100 people of the cohort."
    ),
    "higher": marked(
        "The estimate lies in the higher group ({low} to {high} out of 100), but its likely range reaches "
        "more than {most} out of 100 beyond it. So it is for {share} out of 100 people of the cohort."
    ),
}
EVENT = "distant_metastasis"
DIRECTION = sentence("higher means a higher risk of distant metastasis")

EVIDENCE = (
    "c_index_harrell",
    "auc_5y",
    "auc_10y",
    "calibration_slope",
    "observed_expected_5y",
    "observed_expected_10y",
)
CHANCE = 0.5  # a C-index of no use
LARGEST_LOG_HAZARD = 700.0  # beyond it exp() is no number any more
MANY_MISSING = marked(
    "Many genes were not measured: {count} of {total} ({genes}). Each was replaced by what the measured "
    "genes "
    "lead to expect, and the interval is wider for it. In the training cohort {cost} missing genes moved the "
    "risk at 5 years by {points} percentage points on average."
)
SOME_MISSING = marked(
    "Some genes were not measured: {count} of {total} ({genes}). Each was replaced by what the measured "
    "genes "
    "lead to expect, and the interval is wider for it. In the training cohort {cost} missing genes moved the "
    "risk at 5 years by {points} percentage points on average."
)

Facts = dict[str, Any]
Intervals = tuple[list[float], list[float]]


def facts_of(prediction: Prediction) -> Facts:
    """Everything that is published of one prediction.

    Raises
    ------
    ReleaseUnavailable
        When the manifest of its release cannot be opened.
    """
    manifest = releases.manifest_of(prediction.release)
    if_complete = _interval_if_complete(prediction, manifest)
    curve = [_horizon(prediction, manifest, years, if_complete) for years in manifest.horizons]
    return {
        "id": str(prediction.id),
        **facts_of_status(prediction),
        "created_at": prediction.created_at.isoformat(),
        "model": _model(prediction, manifest),
        "case": {"reference": prediction.case_reference or None, "age_years": prediction.age_years},
        "sample": {"id": prediction.sample_id or None, "platform": _platform(prediction, manifest)},
        "input": _input(prediction, manifest),
        "applicability": _applicability(prediction, manifest),
        "result": {
            "log_hazard": prediction.result["log_hazard"],
            "direction": DIRECTION,
            "risk_group": _risk_group(prediction, manifest),
            "horizons": [point for point in curve if point["years"] in HORIZONS],
            "curve": curve,
        },
        "contributions": _contributions(prediction, manifest),
        "evidence": _evidence(prediction, manifest),
        "warnings": list(_warnings(prediction, manifest)),
        "audit": _audit(prediction),
    }


def facts_in_list(prediction: Prediction) -> Facts:
    """What a list tells of a prediction: of an erased case nothing but that there is one.

    Raises
    ------
    ReleaseUnavailable
        When the manifest of its release cannot be opened.
    """
    told = {
        "id": str(prediction.id),
        **facts_of_status(prediction),
        "created_at": prediction.created_at.isoformat(),
        "model": {"name": prediction.release.name, "version": prediction.release.version},
        "erased": prediction.is_erased,
    }
    return told if prediction.is_erased else told | _listed(prediction)


def _listed(prediction: Prediction) -> Facts:
    years, result = releases.manifest_of(prediction.release).horizons, prediction.result
    places = [(each, years.index(each)) for each in HORIZONS if each in years]
    return {
        "case": {"reference": prediction.case_reference or None, "age_years": prediction.age_years},
        "sample": {"id": prediction.sample_id or None},
        "result": {
            "log_hazard": result["log_hazard"],
            "horizons": [
                {
                    "years": each,
                    "event": EVENT,
                    "risk_percent": 100 * result["risk"][place],
                    "interval95_percent": [100 * result["lower"][place], 100 * result["upper"][place]],
                }
                for each, place in places
            ],
        },
    }


def facts_of_status(prediction: Prediction) -> Facts:
    """How far the second reading is; it holds nothing of the patient."""
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
        "unit": manifest.unit,
        "platform": manifest.platform,
    }


def _platform(prediction: Prediction, manifest: Manifest) -> str:
    profile: Facts | None = prediction.panel.get("profile")
    return str(profile["platform"]) if profile else manifest.platform


def _input(prediction: Prediction, manifest: Manifest) -> Facts:
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
        "genes_missing_cost": _missing_cost(len(missing), manifest) if missing else None,
        "genes_aliased": panel["former_symbols"],
        "age_source": "unknown" if prediction.age_years is None else "declared",
        "transformations": panel["steps"],
        "profile": panel.get("profile"),
    }


def _missing_cost(count: int, manifest: Manifest) -> Facts:
    """What so many missing genes cost in the training cohort: the least number measured that is not fewer."""
    cost = _cost_of(count, manifest)
    return {
        "genes": cost.missing,
        "mean_absolute_risk_change_5y_percentage_points": cost.mean_absolute_change_5y,
        "share_measured_percent": 100 * (1 - count / len(manifest.genes)),
        "warn_below_percent": 100 * manifest.missing.warn_below,
        "refuse_below_percent": 100 * manifest.missing.refuse_below,
    }


def _cost_of(count: int, manifest: Manifest) -> MissingCost:
    costs = manifest.missing.cost
    return next((cost for cost in costs if cost.missing >= count), costs[-1])


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
            "detail": sentence(
                "The model learned from patients aged {minimum} to {maximum}; this one is {age}.",
                minimum=round(manifest.age.minimum),
                maximum=round(manifest.age.maximum),
                age=age,
            ),
        }


def _risk_group(prediction: Prediction, manifest: Manifest) -> Facts:
    """The category of the risk at 5 years, or why it has none. It stands after the number, never before."""
    rules = manifest.classification
    risk, lower, upper = (prediction.result[key][HORIZONS[0] - 1] for key in ("risk", "lower", "upper"))
    index = classify(risk, lower, upper, rules.categories, rules.crossing_maximum)
    if next(_reasons(prediction, manifest), None):
        return {
            "code": NOT_CLASSIFIABLE,
            "detail": sentence("The sample is outside the data that the model learned from."),
        }
    if index is None:
        return {"code": NOT_CLASSIFIABLE, "detail": _why_no_group(risk, rules)}
    return _group_facts(GROUPS[index], rules.categories[index])


def _why_no_group(risk: float, rules: Classification) -> Sentence:
    """It is so for most people, and the sentence says for how many."""
    band = band_of(risk, rules.categories)
    return sentence(
        BETWEEN_GROUPS[GROUPS[band]],
        low=round(100 * rules.categories[band].minimum),
        high=round(100 * rules.categories[band].maximum),
        most=round(100 * rules.crossing_maximum),
        share=round(100 * (1 - rules.classifiable_share)),
    )


def _group_facts(code: str, category: Category) -> Facts:
    observed = category.observed_5y
    return {
        "code": code,
        "years": HORIZONS[0],
        "risk_from_percent": 100 * category.minimum,
        "risk_to_percent": 100 * category.maximum,
        "share_of_cohort_percent": 100 * category.share,
        "patients": category.patients,
        "observed_percent": observed and 100 * observed.value,
        "observed_interval95_percent": observed and [100 * observed.lower, 100 * observed.upper],
    }


def _horizon(prediction: Prediction, manifest: Manifest, years: int, if_complete: Intervals | None) -> Facts:
    position = manifest.horizons.index(years)
    result, observed = prediction.result, manifest.cohort.observed[position]
    return {
        "years": years,
        "event": EVENT,
        "risk_percent": 100 * result["risk"][position],
        "interval95_percent": [100 * result["lower"][position], 100 * result["upper"][position]],
        "interval95_if_complete_percent": if_complete and [100 * bound[position] for bound in if_complete],
        "cohort_average_percent": 100 * observed.incidence,
        "cohort_average_interval95_percent": [100 * observed.lower, 100 * observed.upper],
        "cohort_at_risk": observed.at_risk,
    }


def _interval_if_complete(prediction: Prediction, manifest: Manifest) -> Intervals | None:
    """The interval had each gene that was filled in been measured so: what the model alone leaves open."""
    if not _missing(prediction):
        return prediction.result["lower"], prediction.result["upper"]
    values = prediction.panel["values"]
    # NumPy reads None as NaN.
    vector = np.array([[values[symbol] for symbol in manifest.symbols]], dtype=np.float64)
    completed = complete(vector, manifest.means, manifest.sds, manifest.correlation_matrix)
    with suppress(ReleaseUnavailable):  # an old result is still read when its release cannot be opened
        portable = releases.portable_form(prediction.release)
        scores = portable.score(completed, np.array([prediction.age_years], dtype=np.float64))
        return scores.lower[0].tolist(), scores.upper[0].tolist()
    return None


def _contributions(prediction: Prediction, manifest: Manifest) -> list[Facts]:
    """Strongest first. They sum to the log hazard against the mean of the cohort."""
    contributions = prediction.result["contributions"].items()
    risk = prediction.result["risk"][HORIZONS[0] - 1]
    genes = {gene.symbol: gene for gene in manifest.genes}
    return [
        {
            "of": name,
            "log_hazard": log_hazard,
            "risk_change_5y_percentage_points": 100 * _risk_change(risk, log_hazard),
            **_place(prediction, genes.get(name)),
        }
        for name, log_hazard in sorted(contributions, key=lambda item: (-abs(item[1]), item[0]))
    ]


def _risk_change(risk: float, log_hazard: float) -> float:
    """How much lower the risk would be without a part of its log hazard, under proportional hazards."""
    without: float = 1 - (1 - risk) ** exp(min(-log_hazard, LARGEST_LOG_HAZARD))
    return risk - without


def _place(prediction: Prediction, gene: Gene | None) -> Facts:
    """Where the value lies among those of the cohort; of ages the manifest holds the range only."""
    if gene is None:
        return {"value": prediction.age_years, "standard_deviations_from_mean": None}
    value = prediction.panel["values"][gene.symbol]
    distance = None if value is None else (value - gene.mean) / gene.sd
    return {"value": value, "standard_deviations_from_mean": distance}


def _evidence(prediction: Prediction, manifest: Manifest) -> Facts:
    """How the fit that answered was tested: the figures of the card that stand beside every result."""
    tested, cohort = manifest.performance, manifest.cohort
    aged = prediction.age_years is not None and tested.with_age
    figures = tested.with_age if aged and tested.with_age else tested.without_age
    return {
        "cohort": cohort.name,
        "citation": cohort.citation,
        "patients": cohort.patients,
        "distant_metastases": cohort.distant_metastases,
        "fit": "with_age" if aged else "without_age",
        **{name: _estimate(getattr(figures, name)) for name in EVIDENCE},
        "groups_not_shown_better_than_chance": [
            {"group": group.name, "c_index_harrell": _estimate(group.c_index_harrell)}
            for group in manifest.evaluation.subgroups
            if group.c_index_harrell and group.c_index_harrell.lower <= CHANCE
        ],
    }


def _estimate(estimate: Estimate) -> Facts:
    return {"value": estimate.value, "interval95": [estimate.lower, estimate.upper]}


def _warnings(prediction: Prediction, manifest: Manifest) -> Iterator[Facts]:
    panel = prediction.panel
    yield from _profile_warnings(panel.get("profile"), manifest)
    if missing := _missing(prediction):
        yield {"code": "genes_missing", "detail": _missing_words(missing, manifest)}
    if former := panel["former_symbols"]:
        renamed = joined([sentence("{old} as {new}", old=old, new=new) for old, new in former.items()])
        yield {
            "code": "former_symbols_read",
            "detail": sentence("Former symbols were read as the current: {renamed}.", renamed=renamed),
        }
    if others := panel["not_in_panel"]:
        yield {"code": "genes_not_in_panel", "detail": _others_words(others, missing, manifest)}
    if damaged := name_damaged(others, panel["identifiers"]):
        yield {
            "code": "identifiers_damaged",
            "detail": sentence("A spreadsheet damaged names of genes: {damaged}.", damaged=damaged),
        }
    if manifest.age is None:
        yield from _age_not_used(prediction)
    elif prediction.age_years is None:
        yield {
            "code": "age_unknown",
            "detail": sentence(
                "No age was given, so the fit without age was used. In the training cohort age changed the "
                "answer little."
            ),
        }


def _profile_warnings(profile: Facts | None, manifest: Manifest) -> Iterator[Facts]:
    if profile is None:
        return
    yield {
        "code": "profile_used",
        "detail": sentence(
            "The sample is of {platform}, where the model learned from {trained}. Each value was mapped by "
            "version {version} of the platform's profile, from {samples} reference samples; how far the "
            "risk would move with other reference samples is not in the range.",
            platform=profile["platform"],
            trained=manifest.platform,
            version=profile["version"],
            samples=profile["samples"],
        ),
    }
    if profile["looks_consecutive"] is False:
        yield {
            "code": "profile_not_consecutive",
            "detail": sentence(
                "The reference samples of the profile do not look like consecutive cases: if tumours of one "
                "receptor state are missing among them, every risk read with it is too high or too low."
            ),
        }


def _age_not_used(prediction: Prediction) -> Iterator[Facts]:
    if prediction.age_years is not None:
        yield {
            "code": "age_not_used",
            "detail": sentence("The age was not used: the model learned from a cohort without ages."),
        }


def _missing_words(missing: list[str], manifest: Manifest) -> Sentence:
    count, total = len(missing), len(manifest.genes)
    are_many = 1 - count / total < manifest.missing.warn_below
    cost = _cost_of(count, manifest)
    return sentence(
        MANY_MISSING if are_many else SOME_MISSING,
        count=count,
        total=total,
        genes=", ".join(missing),
        cost=cost.missing,
        points=Decimal(f"{cost.mean_absolute_change_5y:.1f}"),
    )


def _others_words(others: list[str], missing: list[str], manifest: Manifest) -> Sentence:
    return counted(
        "{count} identifier is not of the panel and not used: {others}.",
        "{count} identifiers are not of the panel and not used: {others}.",
        count=len(others),
        others=name_others(others, missing, manifest.genes),
    )


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
    if prediction.api_key:
        return sentence("API key {name}", name=prediction.api_key.name)
    return sentence("command line")
