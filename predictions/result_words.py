"""Everything that is said of a result, once, for the page and for the report on paper.

What stands between two asterisks is emphasised; the page and the report each do that in their own way.
Sources of the wording: Spiegelhalter 2017 (both framings, absolute before relative), van der Bles 2020
(uncertainty in digits), Zikmund-Fisher 2008 (always out of 100).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from predictions.facts import Facts
from predictions.intake.identifiers import KINDS
from predictions.intake.units import FITTING, UNITS
from predictions.model_card.limits import PUBLICATIONS
from predictions.presentation import HorizonWords, group_words, horizon_words, out_of_100, whole
from predictions.wording import say, say_kept

STRONGEST = 5
ORIGIN = "origin"
MINUS = "\N{MINUS SIGN}"
EN_DASH = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Term:
    """A name, what it is, and what there is to know about that.

    `exact` is set in a monospaced face, and `key` is there where something else has to find it.
    """

    name: str
    text: str
    note: str = ""
    exact: bool = False
    key: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """What has to be seen before the result is used."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One horizon: the sentence in both framings, and how sure it is beside the average."""

    words: HorizonWords
    sentence: str
    range: str
    comparison: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A part of the risk: how many percentage points it moves it, and where its value lies in the cohort.

    `distance` is in standard deviations from the mean of the cohort, None where there is none.
    """

    name: str
    is_up: bool
    points: str
    place: str
    distance: float | None


@dataclass(frozen=True, slots=True)
class ResultWords:
    """A result in words, in the order in which it is read."""

    title: str
    use: str
    intended_use: str
    warning: Notice | None
    findings: tuple[Finding, ...]
    group: str
    in_range: bool
    strip: tuple[Term, ...]
    notices: tuple[Notice, ...]
    uncertainty: tuple[str, ...]
    raised: tuple[Moved, ...]
    lowered: tuple[Moved, ...]
    moved: str
    not_told: tuple[str, ...]
    tested: tuple[Term, ...]
    technical: tuple[Term, ...]


def words_of(facts: Facts) -> ResultWords:
    """A result in the language that is active."""
    raised, lowered = _moved(facts, is_up=True), _moved(facts, is_up=False)
    return ResultWords(
        title=_title(facts),
        use=say_kept(facts["model"]["intended_use"]).partition(".")[0],
        intended_use=say_kept(facts["model"]["intended_use"]),
        warning=_warning(facts),
        findings=tuple(_finding(horizon) for horizon in facts["result"]["horizons"]),
        group=group_words(facts["result"]["risk_group"]),
        in_range=facts["applicability"]["state"] == "in_range",
        strip=tuple(_strip(facts)),
        notices=tuple(_notices(facts)),
        uncertainty=tuple(_uncertainty(facts)),
        raised=raised,
        lowered=lowered,
        moved=_moved_words(facts),
        not_told=_not_told(facts),
        tested=tuple(_tested(facts["evidence"])),
        technical=tuple(_technical(facts)),
    )


def status_words(status: str) -> str:
    """What became of the second reading."""
    return {
        "awaiting_second_reading": _("Waiting for the second reading"),
        "confirmed": _("Confirmed by a second reading"),
        "disputed": _("Disputed: the two readings differ. Do not use this result."),
    }[status]


def fixed(value: float, decimals: int = 2) -> str:
    """A number as the language writes it, its minus a minus."""
    # Django cuts the digits of a float off, so it is rounded first.
    return number_format(round(value, decimals), decimals).replace("-", MINUS)


def signed(value: float, decimals: int = 2) -> str:
    """A number with its sign, also where it is rounded to nothing."""
    return f"{MINUS if value < 0 else '+'}{fixed(abs(value), decimals)}"


def at_utc(moment: str) -> str:
    """A time of the facts, to the second."""
    return datetime.fromisoformat(moment).strftime("%Y-%m-%d %H:%M:%S UTC")


def _title(facts: Facts) -> str:
    reference = facts["case"]["reference"]
    if not reference:
        return _("Risk of distant metastasis")
    return _("Risk of distant metastasis: case {reference}").format(reference=reference)


def _warning(facts: Facts) -> Notice | None:
    if facts["status"] != "disputed":
        return None
    return Notice(
        _("Do not use this result"),
        _(
            "The two readings of this panel differ, so at least one of them is wrong. The release of the "
            "model was taken out of use, and the administrators are told."
        ),
    )


def _finding(horizon: Facts) -> Finding:
    words = horizon_words(horizon)
    return Finding(words, _sentence(words), _range(words), _comparison(horizon))


def _sentence(words: HorizonWords) -> str:
    return _(
        "*{had_it} out of 100* people with a tumour profile like this one, in the cohort the model learned "
        "from, had a distant metastasis within *{years} years* of surgery. *{did_not} out of 100* did not."
    ).format(had_it=words.had_it, years=words.years, did_not=words.did_not)


def _range(words: HorizonWords) -> str:
    return _(
        "Likely range {interval} out of 100 (95 %). Average of the cohort: {average} out of 100."
    ).format(interval=words.interval, average=words.cohort_average)


def _comparison(horizon: Facts) -> str:
    """Absolute, and in whole numbers that fit those of the sentence."""
    difference = whole(horizon["risk_percent"]) - whole(horizon["cohort_average_percent"])
    if difference == 0:
        return _("Within {years} years: as many as on average in the cohort.").format(years=horizon["years"])
    words = (
        ngettext(
            "Within {years} years: {count} person in 100 more than on average in the cohort.",
            "Within {years} years: {count} people in 100 more than on average in the cohort.",
            difference,
        )
        if difference > 0
        else ngettext(
            "Within {years} years: {count} person in 100 fewer than on average in the cohort.",
            "Within {years} years: {count} people in 100 fewer than on average in the cohort.",
            -difference,
        )
    )
    return words.format(years=horizon["years"], count=abs(difference))


def _strip(facts: Facts) -> Iterator[Term]:
    given = facts["input"]
    in_range = facts["applicability"]["state"] == "in_range"
    yield Term(
        _("Does the model apply?"),
        _("In range") if in_range else _("Outside the data"),
        _("The sample looks like those that it learned from.") if in_range else _("See the reasons below."),
    )
    yield Term(
        _("Genes measured"),
        _("{used} of {required}").format(used=given["genes_used"], required=given["genes_required"]),
    )
    yield Term(_("Unit"), say(UNITS[given["unit_declared"]]), _unit_note(given))
    if profile := given["profile"]:
        told = _("Mapped by version {version} of its profile, from {samples} reference samples.")
        yield Term(_("Platform"), profile["platform"], told.format(**profile))
    yield _age(facts)
    yield Term(_("Second reading"), status_words(facts["status"]))


def _unit_note(given: Facts) -> str:
    if given["unit_detected"] in FITTING[given["unit_declared"]]:
        return _("Declared, and the values look like it.")
    return _("Declared; too few values to tell by them.")


def _age(facts: Facts) -> Term:
    age, evidence = facts["case"]["age_years"], facts["evidence"]
    if age is None:
        return Term(_("Age"), _("Unknown"), _("The fit without age answered: see the notice below."))
    note = _("Used.") if evidence["fit"] == "with_age" else _("Not used: see the notice below.")
    return Term(_("Age"), ngettext("{count} year", "{count} years", age).format(count=age), note)


def _notices(facts: Facts) -> Iterator[Notice]:
    for reason in facts["applicability"]["reasons"]:
        yield Notice(_("Outside the data it learned from."), say(reason["detail"]))
    for warning in facts["warnings"]:
        yield Notice("", say(warning["detail"]))


def _uncertainty(facts: Facts) -> Iterator[str]:
    """The sources of the range, apart; the first horizon stands for both."""
    horizon, evidence = facts["result"]["horizons"][0], facts["evidence"]
    if horizon["interval95_if_complete_percent"]:
        yield _(
            "The model: it learned from {patients} people, {events} of whom had a distant metastasis; from "
            "others it would have learned something else. This alone makes the risk within {years} years "
            "{interval} out of 100."
        ).format(
            patients=evidence["patients"],
            events=evidence["distant_metastases"],
            years=horizon["years"],
            interval=_interval(horizon["interval95_if_complete_percent"]),
        )
    missing = len(facts["input"]["genes_missing"])
    if missing:
        yield ngettext(
            "Missing genes: with what the one that was not measured leaves open, it is {interval}.",
            "Missing genes: with what the {count} that were not measured leave open, it is {interval}.",
            missing,
        ).format(count=missing, interval=_interval(horizon["interval95_percent"]))
    else:
        yield _("Missing genes: none, so they add nothing.")
    yield _(
        "The assay: how much a second measurement of the tumour would differ is not in the range; no "
        "replicates came with the panel."
    )


def _interval(bounds: list[float]) -> str:
    low, high = map(out_of_100, bounds)
    return _("{low} to {high}").format(low=low, high=high)


def _moved(facts: Facts, *, is_up: bool) -> tuple[Moved, ...]:
    """The strongest parts of one direction; what is 0 moves nothing."""
    parts = [
        part for part in facts["contributions"] if part["log_hazard"] and (part["log_hazard"] > 0) == is_up
    ]
    return tuple(map(_moved_part, parts[:STRONGEST]))


def _moved_part(part: Facts) -> Moved:
    return Moved(
        name=_("Age") if part["of"] == "age" else part["of"],
        is_up=part["log_hazard"] > 0,
        points=signed(part["risk_change_5y_percentage_points"], 1),
        place=_place(part),
        distance=part["standard_deviations_from_mean"],
    )


def _place(part: Facts) -> str:
    if part["of"] == "age":
        return ngettext("{count} year", "{count} years", part["value"]).format(count=part["value"])
    if part["value"] is None:
        return _("Not measured; filled in from the others")
    distance = part["standard_deviations_from_mean"]
    words = (
        _("{value}: {distance} SD above the mean")
        if distance >= 0
        else _("{value}: {distance} SD below the mean")
    )
    return words.format(value=fixed(part["value"]), distance=fixed(abs(distance), 1))


def _moved_words(facts: Facts) -> str:
    return _(
        "Percentage points of the risk within 5 years, against the same tumour with that part at the mean of "
        "the cohort. They do not sum, since risk is not linear; the log hazards do, to {sum} ({direction}). "
        "This is association, not cause, and genes move together."
    ).format(sum=signed(facts["result"]["log_hazard"]), direction=say(facts["result"]["direction"]))


def _not_told(facts: Facts) -> tuple[str, ...]:
    unit, platform = say(UNITS[facts["model"]["unit"]]), facts["model"]["platform"]
    return (
        _("What a treatment would change."),
        _("The risk of people unlike the cohort. What the model is for: {intended_use}").format(
            intended_use=say_kept(facts["model"]["intended_use"])
        ),
        _("Anything from another assay: it reads {unit} from {platform} and no other.").format(
            unit=unit, platform=platform
        ),
        _("The risk of dying, or of a recurrence in the breast."),
        _(
            "The risk once other causes of death are counted: whoever died without a metastasis was taken as "
            "followed no longer, which makes the risk a little higher."
        ),
    )


def _tested(evidence: Facts) -> Iterator[Term]:
    yield Term(
        _("Cohort"),
        _("{cohort}: {patients} people, {events} distant metastases").format(
            cohort=evidence["cohort"],
            patients=evidence["patients"],
            events=evidence["distant_metastases"],
        ),
        evidence["citation"],
    )
    if publication := PUBLICATIONS.get(evidence["cohort"]):
        yield Term(_("Whom it learned from"), _(publication.patients), key=ORIGIN)
    yield Term(
        _("Who is at higher risk (C-index)"),
        _estimate(evidence["c_index_harrell"]),
        _(
            "Of two people, how often the one whose metastasis came first was given the higher risk: 0.5 is "
            "chance, 1 is perfect. At one time (AUC): {five} at 5 years, {ten} at 10."
        ).format(five=_estimate(evidence["auc_5y"]), ten=_estimate(evidence["auc_10y"])),
        key="c_index",
    )
    yield Term(
        _("How high it is (calibration)"),
        _("{five} at 5 years, {ten} at 10").format(
            five=_estimate(evidence["observed_expected_5y"]), ten=_estimate(evidence["observed_expected_10y"])
        ),
        _(
            "Metastases that happened for each one that was predicted; below 1 the risks were too high. "
            "Slope {slope}: below 1 they were too extreme."
        ).format(slope=_estimate(evidence["calibration_slope"])),
    )
    yield Term(
        _("For whom it does better or worse"), _unproven(evidence["groups_not_shown_better_than_chance"])
    )
    yield Term(
        _("Other cohorts"),
        _("None"),
        _("All figures are from nested cross-validation within the one cohort, with 95 % intervals."),
    )
    yield Term(
        _("Since then"),
        _("Not known"),
        _("No prediction made here has been compared with what happened to the patient."),
    )


def _unproven(groups: list[Facts]) -> str:
    """Beside the figures of all: whoever reads of a patient of such a group has to know."""
    if not groups:
        return _("In every group with enough events the interval of the C-index lies above chance.")
    told = (
        _("{group}, C-index {c_index}").format(
            group=say_kept(group["group"]), c_index=_estimate(group["c_index_harrell"])
        )
        for group in groups
    )
    return _("Not shown to be better than chance in: {groups}. Read such a risk with care.").format(
        groups="; ".join(told)
    )


def _estimate(estimate: Facts) -> str:
    low, high = (fixed(bound) for bound in estimate["interval95"])
    return _("{value} ({low} to {high})").format(value=fixed(estimate["value"]), low=low, high=high)


def _technical(facts: Facts) -> Iterator[Term]:
    model, given, check, audit = (facts[key] for key in ("model", "input", "applicability", "audit"))
    yield Term(_("Model"), f"{model['name']} {model['version']}")
    yield Term(_("Digest of the release"), model["sha256"], exact=True)
    yield Term(_("Application"), settings.APPLICATION_VERSION)
    yield Term(_("Digest of the input"), given["sha256"], exact=True)
    yield Term(_("Identifiers"), say(KINDS.get(given["identifiers"], given["identifiers"])))
    if profile := given["profile"]:
        yield Term(_("Platform profile"), profile["id"], exact=True)
        yield Term(_("Digest of the profile"), profile["sha256"], exact=True)
    yield Term(_("Fit to the cohort"), _fit(check))
    yield Term(
        _("Done to the input"),
        " ".join(say_kept(step["detail"]) for step in given["transformations"]) or _("Nothing."),
    )
    yield Term(
        _("Warnings"), ", ".join(warning["code"] for warning in facts["warnings"]) or _("None."), exact=True
    )
    yield Term(_("Risk in per cent"), _exact_risks(facts))
    yield Term(_("Made"), at_utc(facts["created_at"]))
    yield Term(_("Asked by"), say(audit["requested_by"]))
    yield Term(_("Prediction"), facts["id"], exact=True)
    yield Term(_("Audit event"), audit["event"], exact=True)
    yield Term(_("Digest of the event"), audit["leaf_sha256"], exact=True)


def _fit(check: Facts) -> str:
    return _("Spearman's rho {rho}, mean distance {distance} SD from the means of the cohort").format(
        rho=fixed(check["spearman"]), distance=fixed(check["mean_absolute_z"])
    )


def _exact_risks(facts: Facts) -> str:
    return "; ".join(
        _("{risk} ({low} to {high}) within {years} years").format(
            risk=fixed(horizon["risk_percent"], 1),
            low=fixed(horizon["interval95_percent"][0], 1),
            high=fixed(horizon["interval95_percent"][1], 1),
            years=horizon["years"],
        )
        for horizon in facts["result"]["horizons"]
    )
