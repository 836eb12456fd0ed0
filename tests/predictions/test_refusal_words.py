"""Every reason for which a panel is refused has a name."""

import re
from pathlib import Path

from django.conf import settings

from predictions import refusal_words
from predictions.api.body import _MENDS
from predictions.inference import REFUSALS
from predictions.rereading import NOT_COMPARABLE


def test_every_reason_that_the_sources_give_has_words():
    sources = (path.read_text() for path in (Path(settings.BASE_DIR) / "predictions").rglob("*.py"))
    given = {code for text in sources for code in re.findall(r'Problem\(\s*"([a-z_]+)"', text)}
    of_body = {code for code, _ in _MENDS.values()} | {"wrong_type"}
    assert given | of_body | {*REFUSALS, NOT_COMPARABLE} == set(refusal_words.WORDS)
