"""Signing in with an organisation's provider: whom it lets in, and what it must not be believed."""

import json
from base64 import urlsafe_b64encode

import jwt
import pytest
import requests
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.socialaccount.models import SocialAccount
from django.core import mail
from django.core.management import call_command
from django.test import Client

from accounts import identity_provider, session_marks
from accounts.checks import check_provider
from accounts.models import Event, Person, Role
from tests import oidc_provider
from tests.accounts.test_second_factor import left_alone
from tests.cast import make_person
from tests.oidc_provider import CLIENT, SECRET, new_key

pytestmark = pytest.mark.django_db

LOGIN, START, BACK = "/accounts/login/", "/accounts/provider/", "/accounts/provider/answer/"
INDEX, AGAIN = "/accounts/2fa/", "/accounts/provider/again/"


@pytest.fixture(scope="module")
def running():
    with oidc_provider.run() as provider:
        yield provider


@pytest.fixture
def provider(running, settings):
    """The clinic's, as it is configured, and saying of everybody that they are Alice, without more."""
    settings.OIDC_ISSUER, settings.OIDC_NAME = running.issuer, "Clinic ID"
    settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = CLIENT, SECRET
    settings.OIDC_SECOND_FACTOR_ACR, settings.OIDC_EMAIL_DOMAINS = ["urn:clinic:two"], ["clinic.example"]
    running.person = {"sub": "id-of-alice", "email": "alice@clinic.example", "email_verified": True}
    running.changed, running.configured, running.sign = {}, {}, running.sign_as_ever
    identity_provider._configuration.cache_clear()
    return running


@pytest.fixture
def two(provider):
    """The same, after a second factor."""
    provider.changed = {"amr": ["pwd", "mfa"]}
    return provider


def go(client, path=START):
    """The address with which the provider sends the browser back."""
    there = client.get(path).headers["Location"]
    return requests.get(there, allow_redirects=False, timeout=5).headers["Location"]


def sign_in(client=None, path=START):
    client = client or Client()
    return client, client.get(go(client, path))


def is_in(client):
    return client.get("/predictions/").status_code == 200


def last(action):
    return Event.objects.filter(action=action).latest("id")


def refused(provider):
    client, answer = sign_in()
    return answer.status_code == 403 and not is_in(client) and not SocialAccount.objects.exists()


# Whom it lets in


def test_who_showed_the_provider_a_second_factor_is_in(alice, two):
    client, answer = sign_in(path=f"{START}?next=/cohorts/")
    assert answer.headers["Location"] == "/cohorts/"
    assert is_in(client)
    facts = last("person.signed_in").facts
    assert (facts["means"], facts["second_factor"]) == ("provider", True)
    assert client.get("/accounts/sessions/").context["sessions"]


def test_what_the_operator_says_stands_for_a_second_factor_does(alice, provider):
    provider.changed = {"acr": "urn:clinic:two"}
    assert is_in(sign_in()[0])
    assert provider.asked["acr_values"] == "urn:clinic:two"


@pytest.mark.parametrize("claims", [{}, {"amr": ["pwd"]}, {"amr": "mfa"}, {"acr": "urn:clinic:one"}])
def test_without_a_second_factor_there_our_own_follows(alice, provider, claims):
    provider.changed = claims
    client, _ = sign_in()
    assert client.get("/predictions/").headers["Location"] == INDEX


def test_whoever_has_an_app_here_is_asked_for_its_code(alice, provider):
    TOTP.activate(alice, generate_totp_secret())
    client, answer = sign_in()
    assert answer.headers["Location"] == "/accounts/2fa/authenticate/"
    assert client.get("/predictions/").headers["Location"].startswith(LOGIN)


def test_the_browser_is_sent_with_pkce_state_and_nonce(alice, two):
    sign_in()
    assert two.asked["code_challenge_method"] == "S256"
    assert all(len(two.asked[name]) >= 16 for name in ("state", "nonce", "code_challenge"))
    assert two.asked["tenant"] == "clinic"


def test_the_first_time_is_told_by_mail_and_on_record_once(alice, two):
    sign_in()
    sign_in()
    (message,) = mail.outbox
    assert message.to == [alice.email]
    assert "Clinic ID" in message.subject
    assert "Clinic ID can sign you in" in message.body
    assert Event.objects.filter(action="provider.linked").count() == 1


