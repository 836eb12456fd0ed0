"""What a report says: the words of the result page, and what only paper needs, as plain data to be set."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from io import BytesIO
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.ledger import canonical_json
from predictions.facts import Facts
from predictions.glyphs import all_drawable
from predictions.models import Prediction
from predictions.presentation import horizon_words
from predictions.result_charts import curve_of, people_of
from predictions.result_words import (
    ORIGIN,
    Finding,
    ResultWords,
    Term,
    at_utc,
    fixed,
    signed,
    status_words,
    words_of,
)
from predictions.review import entries_of

Contents = dict[str, Any]
Receipt = dict[str, Any]
ACCENT = "#0b5a73"


def contents_of(
    prediction: Prediction, facts: Facts, receipt: Receipt | None, address: str, number: str
) -> Contents:
    """All that is set, in the language that is active.

    Parameters
    ----------
    receipt : dict or None
        That of the first checkpoint over the event, which does not change any more; None before there is one.
    address : str
        Where anybody can check the report.
    number : str
        What nobody can guess who does not hold the report, so that its digest on record confirms no guess.
    """
    words, chart = words_of(facts), curve_of(facts)
    citation = facts["evidence"]["citation"]
    language, _separator, region = (get_language() or "en").partition("-")
    set_as_text = {
        "language": {"lang": language, "region": region or None},
        "title": words.title,
        "organisation": prediction.organisation.name,
        "running": _running(facts),
        "labels": _labels(),
        "words": asdict(words),
        "tested": [
            asdict(replace(term, note="" if term.note == citation else term.note))
            for term in words.tested
            if term.key != ORIGIN
        ],
        "curve": [_point(point) for point in facts["result"]["curve"]],
        "chart": {
            "title": chart.title,
            "alt": chart.description,
            "y": chart.y.label,
            "beneath": chart.beneath and chart.beneath[0],
        },
        "genes": [_gene(part) for part in sorted(facts["contributions"], key=lambda part: str(part["of"]))],
        "warnings": [asdict(Term(entry["code"], entry["detail"])) for entry in facts["warnings"]],
        "state": [asdict(term) for term in _state(prediction, facts, number, words)],
        "decided": [asdict(term) for term in _decided(prediction)],
        "receipt": [asdict(term) for term in _receipt_terms(receipt)],
        "note": receipt["checkpoint"] if receipt else "",
        "address": address,
    }
    return {
        **all_drawable(set_as_text),
        "people": [_people(finding) for finding in words.findings],
        "code": _code(address),
        "attached": canonical_json(receipt).decode() if receipt else "",
    }


def _running(facts: Facts) -> dict[str, str]:
    """What stands on every page, beside the use that the model is for."""
    reference, model = facts["case"]["reference"], facts["model"]
    return {
        "case": _("Case {reference}").format(reference=reference) if reference else _("No case reference"),
        "prediction": _("Prediction {id}").format(id=facts["id"]),
        "model": _("Model {name} {version}").format(name=model["name"], version=model["version"]),
    }


def _labels() -> dict[str, Any]:
    return {
        "page": _("Page {number} of {total}"),
        "years": _("Years since surgery"),
        "profile": _("This profile"),
        "range": _("Likely range (95 %)"),
        "average": _("Average of the cohort"),
        "what_moved_it": _("What moved it"),
        "moved": [_("Part"), _("Points"), _("Value")],
        "how_sure": _("How sure it is"),
        "not_told": _("What this does not tell you"),
        "how_tested": _("How it was tested"),
        "decision": _("Your decision"),
        "decided": _("What was decided so far"),
        "signing": [_("Name"), _("Date"), _("Signature")],
        "technical": _("Technical"),
        "genes": _("Every gene"),
        "genes_note": _(
            "The value as it was read, how many standard deviations it lies from the mean of the cohort, and "
            "its part of the log hazard. A dash: not measured, filled in from the others."
        ),
        "gene_columns": [_("Gene"), _("Value"), _("SD"), _("Log hazard")],
        "warnings": _("Warnings"),
        "receipt": _("Receipt"),
        "receipt_note": _(
            "Whoever holds this report can check at the address below that it is on record and unchanged. "
            "The file receipt.json, attached to the PDF, proves it without us."
        ),
        "code_alt": _("A code that a telephone reads: the address where this report can be checked."),
        "attached": _("The receipt of the prediction"),
    }


def _people(finding: Finding) -> dict[str, Any]:
    people = people_of(finding.words)
    return {"drawing": _apart(people.svg), "had_it": people.had_it, "did_not": people.did_not}


def _apart(svg: str) -> str:
    """A drawing of a page as a file of its own, in one colour."""
    return svg.replace("<svg ", f'<svg xmlns="http://www.w3.org/2000/svg" color="{ACCENT}" ', 1)


def _point(point: Facts) -> dict[str, Any]:
    """A year of the curve: where it is drawn, and what stands below it."""
    words = horizon_words(point)
    lower, upper = point["interval95_percent"]
    return {
        "years": point["years"],
        "risk": point["risk_percent"],
        "lower": lower,
        "upper": upper,
        "average": point["cohort_average_percent"],
        "had_it": words.had_it,
        "interval": words.interval,
        "cohort_average": words.cohort_average,
        "at_risk": str(point["cohort_at_risk"]),
    }


def _gene(part: Facts) -> list[str]:
    value, distance = part["value"], part["standard_deviations_from_mean"]
    return [
        _("Age") if part["of"] == "age" else part["of"],
        "\N{EN DASH}" if value is None else fixed(value, 0 if part["of"] == "age" else 4),
        "\N{EN DASH}" if distance is None else signed(distance),
        signed(part["log_hazard"], 4),
    ]


def _state(prediction: Prediction, facts: Facts, number: str, words: ResultWords) -> Iterator[Term]:
    """What was known when the report was made, and which report it is."""
    read_again = prediction.second_reading_at
    yield Term(
        _("Second reading"),
        status_words(facts["status"]),
        at_utc(read_again.isoformat()) if read_again else "",
    )
    yield Term(_("Cohort"), facts["evidence"]["cohort"], facts["evidence"]["citation"])
    yield from (term for term in words.tested if term.key == ORIGIN)  # the first page has no room for it
    yield Term(
        _("Random number"),
        number,
        _("So that the digest of this file, which is on record, tells nothing to whoever guesses."),
        exact=True,
    )


def _decided(prediction: Prediction) -> Iterator[Term]:
    """What counts of the reviews so far, newest first; a note is no verdict."""
    for entry in entries_of(prediction):
        if entry.counts:
            by = f"{entry.person}, {at_utc(entry.at.isoformat())}"
            yield Term(str(entry.verdict.label), by, entry.text, key=entry.verdict)


def _receipt_terms(receipt: Receipt | None) -> Iterator[Term]:
    if receipt is None:
        yield Term(
            _("Place in the record"),
            _("Not sealed yet when this report was made, which takes some seconds. The address tells."),
        )
        return
    yield Term(
        _("Place in the record"),
        _("{index}, counted from 0, first signed with {size} events").format(
            index=receipt["index"], size=receipt["size"]
        ),
    )
    yield Term(_("Root"), receipt["checkpoint"].split("\n")[2], exact=True)
    yield Term(_("Proof"), " ".join(receipt["proof"]) or _("None is needed."), exact=True)


def _code(address: str) -> str:
    """A QR code as SVG."""
    import segno  # noqa: PLC0415 - as slow to import as all else of a page together

    drawing = BytesIO()
    # To try all eight masks takes 20 ms, and an address of digests looks like noise under any.
    segno.make(address, error="m", micro=False, mask=3).save(drawing, kind="svg", xmldecl=False, border=0)
    return drawing.getvalue().decode()
