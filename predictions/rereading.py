"""Stored panels, ready to be read again: by the release that answered them, or by another."""

from ml_models.manifest import Manifest
from predictions import inference, profiles
from predictions.exceptions import PanelRefused, Problem
from predictions.intake.measurements import Measurement, PanelRequest, Step
from predictions.intake.panel import VALUES_POINTER, Panel, build_panel
from predictions.models import Prediction

NOT_COMPARABLE = "not_comparable"


def panel_as_read(prediction: Prediction, manifest: Manifest) -> Panel:
    """The panel as the release of this manifest read it; the database keeps no order of the genes.

    Raises
    ------
    KeyError
        When it is not a panel of this release.
    """
    facts = prediction.panel
    return Panel(
        values={symbol: facts["values"][symbol] for symbol in manifest.symbols},
        age_years=prediction.age_years,
        unit_declared=facts["unit_declared"],
        unit_detected=facts["unit_detected"],
        identifiers=facts["identifiers"],
        former_symbols=facts["former_symbols"],
        not_in_panel=tuple(facts["not_in_panel"]),
        steps=tuple(Step(**step) for step in facts["steps"]),
    )


def panel_for_another(prediction: Prediction, manifest: Manifest) -> Panel:
    """The panel as the release of this manifest would have received it, through every check of a new one.

    Raises
    ------
    PanelRefused
        With `not_comparable` when the release needs a gene that the panel never had a place for, since the
        value may have been there and was not kept; otherwise with why the release would not answer.
    """
    facts = prediction.panel
    values, profile = facts.get("measured") or facts["values"], facts.get("profile")
    if unknown := [symbol for symbol in manifest.symbols if symbol not in values]:
        raise PanelRefused([_not_comparable(unknown)])
    request = PanelRequest(
        measurements=tuple(Measurement(symbol, values[symbol]) for symbol in manifest.symbols),
        unit=facts["unit_declared"],
        platform=profile and profile["platform"],
        identifiers="hgnc_symbol",
        age_years=prediction.age_years,
        total=facts.get("total"),
    )
    own = profiles.find_profile(prediction.organisation_id, manifest, request.platform)
    panel = build_panel(request, manifest, own)
    inference.check_applicability(panel, manifest)
    return panel


def _not_comparable(unknown: list[str]) -> Problem:
    detail = f"What was measured of {', '.join(unknown)} was not kept."
    return Problem(NOT_COMPARABLE, detail, "Measure the sample again.", VALUES_POINTER)
