"""The page for the patient: fewer numbers than on the result page, the same ones, in everyday words."""

from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from ml_models.manifest import Cohort
from predictions.facts import Facts
from predictions.icon_array import figure, icon_array
from predictions.presentation import horizon_words, out_of_100
from predictions.wording import say_kept

# Nobody in it had chemotherapy or endocrine therapy (Desmedt 2007).
HAD_NO_DRUGS = frozenset({"GSE7390 (TRANSBIG)"})


@dataclass(frozen=True)
class PatientHorizon:
    """One horizon out of 100 people; the numbers are words where they are at an end of the scale."""

    years: int
    had_it: str
    did_not: str
    lowest: str
    highest: str
    icons: SafeString


def patient_words(facts: Facts, cohort: Cohort) -> dict[str, Any]:
    """What the page says besides its fixed sentences."""
    return {
        "horizons": [_horizon(horizon) for horizon in facts["result"]["horizons"]],
        "use": say_kept(facts["model"]["intended_use"]).partition(".")[0],
        "patients": cohort.patients,
        "had_no_drugs": cohort.name in HAD_NO_DRUGS,
        "filled": figure(is_filled=True),
        "open": figure(is_filled=False),
    }


def _horizon(horizon: Facts) -> PatientHorizon:
    words = horizon_words(horizon)
    had_it, did_not = _in_words(words.had_it), _in_words(words.did_not)
    lowest, highest = (_in_words(out_of_100(bound)) for bound in horizon["interval95_percent"])
    title = _("100 people after {years} years").format(years=words.years)
    description = _(
        "Filled figures are people in whom the cancer spread: {had_it}. Open figures are people in whom it "
        "did not spread: {did_not}."
    ).format(had_it=had_it, did_not=did_not)
    icons = icon_array(f"people-{words.years}", words.had_it, title, description)
    return PatientHorizon(words.years, had_it, did_not, lowest, highest, icons)


def _in_words(number: str) -> str:
    return {"<1": _("fewer than 1"), ">99": _("more than 99")}.get(number, number)
