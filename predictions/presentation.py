"""The words around a risk. Denominator always 100; never 0 and never 100."""

from dataclasses import dataclass
from typing import Any

from predictions.facts import Facts

STATUS_WORDS = {
    "awaiting_second_reading": "Waiting for the second reading",
    "confirmed": "Confirmed by a second reading",
    "disputed": "Disputed: the two readings differ. Do not use this result.",
}
STRONGEST = 8


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
    return ">99" if percent >= 99.5 else str(int(percent + 0.5))  # noqa: PLR2004


def horizon_words(horizon: Facts) -> HorizonWords:
    """Both framings of one horizon; their whole numbers sum to 100."""
    had_it = out_of_100(horizon["risk_percent"])
    complement = {"<1": ">99", ">99": "<1"}
    low, high = (out_of_100(bound) for bound in horizon["interval95_percent"])
    return HorizonWords(
        years=horizon["years"],
        had_it=had_it,
        did_not=complement.get(had_it) or str(100 - int(had_it)),
        interval=f"{low} to {high}",
        cohort_average=out_of_100(horizon["cohort_average_percent"]),
    )


def page_words(facts: Facts) -> dict[str, Any]:
    """What the result page says besides the facts themselves."""
    return {
        "horizons": [horizon_words(horizon) for horizon in facts["result"]["horizons"]],
        "curve": [horizon_words(point) for point in facts["result"]["curve"]],
        "status": STATUS_WORDS[facts["status"]],
        "strongest": facts["contributions"][:STRONGEST],
    }


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
    model, check = facts["model"], facts["applicability"]
    lines.append(
        f"Model {model['name']} {model['version']} ({model['sha256'][:12]}), {model['intended_use']}"
    )
    lines.append(f"Applicability: {check['state'].replace('_', ' ')}.")
    lines.extend(f"- {entry['detail']}" for entry in (*check["reasons"], *facts["warnings"]))
    lines.append(f"Prediction {facts['id']}; audit event {facts['audit']['event']}.")
    return "\n".join(lines)
