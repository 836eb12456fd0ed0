"""A sentence that is kept can be said again in any language, with its numbers."""

import json

from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from predictions.sentences import counted, keep, listed, restore, sentence
from predictions.wording import say

NAMES = st.text(max_size=8)
NUMBERS = st.integers(0, 10**9) | st.decimals(0, 100, places=2)
SIMPLE = st.builds(
    lambda gene: sentence("The value of {gene} is not a finite decimal number.", gene=gene), NAMES
)
COUNTED = st.builds(
    lambda count: counted("{count} gene", "{count} genes", count=count), st.integers(0, 9_999)
)
NESTED = st.builds(
    lambda parts, number: sentence("{parts}: at most {number}", parts=listed(parts), number=number),
    st.lists(NAMES | SIMPLE | COUNTED, min_size=1, max_size=3),
    NUMBERS,
)


@given(NAMES | SIMPLE | COUNTED | NESTED)
def test_whatever_is_kept_as_json_is_said_as_it_was(text):
    again = restore(json.loads(json.dumps(keep(text))))
    assert again == text
    for language in ("en-gb", "de"):
        with translation.override(language):
            assert say(again) == say(text)
