"""What English texts that are made, or kept, elsewhere are in the language of the reader."""

import re
from decimal import Decimal
from typing import Any, cast

from django.utils.formats import number_format
from django.utils.functional import lazy
from django.utils.translation import gettext, ngettext

from predictions.comparison import BETWEEN, OR_MORE, UNDER
from predictions.intake.archives import UNPACKED
from predictions.intake.conversions import DETAILS
from predictions.intake.identifiers import PROBE_SETS_AVERAGED, VERSIONS_LEFT_OUT
from predictions.intake.opening import FORMAT_CHOSEN, FORMAT_FOUND
from predictions.intake.readers import (
    ages,
    gene_values,
    h5ad,
    rcc,
    samples_in_rows,
    series_matrix,
    star,
    xlsx,
)
from predictions.intake.scales import PROFILE_MAPPED
from predictions.sentences import Sentence, listed, sentence

# Of these, what was made is kept in English: the values are found again in the text.
KEPT = (
    PROBE_SETS_AVERAGED,
    VERSIONS_LEFT_OUT,
    UNDER,
    OR_MORE,
    BETWEEN,
    PROFILE_MAPPED,
    *DETAILS.values(),
    FORMAT_CHOSEN,
    FORMAT_FOUND,
    UNPACKED,
    ages.READ,
    ages.SEVERAL,
    ages.UNREADABLE,
    gene_values.HEADER_SKIPPED,
    h5ad.LAYER_READ,
    rcc.DENSITY,
    rcc.FIELDS_OF_VIEW,
    rcc.LIMIT,
    rcc.LINEARITY,
    rcc.SCALED,
    samples_in_rows.SAMPLES_NAMED,
    *series_matrix.TOLD.values(),
    star.COLUMN_READ,
    xlsx.SHEET_READ,
)
_PATTERNS = {
    template: re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", re.escape(template))) for template in KEPT
}


def say(text: str) -> str:
    """A sentence in the language of the reader; any other text, such as a name, as it stands."""
    if not isinstance(text, Sentence):
        return text
    values = {name: _said(value) for name, value in text.values.items()}
    if text.plural:
        count = cast(int, text.values["count"])
        return ngettext(text.template, text.plural, count).format(**values)
    return gettext(text.template).format(**values)


def say_kept(text: str) -> str:
    """What is kept in English, or stands in a manifest, in the language of the reader if it is known."""
    told = _recognised(text)
    if told is not None:
        return say(told)
    return gettext(text) if text else ""


say_lazily: Any = lazy(say, str)


def _said(value: object) -> str:
    """A value of a sentence. Names and what people wrote are nobody's to translate."""
    if isinstance(value, int | Decimal):
        return number_format(value, use_l10n=True, force_grouping=True)
    return say(str(value) if not isinstance(value, str) else value)


def _recognised(text: str) -> Sentence | None:
    for template, pattern in _PATTERNS.items():
        if found := pattern.fullmatch(text):
            values = {name: listed(value.split(" and ")) for name, value in found.groupdict().items()}
            return sentence(template, **values)
    return None