def test_a_password_still_fits_after_the_provider_signed_in(alice, two):
    sign_in()
    answer = Client().post(LOGIN, {"login": alice.email, "password": "correct horse battery"})
    assert answer.status_code == 302


def test_a_session_has_another_name_after_the_sign_in(alice, two):
    client = Client()
    back = go(client)
    before = client.session.session_key
    client.get(back)
    assert client.session.session_key != before


@pytest.mark.parametrize("mark", [session_marks.SEEN, session_marks.STARTED])
def test_a_session_by_the_provider_ends_as_every_other(alice, two, mark):
    client, _ = sign_in()
    left_alone(client, 43_201, mark)
    assert not is_in(client)


def test_who_was_signed_in_before_is_signed_out(alice, audrey, two, browser_of):
    client = browser_of(audrey)
    sign_in(client)
    assert client.get("/organisation/").context["user"] == alice


# Whom it does not


def test_nobody_gets_an_account_by_the_provider(clinic, two):
    assert refused(two)
    assert not Person.objects.exists()
    assert last("sign_in.refused").facts["reason"] == "unknown"


@pytest.mark.parametrize("verified", [False, None, "true", 1])
def test_an_address_that_is_not_verified_opens_nothing(alice, two, verified):
    two.changed |= {"email_verified": verified}
    assert refused(two)
    assert last("sign_in.refused").facts["reason"] == "unverified"
    assert last("sign_in.refused").person_id == alice.id


@pytest.mark.parametrize("address", ["", None, 7, "\0", "al\u0131ce@clinic.example", "x" * 5000])
def test_an_address_that_is_none_opens_nothing(alice, two, address):
    two.person["email"] = address
    assert refused(two)


@pytest.mark.parametrize("domains", [["example"], ["clinic.example.evil"], ["linic.example"], []])
def test_an_address_of_another_domain_is_not_the_providers_to_tell(alice, two, settings, domains):
    settings.OIDC_EMAIL_DOMAINS = domains
    assert refused(two)
    assert last("sign_in.refused").facts["reason"] == "not_its_own"


@pytest.mark.parametrize("is_linked", [True, False])
def test_nobody_becomes_the_superuser_by_the_provider(alice, two, is_linked):
    if is_linked:
        sign_in()
    Person.objects.update(is_superuser=True)
    client, answer = sign_in()
    assert answer.status_code == 403
    assert not is_in(client)


def profiled(provider, **profile):
    """The address is told in the profile only."""
    provider.configured = {"userinfo_endpoint": f"{provider.issuer}/profile"}
    provider.profile = {"sub": "id-of-alice", "email_verified": True, **provider.person, **profile}
    provider.person = {"sub": "id-of-alice"}
    return provider


def test_an_address_that_the_token_leaves_out_is_asked_for(alice, two):
    profiled(two)
    assert is_in(sign_in()[0])


@pytest.mark.parametrize("profile", [{"sub": "id-of-audrey"}, {"email_verified": False}, {"email": None}])
def test_a_profile_of_somebody_else_or_without_a_verified_address_opens_nothing(alice, two, profile):
    assert refused(profiled(two, **profile))


def test_who_was_deactivated_stays_out(alice, two):
    sign_in()
    Person.objects.update(is_active=False)
    client, answer = sign_in()
    assert answer.status_code == 403
    assert not is_in(client)


def test_a_changed_address_moves_to_no_other_account(alice, audrey, two):
    sign_in()
    two.person["email"] = audrey.email
    client, _ = sign_in()
    assert client.get("/organisation/").context["user"] == alice


def test_an_address_that_was_given_to_somebody_else_opens_nothing(alice, two):
    sign_in()
    two.person["sub"] = "id-of-a-namesake"
    client, answer = sign_in()
    assert answer.status_code == 403
    assert "another identity" in answer.content.decode()
    assert not is_in(client)


def test_the_operator_lets_a_new_identity_be_found(alice, two):
    sign_in()
    two.person["sub"] = "new-id-of-alice"
    call_command("forget_provider", alice.email)
    assert is_in(sign_in()[0])
    assert last("provider.unlinked").person_id == alice.id


