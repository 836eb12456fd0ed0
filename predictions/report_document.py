"""The report as a PDF/A-3a and PDF/UA-1 file, typeset by typst from a document of ours.

Everything goes in as data (`sys.inputs`), never as markup, and in letters that the fonts which typst brings
along can draw. The same contents give the same bytes everywhere, as long as the template is the same.
"""

import json
from datetime import datetime
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from predictions.report_contents import Contents

DOCUMENT = Path(__file__).with_suffix(".typ")


@cache
def template() -> str:
    """What sets the contents: 12 digits of a digest over the document and the version of typst."""
    return sha256(DOCUMENT.read_bytes() + version("typst").encode()).hexdigest()[:12]


def typeset(contents: Contents, made_at: datetime) -> bytes:
    """The report as PDF; `made_at` is the time that its metadata state."""
    import typst  # noqa: PLC0415 - 60 MB that a process without reports does not need

    return typst.compile(
        DOCUMENT,
        format="pdf",
        sys_inputs={"report": json.dumps(contents)},
        pdf_standards=["a-3a", "ua-1"],
        ignore_system_fonts=True,
        timestamp=made_at.replace(microsecond=0),
    )
