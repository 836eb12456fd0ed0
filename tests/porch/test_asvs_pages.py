"""What docs/asvs.md asks of pages, cookies, sessions and passwords, and no other test shows."""

import re
import subprocess
import sys

import pytest
from allauth.mfa import app_settings
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts import invitations, session_marks
from accounts.demo import create_demo
from accounts.models import Invitation, Organisation, Person
from tests.porch.test_settings import PRODUCTION

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
NEW = {"password1": "battery horse correct", "password2": "battery horse correct"}
LOGIN, CHANGE, SESSIONS = "/accounts/login/", "/accounts/password/change/", "/accounts/sessions/"
ASK = """
from breastrisk import settings as s
for which in ("SESSION", "CSRF", "LANGUAGE"):
    assert getattr(s, f"{which}_COOKIE_NAME").startswith("__Host-"), which
    assert getattr(s, f"{which}_COOKIE_SECURE") is True, which
    assert getattr(s, f"{which}_COOKIE_SAMESITE", "Lax") == "Lax", which
assert s.SESSION_COOKIE_HTTPONLY is s.LANGUAGE_COOKIE_HTTPONLY is True
assert s.MESSAGE_STORAGE.endswith("session.SessionStorage")
assert s.DEBUG is False
assert s.SECURE_HSTS_SECONDS >= 31_536_000 and s.SECURE_HSTS_INCLUDE_SUBDOMAINS
"""


def sign_in(person, password=PASSWORD):
    client = Client()
    return client, client.post(LOGIN, {"login": person.email, "password": password}).status_code


def test_in_production_cookies_are_of_this_host_and_https_is_kept_for_a_year():
    subprocess.run([sys.executable, "-c", ASK], env=PRODUCTION, check=True)


@pytest.mark.parametrize("path", ["/", LOGIN, "/admin/", "/language/", "/api/v1/models"])
def test_a_trace_sends_nothing_back(alice, browser_of, path):
    answer = browser_of(alice).trace(path, headers={"X-Secret": "CANARY"})
    assert answer.status_code in {302, 401, 405}
    assert b"CANARY" not in answer.content


@pytest.mark.parametrize(
    "path",
    [
        *("/.git/HEAD", "/.git/", "/manage.py", "/requirements.txt", "/breastrisk/settings.py"),
        *("/static/", "/static", "/static/../manage.py", "/static/%2e%2e/manage.py", "/static//etc/passwd"),
    ],
)
def test_neither_sources_nor_folders_are_served(path):
    assert Client().get(path).status_code == 404


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (LOGIN, "text/html; charset=utf-8"),
        ("/nothing", "text/html; charset=utf-8"),
        ("/static/site.css", 'text/css; charset="utf-8"'),
        ("/static/views.js", 'text/javascript; charset="utf-8"'),
        ("/api/v1/nothing", "application/problem+json"),  # JSON is UTF-8 (RFC 8259)
        ("/api/v1/health/live", "application/json"),
    ],
)
def test_an_answer_names_what_it_is_and_no_other_origin_may_read_it(path, kind):
    answer = Client().get(path, headers={"Origin": "https://evil.example"})
    answer.close()
    assert answer["Content-Type"] == kind
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


def test_signing_in_gives_another_session_than_the_one_before(alice):
    client = Client()
    client.session.save()
    session = client.session
    session["planted"] = True
    session.save()
    before = str(session.session_key)
    client.cookies["sessionid"] = before
    client.post(LOGIN, {"login": alice.email, "password": PASSWORD})
    assert re.fullmatch("[a-z0-9]{32}", str(client.session.session_key))  # 165 bits
    assert client.session.session_key != before
    assert not Session.objects.filter(session_key=before).exists()


def test_a_new_password_ends_every_session(alice, browser_of):
    here, there = browser_of(alice), browser_of(alice)
    here.post(CHANGE, {"oldpassword": PASSWORD, **NEW})
    assert [client.get("/models/").status_code for client in (here, there)] == [302, 302]


def test_a_password_is_not_changed_without_the_old_one(alice, browser_of):
    for old in ({}, {"oldpassword": ""}, {"oldpassword": PASSWORD.upper()}):
        assert browser_of(alice).post(CHANGE, {**old, **NEW}).status_code == 200
    assert sign_in(alice)[1] == 302


def test_whoever_is_disabled_is_out_at_once(alice, browser_of):
    client = browser_of(alice)
    assert client.get("/models/").status_code == 200
    Person.objects.filter(pk=alice.pk).update(is_active=False)
    assert client.get("/models/").status_code == 302


def test_where_one_is_signed_in_is_shown_after_a_fresh_proof_only(alice, browser_of):
    client = browser_of(alice)
    session = client.session
    session[session_marks.PROVED] = 0
    session.save()
    for answer in (client.get(SESSIONS), client.post(SESSIONS, {"session": "others"})):
        assert answer.headers["Location"].startswith("/accounts/reauthenticate/")


