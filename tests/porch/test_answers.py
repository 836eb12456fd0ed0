"""Every answer carries the security headers, whatever became of the request."""

import io
import logging
from unittest import mock

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.db import IntegrityError, OperationalError
from django.test import Client

from accounts.models import Event
from breastrisk.logs import DiscreetFormatter
from predictions import disclosure
from tests.wsgi import ask

pytestmark = pytest.mark.django_db

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
PROBLEM = "application/problem+json"
HEALTH = "/api/v1/health"


def assert_guarded(response):
    assert {name: response.get(name) for name in HEADERS} == HEADERS
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert "unsafe" not in response["Content-Security-Policy"]
    assert "camera=()" in response["Permissions-Policy"]


@pytest.fixture
def logged():
    """What the console's formatter makes of everything that is logged."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(DiscreetFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    yield stream.getvalue
    logging.getLogger().removeHandler(handler)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("get", "/accounts/login/", {}, 200),
        ("head", "/accounts/login/", {}, 200),
        ("get", "/predictions/", {}, 302),
        ("get", "/nothing", {}, 404),
        ("get", "/api/v1/nothing", {}, 404),
        ("post", "/api/v1/predict", {}, 401),
        ("get", HEALTH, {}, 503),
        ("head", HEALTH, {}, 503),
        ("get", HEALTH + "/live", {}, 200),
        ("post", HEALTH, {}, 405),
        ("delete", HEALTH + "/ready", {}, 405),
        ("get", HEALTH, {"Host": "evil.example"}, 400),
        ("get", "/", {"Host": "evil.example"}, 400),
        ("post", "/accounts/login/", {}, 403),
        ("put", "/problems/panel-refused/", {}, 405),
        ("head", "/problems/panel-refused/", {}, 200),
        ("get", "/static/site.css", {}, 200),
        ("get", "/static/site.css", {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}, 304),
        ("post", "/static/site.css", {}, 405),
    ],
)
def test_every_answer_is_guarded(method, path, headers, status):
    client = Client(enforce_csrf_checks=status == 403 or path.startswith("/api/"))
    response = getattr(client, method)(path, headers=headers)
    response.close()
    assert response.status_code == status
    assert_guarded(response)
    if path.startswith("/api/") and status in {400, 401, 404, 405}:
        assert response["Content-Type"] == PROBLEM


def test_a_redirect_to_https_and_what_follows_it_are_guarded(settings):
    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, 1_000
    for response, status in (
        (Client().get("/accounts/login/"), 301),
        (Client().get("/", headers={"Host": "evil.example"}), 400),
        (Client().get("/accounts/login/", secure=True), 200),
    ):
        assert response.status_code == status
        assert_guarded(response)
    with mock.patch.object(disclosure, "disclose_list", side_effect=OperationalError):
        assert "Strict-Transport-Security" in Client().get("/predictions/", secure=True)


@pytest.mark.parametrize(("error", "status"), [(OperationalError, 503), (RuntimeError, 500)])
def test_what_breaks_is_guarded_and_kept_by_nobody(alice, browser_of, error, status):
    client = browser_of(alice)
    client.raise_request_exception = False
    with mock.patch.object(disclosure, "disclose_list", side_effect=error):
        response = client.get("/predictions/")
    assert response.status_code == status
    assert_guarded(response)
    assert "no-store" in response["Cache-Control"]


def test_a_database_that_is_away_is_a_503_also_outside_of_a_page(alice):
    client = Client(raise_request_exception=False)
    with mock.patch.object(SessionStore, "save", side_effect=OperationalError):
        response = client.post(
            "/accounts/login/", {"login": alice.email, "password": "correct horse battery"}
        )
    assert (response.status_code, response["Retry-After"]) == (503, "5")


@pytest.mark.parametrize(
    "path",
    ["/api/v1/nothing", "/api/v1/predict", HEALTH, "/predictions/", "/predictions/new/", "/predictions/x/"],
)
def test_nothing_about_a_patient_is_kept_by_a_cache(alice, browser_of, path):
    assert "no-store" in browser_of(alice).get(path)["Cache-Control"]


def test_a_stylesheet_may_be_kept():
    response = Client().get("/static/site.css")
    response.close()
    assert "no-store" not in response["Cache-Control"]


@pytest.mark.parametrize("path", ["/", "/predictions/", "/predictions/new/", "/accounts/password/change/"])
def test_pages_answer_head_like_get(alice, browser_of, release, path):
    client = browser_of(alice)
    assert client.head(path).status_code == client.get(path).status_code


def test_the_method_that_health_does_not_serve_is_named():
    response = Client(enforce_csrf_checks=True).put(HEALTH)
    assert response["Allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "charset", ["hex", "idna", "utf-7", "unicode_escape", "utf-16", "latin-1", "no-such"]
)
@pytest.mark.parametrize(
    "kind", ["x/y", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]
)
def test_text_in_another_charset_is_refused(charset, kind):
    content_type = f"{kind}; charset={charset}"
    body = b'--x\r\nContent-Disposition: form-data; name="pasted"\r\n\r\n\\ud800\r\n--x--\r\n'
    status, headers, text = ask("POST", "/accounts/login/?next=a", body, CONTENT_TYPE=content_type)
    assert status == 400
    assert "Breast risk" in text
    assert headers["X-Frame-Options"] == "DENY"
    assert ask("GET", f"{HEALTH}/live?a=1", CONTENT_TYPE=content_type)[0] == 200


@pytest.mark.parametrize(
    "content_type",
    [
        "x/y; foo*=hex''abc",
        "x/y; charset*=no-such'en'a",
        'x/y; charset="hex"',
        "x/y; charset=utf-8; charset=hex",
        "x/y; CHARSET = hex",
        "\xff",
        ";",
        "a" * 20_000,
        "multipart/form-data; boundary=\xff",
    ],
)
def test_a_content_type_that_is_none_is_refused(content_type):
    assert ask("POST", "/accounts/login/?a=1", CONTENT_TYPE=content_type)[0] == 400


@pytest.mark.parametrize("charset", ["", "; charset=utf-8", '; charset="UTF-8"', ";charset=utf8"])
def test_a_form_in_utf_8_is_read(alice, charset):
    body = b"login=alice%40clinic.example&password=wrong"
    status, _, text = ask(
        "POST", "/accounts/login/", body, CONTENT_TYPE="application/x-www-form-urlencoded" + charset
    )
    assert status == 403  # only the CSRF token is missing
    assert "too old" in text


@pytest.mark.parametrize("charset", ["hex", "utf-16", "unicode_escape"])
def test_the_api_refuses_another_charset_on_record(release, key, charset):
    status, headers, _ = ask(
        "POST",
        "/api/v1/predict?a=1",
        b"{}",
        CONTENT_TYPE=f"application/json; charset={charset}",
        HTTP_AUTHORIZATION=f"Api-Key {key}",
    )
    assert (status, headers["Content-Type"]) == (415, PROBLEM)
    assert Event.objects.filter(action="request.refused").count() == 1


def test_a_chunked_form_is_refused():
    kind = "application/x-www-form-urlencoded"
    assert ask("POST", "/accounts/login/", CONTENT_TYPE=kind, HTTP_TRANSFER_ENCODING="chunked")[0] == 400


def test_a_part_with_a_hostile_header_is_refused():
    part = b"--x\r\nContent-Disposition: form-data; name=a; filename*=%s''b\r\n\r\nc\r\n--x--\r\n"
    for codec in (b"hex", b"no-such", b"idna"):
        status, _, _ = ask(
            "POST", "/accounts/login/", part % codec, CONTENT_TYPE="multipart/form-data; boundary=x"
        )
        assert status in {400, 403}


def test_a_cookie_that_is_not_text_is_none():
    for cookie in (r'sessionid="\000aaaaaaaaaaaa"', r'csrftoken="\000\377"', "sessionid=" + "\xff" * 40):
        assert ask("GET", "/predictions/", HTTP_COOKIE=cookie)[0] == 302


def test_an_error_is_logged_by_its_place_and_kind_alone(alice, browser_of, logged):
    client = browser_of(alice)
    client.raise_request_exception = False
    for error in (IntegrityError("DETAIL: Key (email)=(CANARY)"), ValueError("CANARY")):
        with mock.patch.object(disclosure, "disclose_list", side_effect=error):
            client.get("/predictions/?CANARY=1")
        text = logged()
        assert "CANARY" not in text
        assert type(error).__name__ in text
        assert "in list_predictions" in text


@pytest.mark.parametrize("method", ["post", "put", "head", "get"])
def test_no_token_in_an_address_is_logged(method, logged):
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    for path in ("/accounts/once/CANARY/", "/accounts/password/reset/key/a-CANARY/", "/accounts/CANARY"):
        getattr(client, method)(path)
    assert "CANARY" not in logged()


def test_what_a_database_error_quotes_is_never_logged(logged):
    quoted = "".join(("DETAIL", "CANARY"))  # which the source does not say, that a traceback shows
    try:
        try:
            raise IntegrityError(quoted)  # noqa: TRY301
        except IntegrityError as error:
            raise RuntimeError("the reason") from error
    except RuntimeError:
        logging.getLogger("anything").exception("It failed")
    text = logged()
    assert quoted not in text
    assert "django.db.utils.IntegrityError" in text
    assert "RuntimeError: the reason" in text
    assert "It failed" in text