def test_another_provider_opens_nothing_by_the_same_name_for_somebody(alice, audrey, two):
    SocialAccount.objects.create(user=audrey, provider="https://former.example", uid="id-of-alice")
    client, _ = sign_in()
    assert client.get("/organisation/").context["user"] == alice


# What is not believed


def _without_signature(claims):
    return jwt.encode(claims, "", "none")


def _of_another_key(claims):
    return jwt.encode(claims, new_key(), "RS256", headers={"kid": "one"})


def _by_the_secret(claims):
    return jwt.encode(claims, SECRET * 2, "HS256", headers={"kid": "one"})


def _by_a_key_that_is_not_told(claims):
    return jwt.encode(claims, new_key(), "RS256", headers={"kid": "two"})


def _changed_afterwards(claims):
    head, _, signature = _of_another_key(claims).split(".")
    body = urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"


@pytest.mark.parametrize(
    "sign",
    [
        _without_signature,
        _of_another_key,
        _by_the_secret,
        _by_a_key_that_is_not_told,
        _changed_afterwards,
        lambda _: "x.y.z",
        lambda _: "",
        lambda _: None,
        lambda _: 7,
    ],
)
def test_a_token_that_the_provider_did_not_sign_signs_nobody_in(alice, two, sign):
    two.sign = sign
    assert refused(two)
    assert last("sign_in.refused").facts["reason"] == "token"


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"aud": "another client"},
        {"aud": [CLIENT, "another client"]},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"exp": "soon"},
        {"iat": 9e99},
        {"sub": ""},
        {"sub": None},
        {"sub": "x" * 300},
    ],
)
def test_a_token_for_another_occasion_signs_nobody_in(alice, two, claims):
    two.changed |= claims
    assert refused(two)


def test_a_code_that_was_used_signs_nobody_in(alice, two):
    back = go(client := Client())
    client.get(back)
    other = Client()
    state = go(other).partition("state=")[2]
    code = back.partition("code=")[2].partition("&")[0]
    assert other.get(BACK, {"code": code, "state": state}).status_code == 403
    assert not is_in(other)


def test_an_answer_is_taken_once_and_only_where_it_was_asked_for(alice, two):
    back = go(asking := Client())
    stranger = Client()
    assert stranger.get(back).status_code == 403
    assert not is_in(stranger)
    assert asking.get(back).status_code == 302
    assert asking.get(back).status_code == 403


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"state": "x", "code": "y"},
        {"state": "\0"},
        {"code": "y"},
        {"error": "server_error", "state": "x"},
    ],
)
def test_an_answer_that_nobody_asked_for_is_refused(alice, two, sent):
    client = Client()
    go(client)
    assert client.get(BACK, sent).status_code == 403


def test_an_answer_that_names_another_issuer_is_refused(alice, two):
    client = Client()
    assert client.get(go(client) + "&iss=https://evil.example").status_code == 403
    assert not is_in(client)


def test_who_cancels_is_back_where_one_signs_in(alice, two):
    client = Client()
    state = go(client).partition("state=")[2]
    answer = client.get(BACK, {"error": "access_denied", "state": state}, follow=True)
    assert answer.redirect_chain == [(LOGIN, 302)]
    assert "cancelled" in answer.content.decode()


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example/", "javascript:alert(1)"])
def test_the_provider_leads_nowhere_else(alice, two, target):
    assert sign_in(path=f"{START}?next={target}")[1].headers["Location"] == "/predictions/new/"


# When it is away, or wrong, or not there


def test_a_provider_that_is_down_is_a_page(settings, provider):
    settings.OIDC_ISSUER = "http://127.0.0.1:1"
    answer = Client().get(START)
    assert answer.status_code == 503
    assert "Clinic ID does not answer" in answer.content.decode()
    assert Client().get(LOGIN).status_code == 200


@pytest.mark.parametrize(
    "configured",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": None},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"userinfo_endpoint": "file:///etc/passwd"},
        {"padding": "x" * identity_provider.LARGEST},
    ],
)
def test_a_provider_that_says_nonsense_of_itself_is_a_page(provider, configured):
    provider.configured = configured
    assert Client().get(START).status_code == 503


