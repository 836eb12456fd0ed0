"""People read their own language, systems read English, and a choice is kept without leading astray."""

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation
from hypothesis import example, given
from hypothesis import strategies as st

from tests.wsgi import ask

pytestmark = pytest.mark.django_db

PAGE = "/problems/panel-refused/"
LANGUAGES = ("en-gb", "es", "de")
LABELS = {"en-gb": "Language", "es": "Idioma", "de": "Sprache"}


def read(path=PAGE, cookie=None, **headers):
    client = Client()
    if cookie is not None:
        client.cookies[settings.LANGUAGE_COOKIE_NAME] = cookie
    return client.get(path, headers={name.replace("_", "-"): text for name, text in headers.items()})


def language_of(response):
    assert f'<html lang="{response["Content-Language"]}">' in response.content.decode()
    return response["Content-Language"]


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("de-AT,de;q=0.9,en;q=0.5", "de"),
        ("es-MX", "es"),
        ("en-US,en;q=0.9,de;q=0.8", "en-gb"),
        ("fr,it", "en-gb"),
        ("", "en-gb"),
        ("*", "en-gb"),
    ],
)
def test_a_page_is_in_the_language_that_the_browser_accepts(accepted, language):
    response = read(accept_language=accepted)
    assert language_of(response) == language
    assert f'aria-label="{LABELS[language]}"' in response.content.decode()
    assert {"Accept-Language", "Cookie"} <= set(response["Vary"].split(", "))


def test_a_choice_goes_before_what_the_browser_accepts():
    assert language_of(read(cookie="es", accept_language="de")) == "es"


@given(*[st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]), max_size=600)] * 2)
@example(cookie="en-" * 300, accepted="en-" * 300)
def test_no_header_and_no_cookie_breaks_a_page(cookie, accepted):
    assert ask("GET", PAGE, HTTP_COOKIE=f"django_language={cookie}", HTTP_ACCEPT_LANGUAGE=accepted)[0] == 200


def test_each_language_is_offered_by_its_own_name_and_the_current_one_is_marked():
    page = " ".join(read(cookie="de").content.decode().split())
    for code, name in (("en-gb", "British English"), ("es", "Español")):
        assert f'value="{code}" lang="{code}" >{name}</button>' in page
    assert 'value="de" lang="de" aria-current="true">Deutsch</button>' in page


def test_choosing_a_language_leads_back_to_the_page_and_is_kept(settings):
    client = Client()
    response = client.post("/language/", {"language": "de", "next": "/models/?a=1"})
    assert (response.status_code, response["Location"]) == (302, "/models/?a=1")
    cookie = response.cookies[settings.LANGUAGE_COOKIE_NAME]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 31_536_000)
    assert language_of(client.get(PAGE)) == "de"


@pytest.mark.parametrize(
    "place",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "http:///x"],
)
def test_a_choice_leads_to_no_other_site(place):
    response = Client().post("/language/", {"language": "de", "next": place})
    assert (response.status_code, response["Location"]) == (302, "/")


def test_nobody_else_chooses_for_a_reader():
    assert Client(enforce_csrf_checks=True).post("/language/", {"language": "de"}).status_code == 403


def test_the_answer_to_a_form_offers_no_choice_that_would_lose_what_was_typed(release, alice, browser_of):
    client = browser_of(alice)
    assert 'action="/language/"' in client.get("/predictions/new/").content.decode()
    refused = client.post("/predictions/new/", {"pasted": "POLQ\tsix"})
    assert refused.status_code == 422
    assert 'action="/language/"' not in refused.content.decode()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/api/v1/nothing"),
        ("post", "/api/v1/predict"),
        ("put", "/api/v1/predict"),
        ("get", "/api/v1/health"),
        ("get", "/api/v1/models"),
    ],
)
def test_the_api_says_the_same_whatever_language_is_accepted(method, path):
    answers = {
        (response.content, response.get("Vary"), response.get("Content-Language"))
        for accepted in LANGUAGES
        for response in [getattr(Client(), method)(path, headers={"Accept-Language": accepted})]
    }
    assert len(answers) == 1


def test_a_language_ends_with_its_request():
    read(cookie="de")
    assert translation.get_language() == settings.LANGUAGE_CODE


def test_the_admin_follows_the_language(audrey, browser_of):
    client = browser_of(audrey)
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "de"
    page = client.get("/admin/").content.decode()
    assert '<html lang="de"' in page
    assert 'aria-label="Sprache"' in page
