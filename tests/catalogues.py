"""The catalogues in locale/: what the sources say, gathered and compiled with Babel instead of GNU gettext.

`make messages` brings them up to date. What is new then stands there untranslated, and a test fails until it
is translated.
"""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

from ml_models import cohorts
from ml_models.challengers import CHALLENGERS
from ml_models.units import LOOKS

ROOT = Path(settings.BASE_DIR)
ROOMS = ("breastrisk", "accounts", "predictions", "ml_models")
LANGUAGES = tuple(code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE)
KEYWORDS = DEFAULT_KEYWORDS | {
    "marked": None,
    "sentence": None,
    "counted": (1, 2),
    "Look": (2,),
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}


def gather() -> Catalog:
    """Every message of the sources, with the files it stands in."""
    catalogue = Catalog()
    for path, text in _sources():
        for _, message, comments, context in extract(
            "python", BytesIO(text.encode()), KEYWORDS, ("Translators:",)
        ):
            catalogue.add(message, locations=[(path, 0)], auto_comments=comments, context=context)
    for message in _texts_of_manifests():
        catalogue.add(message, locations=[("ml_models", 0)])
    return catalogue


def read(language: str) -> Catalog:
    """The catalogue of a language as it stands in its .po."""
    with place_of(language).open("rb") as file:
        return read_po(file, locale=language)


def write(catalogue: Catalog) -> bytes:
    """The text of a .po: sorted, and without line numbers, so that only what changed is a change."""
    buffer = BytesIO()
    write_po(buffer, catalogue, width=110, sort_output=True, ignore_obsolete=True, include_lineno=False)
    return buffer.getvalue()


def compile(catalogue: Catalog) -> bytes:  # noqa: A001 - what it is
    """The .mo of a catalogue."""
    buffer = BytesIO()
    write_mo(buffer, catalogue)
    return buffer.getvalue()


def place_of(language: str) -> Path:
    """The .po of a language; its .mo lies beside it."""
    return ROOT / "locale" / language / "LC_MESSAGES" / "django.po"


def update(language: str) -> None:
    """Bring the catalogue of a language up to what the sources say."""
    catalogue = read(language)
    catalogue.update(gather(), no_fuzzy_matching=True, update_creation_date=False)
    place_of(language).write_bytes(write(catalogue))
    place_of(language).with_suffix(".mo").write_bytes(compile(catalogue))


def _texts_of_manifests() -> Iterator[str]:
    """What a release is told in by those who train it, who know nothing of languages."""
    yield from LOOKS.values()
    yield cohorts.TRANSBIG.intended_use
    yield from (cohorts.RECEPTOR_POSITIVE, cohorts.RECEPTOR_NEGATIVE)
    yield from cohorts.age_bands(np.zeros(1))
    for name, (description, _) in CHALLENGERS.items():
        yield from (name, description)


def _sources() -> Iterator[tuple[str, str]]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield str(path.relative_to(ROOT)), path.read_text()
    for path in sorted((ROOT / "templates").rglob("*.[ht]*")):
        yield str(path.relative_to(ROOT)), _as_python(path.read_text())


def _as_python(template: str) -> str:
    """What Django makes of a template for a tool that reads Python, on lines that Python would take too."""
    return "\n".join(line.lstrip() for line in templatize(template).splitlines())


if __name__ == "__main__":
    for each in LANGUAGES:
        update(each)
