"""The words around a risk. Denominator always 100; never 0 and never 100."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from predictions.comparison import Report
from predictions.facts import Facts
from predictions.wording import say


@dataclass(frozen=True)
class HorizonWords:
    """One horizon in words and whole numbers."""

    years: int
    had_it: str
    did_not: str
    interval: str
    cohort_average: str


def out_of_100(percent: float) -> str:
    """A percentage as a whole number out of 100; "<1" and ">99" where it would read 0 or 100."""
    if percent < 0.5:  # noqa: PLR2004 - half of one out of 100
        return "<1"
    return ">99" if percent >= 99.5 else str(whole(percent))  # noqa: PLR2004


def whole(percent: float) -> int:
    """The nearest whole number; a half is rounded up."""
    return int(percent + 0.5)


def horizon_words(horizon: Facts) -> HorizonWords:
    """Both framings of one horizon; their whole numbers sum to 100."""
    had_it = out_of_100(horizon["risk_percent"])
    complement = {"<1": ">99", ">99": "<1"}
    low, high = (out_of_100(bound) for bound in horizon["interval95_percent"])
    return HorizonWords(
        years=horizon["years"],
        had_it=had_it,
        did_not=complement.get(had_it) or str(100 - int(had_it)),
        interval=_("{low} to {high}").format(low=low, high=high),
        cohort_average=out_of_100(horizon["cohort_average_percent"]),
    )


def group_words(group: Facts) -> str:
    """The category of the risk at 5 years, and what happened to the people of the cohort who are in it."""
    if group["code"] == "not_classifiable":
        return _("No group. {why}").format(why=say(group["detail"]))
    words = _group_names()[group["code"]].format(
        low=f"{group['risk_from_percent']:.0f}",
        high=f"{group['risk_to_percent']:.0f}",
        years=group["years"],
        share=out_of_100(group["share_of_cohort_percent"]),
    )
    return words if group["observed_percent"] is None else f"{words} {_observed_words(group)}"


def _group_names() -> dict[str, str]:
    return {
        "lower": _(
            "Lower group: {low} to {high} out of 100 within {years} years. {share} out of 100 people of the "
            "cohort are in it."
        ),
        "middle": _(
            "Middle group: {low} to {high} out of 100 within {years} years. {share} out of 100 people of the "
            "cohort are in it."
        ),
        "higher": _(
            "Higher group: {low} to {high} out of 100 within {years} years. {share} out of 100 people of the "
            "cohort are in it."
        ),
    }


def _observed_words(group: Facts) -> str:
    low, high = (out_of_100(bound) for bound in group["observed_interval95_percent"])
    return _(
        "Of these {patients} people {observed} out of 100 had a distant metastasis within {years} years "
        "(likely range {low} to {high})."
    ).format(
        patients=group["patients"],
        observed=out_of_100(group["observed_percent"]),
        years=group["years"],
        low=low,
        high=high,
    )


def report_text(report: Report) -> str:
    """What a release would change, for the command line."""
    if report["before"] is None:
        return "No release was live that can be opened: there is nothing to compare with."
    changed = sum(move["count"] for move in report["category_changes"])
    lines = [
        f"The last {report['inputs']} inputs, read with {report['before']} and with {report['after']}:",
        f"- {report['compared']} read by both, {report['newly_refused']} newly refused, "
        f"{report['newly_accepted']} newly accepted, {report['refused_by_both']} refused by both, "
        f"{report['not_comparable']} cannot be compared",
        *(
            f"- risk at {change['year']} years: mean change {change['mean_change']:+.1f} points, "
            f"mean absolute {change['mean_absolute_change']:.1f}, "
            f"largest {change['largest_absolute_change']:.1f}"
            for change in report["years"]
        ),
        f"- {changed} change their category at 5 years",
        *(f"  {move['before']} -> {move['after']}: {move['count']}" for move in report["category_changes"]),
        *(f"- prediction {row['prediction']}: {_change(row)}" for row in report["worst"]),
    ]
    return "\n".join(lines)


def _change(row: dict[str, Any]) -> str:
    if "before_percent" not in row:
        return "erased"
    return f"{_percents(row['before_percent'])} -> {_percents(row['after_percent'])} at 5 and 10 years"


def _percents(percents: list[float]) -> str:
    return " and ".join(f"{percent:.1f} %" for percent in percents)


def for_terminal(text: str) -> str:
    """The text with everything that is not printable escaped: a terminal obeys control characters."""
    return "\n".join(
        "".join(character if character.isprintable() else ascii(character)[1:-1] for character in line)
        for line in text.split("\n")
    )


def terminal_text(facts: Facts) -> str:
    """The result for the command line."""
    lines = [
        f"{words.had_it} out of 100 had a distant metastasis within {words.years} years "
        f"({words.did_not} did not); likely range {words.interval} (95 %); "
        f"average of the cohort {words.cohort_average}."
        for words in map(horizon_words, facts["result"]["horizons"])
    ]
    lines.append(group_words(facts["result"]["risk_group"]))
    model, check = facts["model"], facts["applicability"]
    lines.append(
        f"Model {model['name']} {model['version']} ({model['sha256'][:12]}), {model['intended_use']}"
    )
    lines.append(f"Applicability: {check['state'].replace('_', ' ')}.")
    lines.extend(f"- {entry['detail']}" for entry in (*check["reasons"], *facts["warnings"]))
    lines.append(f"Prediction {facts['id']}; audit event {facts['audit']['event']}.")
    return "\n".join(lines)
