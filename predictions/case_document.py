"""The access export as a file: JSON, or PDF, typeset by typst from a document of ours.

What people wrote goes in as data (`sys.inputs`), never as markup. Fonts are the ones that typst brings along,
so that the same export gives the same bytes everywhere.
"""

import json
from datetime import datetime
from pathlib import Path

from predictions.access_export import Export

DOCUMENT = Path(__file__).with_suffix(".typ")


def as_pdf(export: Export) -> bytes:
    """The export as PDF."""
    import typst  # noqa: PLC0415 - 60 MB that only this page needs

    return typst.compile(
        DOCUMENT,
        format="pdf",
        sys_inputs={"export": json.dumps(export)},
        ignore_system_fonts=True,
        timestamp=datetime.fromisoformat(export["exported_at"]).replace(microsecond=0),
    )


def as_json(export: Export) -> bytes:
    """The export as JSON, for a person to read as well."""
    return json.dumps(export, ensure_ascii=False, indent=2).encode()
