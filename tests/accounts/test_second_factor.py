"""Second factors: nobody gets past the first alone, codes are good once, and guessing ends."""

import json
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import hotp_value
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.cache import cache
from django.db import transaction
from django.test import Client

from accounts import session_marks
from accounts.links import make_link
from accounts.models import Event
from accounts.second_factor_rotation import rewrap_batch
from accounts.second_factors import MOST_FAILURES
from tests.cast import sign_in

pytestmark = pytest.mark.django_db

LOGIN, INDEX = "/accounts/login/", "/accounts/2fa/"
CODE, APP = "/accounts/2fa/authenticate/", "/accounts/2fa/app/"
POLLED = "/predictions/01890000-0000-7000-8000-000000000000/second-reading/"
CLOSED = ("/predictions/", "/predictions/new/", "/cohorts/", "/models/", "/profiles/", "/admin/")


def code_of(secret, steps=0):
    return f"{hotp_value(secret, int(time.time()) // 30 + steps):06}"


def with_password(person, **origin):
    client = Client(**origin)
    client.post(LOGIN, {"login": person.email, "password": "correct horse battery"})
    return client


@pytest.fixture
def set_up(monkeypatch):
    """Set up an app as people do; the secret, and the page that follows."""

    def enter_first_code(client):
        secret = client.get(APP).context["form"].secret
        answer = client.post(APP, {"code": code_of(secret)})
        return secret, client.get(answer.headers["Location"])

    # The transaction of a test is never committed, and what follows a commit belongs to the request.
    monkeypatch.setattr(transaction, "on_commit", lambda do: do())
    return enter_first_code


@pytest.fixture
def secret(alice, set_up):
    return set_up(with_password(alice))[0]


@pytest.fixture
def recovery_codes(secret):
    return Authenticator.objects.get(type=Authenticator.Type.RECOVERY_CODES).wrap().get_unused_codes()


@pytest.mark.parametrize("path", CLOSED)
def test_a_password_alone_leads_only_to_where_a_second_factor_is_set_up(alice, adam, path):
    for person in (alice, adam):
        assert with_password(person).get(path).headers["Location"] == INDEX


def test_setting_up_an_app_opens_the_pages_and_shows_recovery_codes_once(alice, set_up):
    client = with_password(alice)
    _, shown = set_up(client)
    assert len(shown.context["unused_codes"]) == 10
    assert client.get("/predictions/").status_code == 200
    again = client.get("/accounts/2fa/codes/")
    assert shown.context["unused_codes"][0] not in again.content.decode()


def test_a_wrong_first_code_sets_nothing_up(alice):
    client = with_password(alice)
    client.get(APP)
    assert "code" in client.post(APP, {"code": "000000"}).context["form"].errors
    assert not Authenticator.objects.exists()
    assert client.get("/predictions/").status_code == 302


def test_the_code_of_the_app_signs_in(alice, secret):
    client = with_password(alice)
    assert client.get("/predictions/").headers["Location"].startswith(LOGIN)
    client.post(CODE, {"code": code_of(secret)})
    assert client.get("/predictions/").status_code == 200
    assert Event.objects.filter(action="person.signed_in")[0].facts["second_factor"] is True


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_code_is_good_once_also_after_the_library_forgot_it(alice, secret, steps):
    code = code_of(secret, steps)
    assert with_password(alice).post(CODE, {"code": code}).status_code == 302
    cache.delete(f"allauth.mfa.totp.used?user={alice.pk}&code={code}")
    second = with_password(alice)
    assert "code" in second.post(CODE, {"code": code}).context["form"].errors
    assert second.get("/predictions/").status_code == 302


def test_a_recovery_code_signs_in_once(alice, recovery_codes):
    first, second = with_password(alice), with_password(alice)
    first.post(CODE, {"code": recovery_codes[0]})
    second.post(CODE, {"code": recovery_codes[0]})
    assert first.get("/predictions/").status_code == 200
    assert second.get("/predictions/").status_code == 302


def test_guessing_codes_locks_the_address_that_guesses_and_no_other(alice, secret):
    client = with_password(alice)
    answers = [client.post(CODE, {"code": f"00000{number}"}).status_code for number in range(5)]
    assert answers[-1] == 429
    assert client.post(CODE, {"code": code_of(secret)}).status_code == 429
    elsewhere = with_password(alice, REMOTE_ADDR="192.0.2.7")
    elsewhere.post(CODE, {"code": code_of(secret)})
    assert elsewhere.get("/predictions/").status_code == 200
    assert Event.objects.filter(action="second_factor.failed").count() == 5


def test_guessing_codes_from_many_addresses_ends_for_all_of_them(alice, secret):
    for number in range(MOST_FAILURES):
        guesser = with_password(alice, REMOTE_ADDR=f"192.0.2.{number}")
        guesser.post(CODE, {"code": "000000"})
    last = with_password(alice, REMOTE_ADDR="198.51.100.1")
    assert "code" in last.post(CODE, {"code": code_of(secret)}).context["form"].errors