@pytest.mark.parametrize("password", ["aaaa bbbb cccc dddd", "only words and blanks ", "ÄöÜ 漢字 🙂 " * 20])
def test_a_password_of_any_letters_and_any_length_counts_exactly_as_it_was_typed(clinic, password):
    form = {"name": "Nina", "password1": password, "password2": password}
    path = f"/invitations/{invitation_of(clinic)}/"
    assert Client().post(path, form).headers["Location"] == "/accounts/2fa/"
    nina = Person.objects.get(email="nina@clinic.example")
    assert sign_in(nina, password)[1] == 302
    for other in (password.swapcase(), password.strip() + "x", password[:-1], password + " "):
        assert sign_in(nina, other)[1] == 200


def invitation_of(clinic):
    token = "a-token-that-was-sent"
    Invitation.objects.create(
        organisation=clinic,
        email="nina@clinic.example",
        role="lab",
        invited_by=Person.objects.create_user("adam@clinic.example"),
        token_sha256=invitations._digest(token),
        expires_at=timezone.now() + invitations.LIFETIME,
    )
    return token


@pytest.mark.parametrize("path", [LOGIN, CHANGE])
def test_passwords_are_masked_and_may_be_pasted_by_a_password_manager(alice, browser_of, path):
    page = (Client() if path == LOGIN else browser_of(alice)).get(path).content.decode()
    fields = re.findall(r'<input[^>]*name="(?:old)?password[^>]*>', page)
    assert fields
    for field in fields:
        assert 'type="password"' in field
        assert re.search('autocomplete="(current|new)-password"', field)
    assert "onpaste" not in page


def test_a_recovery_code_has_more_than_twenty_bits():
    assert 10**app_settings.RECOVERY_CODE_DIGITS > 2**20


def test_nobody_of_the_demo_has_a_password():
    create_demo("http://localhost:8000")
    assert [person.has_usable_password() for person in Person.objects.all()] == [False] * 3


def test_a_name_of_two_lines_adds_no_header_to_a_mail(settings):
    settings.EMAIL_HOST = "mail.example"
    clinic = Organisation(name="A clinic\r\nBcc: eve@evil.example")
    assert invitations.send("https://risk.example/invitations/x/", "nina@clinic.example", clinic)
    (message,) = mail.outbox
    assert message.recipients() == ["nina@clinic.example"]
    assert "Bcc" not in message.message()


@pytest.mark.parametrize(
    "path", ["/api/v1/predict", "/api/v1/models", "/oauth/token", "/.well-known/smart-configuration"]
)
def test_in_production_a_system_is_refused_over_plain_http_and_no_page_is(settings, path):
    settings.SECURE_SSL_REDIRECT = True
    for method in ("get", "post"):
        answer = getattr(Client(), method)(path)
        assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json")
        assert answer.json()["type"] == "/problems/https-required/"
        assert getattr(Client(), method)(path, secure=True).status_code != 403
    assert Client().get(LOGIN).status_code == 301
    assert Client().get("/api/v1/health/live").status_code == 200


@pytest.mark.parametrize(
    ("password", "taken"),
    [
        ("BreastCancerRisk2026!", False),
        ("rotterdam-rotterdam", False),
        ("!!Welcome4Clinicians!!", False),
        ("st-Vincents-1857-rome", False),  # the organisation's own
        ("vincents risk is rain on sundays", True),
        ("correct horse battery", True),
        ("8261 9403 8572 3311", True),
    ],
)
def test_no_password_is_made_of_words_that_everybody_here_knows(clinic, password, taken):
    Organisation.objects.filter(pk=clinic.pk).update(name="St Vincent's, Rome", slug="vincents")
    form = {"name": "Nina", "password1": password, "password2": password}
    answer = Client().post(f"/invitations/{invitation_of(clinic)}/", form)
    assert answer.status_code == (302 if taken else 422)


def test_a_password_is_not_changed_to_the_name_of_ones_organisation(alice, browser_of, clinic):
    Organisation.objects.filter(pk=clinic.pk).update(name="Saint Vincents Rome")
    new = {"password1": "saintvincents1857", "password2": "saintvincents1857"}
    page = browser_of(alice).post(CHANGE, {"oldpassword": PASSWORD, **new})
    assert "words that everybody here knows" in page.content.decode()
    assert sign_in(alice)[1] == 302


def test_no_forged_host_gets_into_a_mail(alice):
    ask, form = "/accounts/password/reset/", {"email": alice.email}
    assert Client().post(ask, form, headers={"Host": "evil.example"}).status_code == 400
    for headers in ({"X-Forwarded-Host": "evil.example"}, {"Forwarded": "host=evil.example"}):
        Client().post(ask, form, headers=headers)
    assert [("testserver" in sent.body, "evil" in sent.body) for sent in mail.outbox] == [(True, False)] * 2