@pytest.mark.parametrize("address", ["jwks_uri", "token_endpoint"])
def test_a_provider_that_goes_down_meanwhile_is_a_page(alice, two, address):
    two.configured = {address: "http://127.0.0.1:1/"}
    client, answer = sign_in()
    assert answer.status_code == 503
    assert not is_in(client)


def test_without_a_provider_there_is_no_button_and_no_page(alice, settings, browser_of):
    settings.OIDC_ISSUER = ""
    assert START not in Client().get(LOGIN).content.decode()
    assert [Client().get(path).status_code for path in (START, BACK)] == [404, 404]
    assert browser_of(alice).get(AGAIN).status_code == 404


def test_the_button_names_the_provider_and_keeps_where_one_was_going(provider):
    page = Client().get(f"{LOGIN}?next=/cohorts/").content.decode()
    assert f'href="{START}?next=/cohorts/"' in page
    assert "Sign in with Clinic ID" in page


@pytest.mark.parametrize("issuer", ["https://id.clinic.example", "https://id.example/realms/clinic", ""])
def test_an_issuer_over_tls_passes_the_check(settings, issuer):
    settings.OIDC_ISSUER, settings.OIDC_EMAIL_DOMAINS = issuer, ["clinic.example"]
    assert check_provider(None) == []


def test_a_provider_that_would_speak_of_everybody_fails_the_check(settings):
    settings.OIDC_ISSUER, settings.OIDC_EMAIL_DOMAINS = "https://id.example", []
    assert [message.id for message in check_provider(None)] == ["accounts.E003"]


@pytest.mark.parametrize(
    "issuer",
    [
        "http://id.example",
        "id.example",
        "https://",
        "https://id.example/?x",
        "http://[",
        "https://x/" + "y" * 200,
    ],
)
def test_an_issuer_that_is_none_fails_the_check(settings, issuer):
    settings.OIDC_ISSUER, settings.OIDC_EMAIL_DOMAINS = issuer, ["clinic.example"]
    assert [message.id for message in check_provider(None)] == ["accounts.E002"]


# Proving again who one is


@pytest.fixture
def left(alice, two):
    """Alice's browser, in which she proved six minutes ago who she is."""
    client, _ = sign_in()
    left_alone(client, 360, session_marks.PROVED)
    return client


def test_the_provider_proves_again_who_somebody_is(left, two):
    page = left.get("/accounts/reauthenticate/?next=/accounts/sessions/").content.decode()
    assert f"{AGAIN}?next=%2Faccounts%2Fsessions%2F" in page
    _, answer = sign_in(left, f"{AGAIN}?next=/accounts/sessions/")
    assert (two.asked["prompt"], two.asked["max_age"]) == ("login", "0")
    assert answer.headers["Location"] == "/accounts/sessions/"
    assert left.get("/accounts/sessions/").status_code == 200


def test_who_has_no_password_is_led_to_the_provider(alice, two):
    alice.set_unusable_password()
    alice.save()
    client, _ = sign_in()
    left_alone(client, 360, session_marks.PROVED)
    asked = client.get("/accounts/sessions/")
    assert asked.headers["Location"] == f"{AGAIN}?next=%2Faccounts%2Fsessions%2F"


@pytest.mark.parametrize("claims", [{"auth_time": 1}, {"auth_time": None}, {"auth_time": "now"}])
def test_a_provider_that_did_not_ask_again_proves_nothing(left, two, claims):
    two.changed |= claims
    assert sign_in(left, AGAIN)[1].status_code == 403
    assert left.get("/accounts/sessions/").status_code == 302


def test_somebody_else_proves_nothing(left, two, clinic):
    make_person("bob", clinic, Role.CLINICIAN)
    two.person = {"sub": "id-of-bob", "email": "bob@clinic.example", "email_verified": True}
    assert sign_in(left, AGAIN)[1].status_code == 403
    assert left.get("/accounts/sessions/").status_code == 302


def test_nobody_proves_anything_without_being_signed_in(alice, two):
    assert Client().get(AGAIN).headers["Location"].startswith(LOGIN)
