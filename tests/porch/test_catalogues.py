"""The catalogues say what the sources say, in full, and their compiled form is theirs."""

import pytest

from tests import catalogues


@pytest.fixture(params=catalogues.LANGUAGES)
def language(request):
    return request.param


def test_the_compiled_catalogue_is_what_its_text_compiles_to(language):
    compiled = catalogues.place_of(language).with_suffix(".mo").read_bytes()
    assert compiled == catalogues.compile(catalogues.read(language)), "run `make messages`"


def test_the_text_of_a_catalogue_stands_as_it_is_written(language):
    text = catalogues.place_of(language).read_bytes()
    assert text == catalogues.write(catalogues.read(language)), "run `make messages`"