def test_the_database_has_no_secret_in_the_clear(alice, secret):
    kept = json.dumps(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in kept
    assert next(iter(django_settings.CASE_KEYS)) in kept


def test_the_second_factor_of_one_person_is_none_of_another_in_the_same_browser(alice, audrey, browser_of):
    client = browser_of(alice)
    client.force_login(audrey, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/predictions/").headers["Location"] == INDEX


def test_without_a_second_factor_any_more_the_pages_close_at_once(alice, secret):
    client = with_password(alice)
    client.post(CODE, {"code": code_of(secret, 1)})
    client.post("/accounts/2fa/app/remove/")
    assert not Authenticator.objects.exists()
    assert client.get("/predictions/").headers["Location"] == INDEX
    assert "second_factor.removed" in Event.objects.values_list("action", flat=True)


def test_a_one_time_link_is_only_a_first_factor_in_production(alice, settings):
    settings.LINKS_ARE_SECOND_FACTORS = False
    client = Client()
    client.post(make_link(alice, ""))
    assert client.get("/predictions/").headers["Location"] == INDEX


def test_people_are_told_by_mail_of_a_new_second_factor(alice, secret):
    assert [message.to for message in mail.outbox] == [[alice.email]]


def test_a_mail_server_that_is_away_stops_nobody(alice, set_up, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    client = with_password(alice)
    set_up(client)
    assert client.get("/predictions/").status_code == 200


def left_alone(client, seconds, mark=session_marks.SEEN):
    session = client.session
    session[mark] -= seconds
    session.save()


def test_a_session_that_was_left_alone_ends(alice, browser_of):
    client = browser_of(alice)
    left_alone(client, 31 * 60)
    answer = client.get("/predictions/")
    assert answer.headers["Location"] == f"{LOGIN}?next=/predictions/"
    assert client.get("/predictions/").status_code == 302


def test_a_session_ends_after_half_a_day_however_busy(alice, browser_of):
    client = browser_of(alice)
    left_alone(client, 12 * 3600 + 1, session_marks.STARTED)
    assert client.get("/predictions/").status_code == 302


def test_use_keeps_a_session_alive(alice, browser_of):
    client = browser_of(alice)
    left_alone(client, 29 * 60)
    client.get("/predictions/")
    assert client.session[session_marks.SEEN] > time.time() - 60


def test_a_page_that_asks_by_itself_does_not_keep_a_session_alive(alice, browser_of):
    client = browser_of(alice)
    left_alone(client, 29 * 60)
    client.get(POLLED)
    assert client.session[session_marks.SEEN] < time.time() - 28 * 60


def test_a_part_of_a_page_is_not_replaced_by_the_sign_in_page(alice, browser_of):
    client = browser_of(alice)
    left_alone(client, 31 * 60)
    answer = client.get(POLLED, headers={"HX-Request": "true"})
    assert answer.headers["HX-Redirect"].startswith(LOGIN)


def test_one_signs_out_everywhere_else_and_only_oneself(alice, audrey):
    alices = [Client(), Client()]
    others = Client()
    for client, person in ((alices[0], alice), (alices[1], alice), (others, audrey)):
        client.post(make_link(person, ""))
    alices[0].post("/accounts/sessions/", {"session": "others"})
    assert [client.get("/models/").status_code for client in (*alices, others)] == [200, 302, 200]


@pytest.mark.parametrize("session", ["x", "", "999999", "-1"])
def test_a_session_that_is_not_ones_own_is_not_ended(alice, audrey, session):
    other = Client()
    other.post(make_link(audrey, ""))
    sign_in(Client(), alice).post("/accounts/sessions/", {"session": session})
    assert other.get("/models/").status_code == 200


def test_what_needs_a_fresh_proof_asks_for_it(alice, secret):
    client = with_password(alice)
    client.post(CODE, {"code": code_of(secret, 1)})
    left_alone(client, 301, session_marks.PROVED)
    asked = client.get("/accounts/2fa/app/remove/")
    assert asked.headers["Location"].startswith("/accounts/reauthenticate/")
    proved = client.post(asked.headers["Location"], {"password": "correct horse battery"})
    assert proved.headers["Location"] == "/accounts/2fa/app/remove/"
    assert client.get("/accounts/2fa/app/remove/").status_code == 200


def test_a_session_has_another_name_once_it_may_do_more(alice, set_up):
    client = with_password(alice)
    names = [client.session.session_key]
    set_up(client)
    names.append(client.session.session_key)
    client.post("/accounts/reauthenticate/", {"password": "correct horse battery"})
    names.append(client.session.session_key)
    assert len(set(names)) == 3
    assert list(Session.objects.values_list("session_key", flat=True)) == [names[-1]]
    shown = client.get("/accounts/sessions/").context["sessions"]
    assert [session.session_key for session, _ in shown] == names[-1:]


def test_guessing_the_password_of_somebody_who_left_the_screen_locks_too(alice, browser_of):
    client = browser_of(alice)
    answers = [client.post("/accounts/reauthenticate/", {"password": "x"}).status_code for _ in range(6)]
    assert answers[-1] == 429


BROKEN = ("", "{}", "[]", "null", "x", '{"id": 1}', '{"response": {"userHandle": "x"}}', "[" * 99_999)


@pytest.mark.parametrize("credential", BROKEN)
def test_a_broken_passkey_signs_nobody_in(alice, credential):
    client = Client()
    client.get("/accounts/2fa/passkeys/login/", headers={"Accept": "application/json"})
    answer = client.post("/accounts/2fa/passkeys/login/", {"credential": credential})
    assert answer.status_code in {200, 302}
    assert client.get("/predictions/").status_code == 302


def test_a_new_key_wraps_the_secrets_too_so_that_the_former_can_go(alice, secret, recovery_codes, settings):
    settings.CASE_KEYS = {"new": bytes(range(32)), **settings.CASE_KEYS}
    assert (rewrap_batch(), rewrap_batch()) == (2, 0)
    settings.CASE_KEYS = {"new": bytes(range(32))}
    for code in (code_of(secret), recovery_codes[0]):
        client = with_password(alice)
        client.post(CODE, {"code": code})
        assert client.get("/predictions/").status_code == 200
