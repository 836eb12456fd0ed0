"""The catalogues say what the sources say, in full, and their compiled form is theirs."""

import re

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


def ids_of(catalogue):
    return {(message.id, message.context) for message in catalogue if message.id}


def test_a_catalogue_holds_what_the_sources_say_and_nothing_else(language):
    assert ids_of(catalogues.read(language)) == ids_of(catalogues.gather()), "run `make messages`"


def test_mails_are_gathered_as_pages_are():
    told = {text for path in (catalogues.ROOT / "templates").rglob("*.txt") for text in _quoted(path)}
    assert told
    assert told <= {message for message, _ in ids_of(catalogues.gather())}


def _quoted(path):
    """What a template translates, in one of the two ways."""
    text = path.read_text()
    blocks = re.findall(r"{% blocktranslate trimmed[^%]*%}(.*?){% endblocktranslate %}", text, re.DOTALL)
    joined = (" ".join(block.split()) for block in blocks)
    return {
        *re.findall(r'{% translate "([^"]*)" %}', text),
        *(re.sub(r"{{ (\w+) }}", r"%(\1)s", block) for block in joined),
    }


def test_every_message_is_translated(language):
    for message in catalogues.read(language):
        assert all(_texts(message.string)), message.id
        assert not message.fuzzy, message.id


def test_every_translation_has_the_places_of_its_message(language):
    for message in catalogues.read(language):
        if message.id:
            allowed = [_places(text) for text in _texts(message.id)]
            assert all(_places(text) in allowed for text in _texts(message.string)), message.id


def _texts(text):
    return (text,) if isinstance(text, str) else text


def _places(text):
    return sorted(re.findall(r"%\(\w+\)s|%%|\{\w*\}|href=|<\w+", text))
