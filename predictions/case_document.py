"""The access export as a file: JSON, or PDF, typeset by typst from a document of ours.

What people wrote goes in as data (`sys.inputs`), never as markup, and in letters that the fonts which typst
brings along can draw. The words are in the language that is active; JSON stays English.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from django.utils.formats import get_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts import event_words
from predictions.access_export import Export
from predictions.glyphs import all_drawable
from predictions.intake.units import UNITS
from predictions.models import Verdict
from predictions.wording import say

DOCUMENT = Path(__file__).with_suffix(".typ")


def as_pdf(export: Export) -> bytes:
    """The export as PDF/UA-1."""
    import typst  # noqa: PLC0415 - 60 MB that only this page needs

    return typst.compile(
        DOCUMENT,
        format="pdf",
        sys_inputs=inputs_of(export),
        pdf_standards=["ua-1"],
        ignore_system_fonts=True,
        timestamp=datetime.fromisoformat(export["exported_at"]).replace(microsecond=0),
    )


def inputs_of(export: Export) -> dict[str, str]:
    """What the document is given."""
    language, _separator, region = (get_language() or "en").partition("-")
    contents = {
        "export": export,
        "labels": _labels(),
        "language": {"lang": language, "region": region or None},
    }
    return {"export": json.dumps(all_drawable(contents))}


def as_json(export: Export) -> bytes:
    """The export as JSON, for a person to read as well."""
    return json.dumps(export, ensure_ascii=False, indent=2).encode()


def _labels() -> dict[str, Any]:
    return {
        "title": _("All that is held on a case"),
        "page": _("Page {number} of {total}"),
        "case": _("Case"),
        "no_reference": _("without a reference"),
        "organisation": _("Organisation"),
        "exported": _("Exported"),
        "at_by": _("{time}, by {person}"),
        "event_of_export": _("Event of the export"),
        "key": _("Key of the case"),
        "erasure": _("Erasure"),
        "held": _("None: the data are held."),
        "erased": _("Erased."),
        "explained": _(
            "The risk is that of distant metastasis; from and to enclose 95 %. The values are those that "
            "were sent, and the contribution of each gene is its part of the log hazard. The same data can "
            "be had as JSON, with every digit."
        ),
        "prediction_of": _("Prediction of {time}"),
        "identifier": _("Identifier"),
        "release": _("Release"),
        "asked_by": _("Asked by"),
        "audit_event": _("Audit event"),
        "input": _("SHA-256 of the input"),
        "reviews": [_("Reviewed"), _("By"), _("Verdict"), _("Reason or note")],
        "verdicts": {code: str(words) for code, words in Verdict.choices},
        "rest_erased": _("The rest was erased."),
        "sample": _("Sample"),
        "age": _("Age in years"),
        "not_given": _("not given"),
        "unit": _("Unit"),
        "units": {code: say(words) for code, words in UNITS.items()},
        "log_hazard": _("Log hazard"),
        "risks": [_("Years"), _("Risk in %"), _("from"), _("to")],
        "genes": [_("Gene"), _("Value"), _("Contribution")],
        "not_measured": _("not measured"),
        "shadow": _("Read in the shadow by {release}, {time}"),
        "would_refuse": _("It would not have answered: {reason}."),
        "who_saw": _("Who saw it"),
        "nobody": _("Nobody, but for lists."),
        "disclosures": [_("When"), _("What"), _("Who"), _("Prediction")],
        "audit_events": _("Audit events"),
        "events": [_("When"), _("What"), _("Who"), _("Event")],
        "actions": {action: event_words.words_of(action) for action in event_words.WORDS},
        "decimal_sign": get_format("DECIMAL_SEPARATOR"),
    }
