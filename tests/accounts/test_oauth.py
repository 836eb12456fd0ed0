"""Access tokens: three ways for a client to show that it is itself, and the attacks on each."""

import json
from base64 import b64encode
from datetime import timedelta
from hashlib import sha256
from urllib.parse import urlencode
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from oauth2_provider.models import get_access_token_model

from accounts import tokens
from accounts.doors import networks_of
from accounts.keys import revoke_key
from accounts.limit_records import RateLimit
from accounts.limits import _table
from accounts.models import Event, Person
from accounts.network_records import OrganisationNetworks
from accounts.oauth_clients import issue_client
from accounts.oauth_records import OAuthClient, SpentAssertion
from accounts.public_keys import parse_keys
from tests.panels import as_body, values_of

pytestmark = pytest.mark.django_db

TOKEN, MODELS = "/oauth/token", "/api/v1/models"
AUDIENCE = f"http://testserver{TOKEN}"
FORM = "application/x-www-form-urlencoded"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LAB, ELSEWHERE = "192.0.2.7", "203.0.113.9"


@pytest.fixture(scope="module")
def pairs():
    """A private key of each kind, and one that no client knows."""
    return {
        "RS384": rsa.generate_private_key(65_537, 2_048),
        "ES384": ec.generate_private_key(ec.SECP384R1()),
        "unknown": ec.generate_private_key(ec.SECP384R1()),
    }


def public(private, algorithm, kid):
    kind = jwt.algorithms.RSAAlgorithm if algorithm == "RS384" else jwt.algorithms.ECAlgorithm
    return {**kind.to_jwk(private.public_key(), as_dict=True), "kid": kid}


@pytest.fixture
def client(clinic):
    """A client with a secret, and the secret."""
    return issue_client(clinic, "Analyser", ["predict", "read"])


@pytest.fixture
def signer(clinic, pairs):
    jwks = [public(pairs[algorithm], algorithm, algorithm) for algorithm in ("RS384", "ES384")]
    made, secret = issue_client(clinic, "Signer", ["read"], jwks=parse_keys(json.dumps({"keys": jwks})))
    assert secret == ""
    return made


def ask(_address=LAB, _headers=None, _query="", **given):
    body = urlencode({"grant_type": "client_credentials", **given})
    visitor = Client(REMOTE_ADDR=_address, raise_request_exception=False)
    return visitor.post(TOKEN + _query, body, content_type=FORM, headers=_headers or {})


def basic(name, secret):
    return {"Authorization": "Basic " + b64encode(f"{name}:{secret}".encode()).decode()}


def use(token, path=MODELS, address=LAB):
    return Client(REMOTE_ADDR=address).get(path, headers={"Authorization": f"Bearer {token}"})


def sign(signer, key, algorithm="ES384", kid=None, **changes):
    now = int(timezone.now().timestamp())
    claims = {"iss": signer.client_id, "sub": signer.client_id, "aud": AUDIENCE, "jti": str(uuid4())}
    claims = {**claims, "exp": now + 240, **changes}
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key, algorithm, headers={"kid": kid or algorithm})


def prove(assertion, **given):
    return ask(client_assertion_type=ASSERTION, client_assertion=assertion, **given)


# What it is for


@pytest.mark.parametrize("way", ["header", "body"])
def test_a_client_trades_its_secret_for_a_token_of_an_hour_and_predicts_with_it(release, client, way):
    made, secret = client
    shown = {"client_id": made.client_id, "client_secret": secret}
    answer = ask(**shown) if way == "body" else ask(_headers=basic(made.client_id, secret))
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    given = answer.json()
    assert (given["token_type"], given["expires_in"], set(given["scope"].split())) == (
        "Bearer", 3_600, {"predict", "read"},
    )  # fmt: skip
    assert "refresh_token" not in given
    headers = {"Authorization": f"Bearer {given['access_token']}"}
    predicted = Client().post(
        "/api/v1/predict", as_body(values_of(0)), content_type="application/json", headers=headers
    )
    assert predicted.status_code == 201
    assert "RateLimit" in predicted
    event = Event.objects.get(action="prediction.made")
    assert (event.api_key_id, event.facts["door"]) == (made.key_id, "api")
    assert Event.objects.get(action="oauth_token.issued").api_key_id == made.key_id


@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
def test_a_client_signs_for_its_token(signer, pairs, algorithm):
    answer = prove(sign(signer, pairs[algorithm], algorithm))
    assert answer.status_code == 200
    assert use(answer.json()["access_token"]).status_code == 200


def test_a_token_is_kept_as_a_digest_only(client):
    made, secret = client
    token = ask(_headers=basic(made.client_id, secret)).json()["access_token"]
    kept = get_access_token_model().objects.get()
    assert kept.token_checksum == sha256(token.encode()).hexdigest()
    assert token not in repr(vars(kept))
    assert secret not in repr(vars(made)) + repr(vars(made.key))


def test_where_the_endpoint_is_and_what_it_takes_is_published():
    for path in ("/.well-known/oauth-authorization-server", "/.well-known/smart-configuration"):
        found = Client().get(path).json()
        assert found["token_endpoint"] == AUDIENCE
        assert found["grant_types_supported"] == ["client_credentials"]
        assert found["token_endpoint_auth_signing_alg_values_supported"] == ["ES384", "RS384"]
        assert found["scopes_supported"] == ["predict", "read", "profile"]


@pytest.mark.parametrize("path", ["authorize", "introspect", "revoke_token", "applications", "token/"])
def test_nothing_else_of_the_library_is_served(path):
    for method in ("get", "post"):
        assert getattr(Client(), method)(f"/oauth/{path}").status_code == 404


# Who is refused


def test_every_client_that_does_not_fit_gets_the_same_401(client, clinic):
    made, secret = client
    ended, its_secret = issue_client(clinic, "Ended", ["read"], lifetime=timedelta(seconds=-1))
    answers = [
        ask(_headers=basic(made.client_id, "wrong")),
        ask(_headers=basic("0" * 12, secret)),
        ask(client_id=made.client_id, client_secret="wrong"),
        ask(client_id="a\0b", client_secret="\0"),
        ask(_headers=basic(ended.client_id, its_secret)),
        ask(_headers=basic(made.client_id, made.client_secret)),
        prove("no.jwt.at.all"),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"_query": "?client_secret=x"}, "in the body"),
        ({"_query": "?grant_type=client_credentials"}, "in the body"),
        ({}, "in one way"),
        ({"client_id": "x"}, "in one way"),
        ({"client_id": "x", "client_secret": "y", "_headers": basic("x", "y")}, "in one way"),
        ({"client_secret": "y", "client_assertion": "z"}, "in one way"),
        ({"client_id": "other", "_headers": basic("x", "y")}, "another"),
        ({"_headers": {"Authorization": "Basic !"}}, "Basic with"),
        ({"_headers": {"Authorization": "Basic " + b64encode(b"\xff:\xff").decode()}}, "Basic with"),
        ({"_headers": {"Authorization": "Bearer x"}}, "Basic with"),
        ({"client_assertion": "x"}, "client_assertion_type"),
    ],
)
def test_a_request_that_is_none_is_refused_with_the_reason(given, said):
    answer = ask(**given)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"
    assert said in answer.json()["error_description"]


@pytest.mark.parametrize("grant", ["password", "authorization_code", "refresh_token", "implicit", "", "x"])
def test_no_other_grant_is_given(client, grant):
    made, secret = client
    answer = ask(_headers=basic(made.client_id, secret), grant_type=grant, username="a", password="b")
    assert answer.status_code == 400
    assert "access_token" not in answer.json()


def test_only_a_form_of_some_kilobytes_is_read(client):
    made, secret = client
    headers, visitor = basic(made.client_id, secret), Client()
    body = {"grant_type": "client_credentials"}
    assert visitor.get(TOKEN, headers=headers).status_code == 405
    assert visitor.post(TOKEN, body, headers=headers).status_code == 400  # multipart
    assert visitor.post(TOKEN, body, content_type="application/json", headers=headers).status_code == 400
    assert ask(_headers=headers, x="x" * 40_000).status_code == 413
    twice = "grant_type=client_credentials&scope=read&scope=predict"
    assert visitor.post(TOKEN, twice, content_type=FORM, headers=headers).status_code == 400


@effort(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(st.text(max_size=20), st.text(max_size=40), max_size=4), st.text(max_size=40))
def test_no_request_for_a_token_is_a_500(db, given_fields, header):
    shown = "".join(character for character in header if character.isprintable())
    fields = {f"x{name}": value for name, value in given_fields.items()}
    headers = {"Authorization": f"Basic {b64encode(shown.encode()).decode()}"}
    assert 400 <= ask(_headers=headers, **fields).status_code < 500


# Scopes


def test_no_client_gets_a_scope_that_it_does_not_have(signer, pairs):
    assert prove(sign(signer, pairs["ES384"]), scope="read predict").json()["error"] == "invalid_scope"
    assert prove(sign(signer, pairs["ES384"]), scope="admin").json()["error"] == "invalid_scope"


def test_a_token_does_only_what_it_was_asked_for(client, clinic):
    made, secret = client
    token = ask(_headers=basic(made.client_id, secret), scope="predict").json()["access_token"]
    assert use(token).status_code == 403


def test_a_token_loses_a_scope_that_its_client_loses(client):
    made, secret = client
    token = ask(_headers=basic(made.client_id, secret)).json()["access_token"]
    made.key.scopes = ["predict"]
    made.key.save()
    assert use(token).status_code == 403


# Assertions


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "http://evil.example/oauth/token"},
        {"aud": [AUDIENCE, "http://evil.example/"]},
        {"aud": None},
        {"iss": "another"},
        {"iss": None},
        {"sub": None},
        {"exp": None},
        {"exp": 1},
        {"exp": 2**40},
        {"exp": 1e300},
        {"exp": "soon"},
        {"exp": True},
        {"nbf": 2**40},
        {"jti": None},
        {"jti": ""},
        {"jti": "x" * 256},
        {"jti": 7},
    ],
    ids=str,
)
def test_an_assertion_whose_claims_are_wrong_is_refused(signer, pairs, changes):
    try:
        assertion = sign(signer, pairs["ES384"], **changes)
    except TypeError:  # the library does not sign it; others do
        pytest.skip("cannot be made")
    assert prove(assertion).status_code == 401


def test_an_assertion_for_longer_than_five_minutes_is_refused(signer, pairs):
    now = int(timezone.now().timestamp())
    assert prove(sign(signer, pairs["ES384"], exp=now + 330)).status_code == 401
    assert prove(sign(signer, pairs["ES384"], exp=now + 299)).status_code == 200


def test_an_assertion_is_taken_once(signer, pairs):
    assertion = sign(signer, pairs["ES384"])
    assert [prove(assertion).status_code for _ in range(3)] == [200, 401, 401]


def test_an_assertion_that_no_key_of_the_client_signed_is_refused(signer, pairs):
    assert prove(sign(signer, pairs["unknown"])).status_code == 401
    assert prove(sign(signer, pairs["ES384"], kid="unknown")).status_code == 401
    assert prove(sign(signer, pairs["ES384"], kid="RS384")).status_code == 401


def test_the_header_does_not_choose_the_algorithm(signer, pairs):
    """With `none`, or with the public key as the secret of an HMAC, anybody could sign."""
    assert prove(sign(signer, None, "none", kid="RS384")).status_code == 401
    pem = pairs["RS384"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for secret in (pem, json.dumps(signer.jwks[0]).encode(), b"x" * 64):
        forged = _hmac_token(signer, secret)
        assert prove(forged).status_code == 401
    assert prove(sign(signer, pairs["RS384"], "RS256", kid="RS384")).status_code == 401


def _hmac_token(signer, secret):
    """HS256 with any secret: the library refuses to make what attackers do."""
    header = {"alg": "HS256", "kid": "RS384", "typ": "JWT"}
    parts = [header, jwt.decode(sign(signer, b"x" * 64, "HS512"), options={"verify_signature": False})]
    signed = b".".join(jwt.utils.base64url_encode(json.dumps(part).encode()) for part in parts)
    digest = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(signed, secret)
    return (signed + b"." + jwt.utils.base64url_encode(digest)).decode()


def test_no_client_signs_for_another(signer, client, pairs):
    other, _ = client
    assert prove(sign(signer, pairs["ES384"], iss=other.client_id, sub=other.client_id)).status_code == 401
    assert prove(sign(signer, pairs["ES384"], sub=other.client_id)).status_code == 401


def test_an_assertion_opens_no_page_of_the_api(signer, pairs):
    """A token is of another kind: random, and looked up."""
    assertion = sign(signer, pairs["ES384"])
    assert use(assertion).status_code == 401
    assert use(prove(assertion).json()["access_token"]).status_code == 200


def test_who_signs_has_no_secret_that_could_be_guessed(signer):
    for secret in ("", "None", "0" * 64):
        assert ask(_headers=basic(signer.client_id, secret)).status_code == 401


# Of whom


def test_a_secret_is_no_api_key_and_a_key_is_no_secret(client, key):
    made, secret = client
    headers = {"Authorization": f"Api-Key {made.client_id}.{secret}"}
    assert Client().get(MODELS, headers=headers).status_code == 401
    assert ask(_headers=basic(*key.split("."))).status_code == 401


def test_a_client_of_another_hospital_sees_nothing_of_the_clinic(release, post, other_hospital):
    made, secret = issue_client(other_hospital, "Spy", ["read"])
    token = ask(_headers=basic(made.client_id, secret)).json()["access_token"]
    prediction = post(as_body(values_of(0)))["Location"]
    assert use(token, prediction).status_code == 404


@pytest.mark.parametrize("end", ["revoked", "client ended", "token ended"])
def test_a_token_ends_within_a_second_when_its_client_does(client, adam, end):
    made, secret = client
    token = ask(_headers=basic(made.client_id, secret)).json()["access_token"]
    assert use(token).status_code == 200
    if end == "revoked":
        revoke_key(made.key, adam)
    if end == "client ended":
        made.key.expires_at = timezone.now()
        made.key.save()
    if end == "token ended":
        get_access_token_model().objects.update(expires=timezone.now())
    tokens.find_grant.cache_clear()  # or a second later
    refused = use(token)
    assert refused.status_code == 401
    assert refused.json() == Client().get(MODELS).json()


def test_systems_whose_tokens_ended_lock_nobody_out(client):
    made, secret = client
    for number in range(20):
        assert use(f"ended{number}").status_code == 401
    token = ask(_headers=basic(made.client_id, secret)).json()["access_token"]
    assert use(token).status_code == 200


def test_ended_tokens_and_assertions_are_deleted(signer, pairs):
    prove(sign(signer, pairs["ES384"]))
    tokens.forget_expired()
    assert get_access_token_model().objects.exists()
    assert SpentAssertion.objects.exists()
    get_access_token_model().objects.update(expires=timezone.now())
    SpentAssertion.objects.update(expires_at=timezone.now())
    tokens.forget_expired()
    assert not get_access_token_model().objects.exists()
    assert not SpentAssertion.objects.exists()


# From where, and how often


def test_networks_hold_for_the_token_endpoint_and_for_tokens(clinic, adam):
    made, secret = issue_client(clinic, "Analyser", ["read"], networks=["192.0.2.0/24"])
    shown = basic(made.client_id, secret)
    assert ask(ELSEWHERE, shown).status_code == 403
    token = ask(LAB, shown).json()["access_token"]
    assert (use(token).status_code, use(token, address=ELSEWHERE).status_code) == (200, 403)
    OrganisationNetworks.objects.create(organisation=clinic, networks=["198.51.100.0/24"], changed_by=adam)
    networks_of.cache_clear()  # or a second later
    assert (use(token).status_code, ask(LAB, shown).status_code) == (403, 403)


def test_ten_wrong_secrets_close_a_client_for_their_network_only(client):
    made, secret = client
    wrong, right = basic(made.client_id, "wrong"), basic(made.client_id, secret)
    assert [ask(ELSEWHERE, wrong).status_code for _ in range(11)] == [401] * 10 + [429]
    locked = ask(ELSEWHERE, right)
    assert locked.status_code == 429
    assert locked["Content-Type"] == "application/problem+json"
    assert int(locked["Retry-After"]) > 0
    assert ask(LAB, right).status_code == 200
    assert Event.objects.get(action="api_key.guessed").facts["guessed_key"] == str(made.key_id)


def test_a_client_that_fetches_tokens_too_often_waits(client):
    made, secret = client
    RateLimit.objects.filter(kind="token", subject="key").update(requests=1)
    _table.cache_clear()
    answers = [ask(_headers=basic(made.client_id, secret)) for _ in range(2)]
    _table.cache_clear()
    assert [answer.status_code for answer in answers] == [200, 429]
    assert '"token-key";q=1;w=60' in answers[0]["RateLimit-Policy"]


# What administrators do


def test_an_administrator_makes_a_client_whose_secret_is_shown_once(adam, browser_of):
    admin = browser_of(adam)
    sent = {"name": "Analyser", "scopes": ["read"], "lifetime": "30", "networks": ""}
    page = admin.post("/keys/clients/new/", sent)
    made, secret = page.context["client"], page.context["text"]
    assert ask(_headers=basic(made.client_id, secret)).status_code == 200
    listed = admin.get("/keys/").content.decode()
    assert made.client_id in listed
    assert secret not in listed
    assert admin.get(f"/keys/{made.key_id}/replace/").status_code == 404
    assert admin.post(f"/keys/{made.key_id}/revoke/").status_code == 302
    assert ask(_headers=basic(made.client_id, secret)).status_code == 401


def test_an_administrator_makes_a_client_that_signs(adam, browser_of, pairs):
    jwks = json.dumps({"keys": [public(pairs["ES384"], "ES384", "ES384")]})
    sent = {"name": "Signer", "scopes": ["read"], "lifetime": "30", "networks": "", "jwks": jwks}
    page = browser_of(adam).post("/keys/clients/new/", sent)
    assert page.context["text"] == ""
    assert prove(sign(page.context["client"], pairs["ES384"])).status_code == 200


@pytest.mark.parametrize(
    "sent", ["{", "[]", "[" * 20_000, "7", '{"keys": 7}', '[{"kty": "RSA"}]', '[{"kid": "a"}]']
)
def test_what_is_no_public_key_is_refused(sent):
    with pytest.raises(ValidationError):
        parse_keys(sent)


def test_weak_keys_secret_keys_and_keys_of_one_name_are_refused_with_the_reason(pairs):
    good = public(pairs["ES384"], "ES384", "a")
    weak = public(rsa.generate_private_key(65_537, 1_024), "RS384", "b")  # noqa: S505 - on purpose
    curve = public(ec.generate_private_key(ec.SECP256R1()), "ES384", "c")
    leaked = {**jwt.algorithms.ECAlgorithm.to_jwk(pairs["ES384"], as_dict=True), "kid": "d"}
    with pytest.raises(ValidationError) as refused:
        parse_keys(json.dumps([good, weak, curve, leaked, {"kty": "oct", "k": "AA", "kid": "e"}]))
    assert [message[:6] for message in refused.value.messages] == ["Key 2:", "Key 3:", "Key 4:", "Key 5:"]
    assert "secret part" in refused.value.messages[2]
    with pytest.raises(ValidationError, match="same kid"):
        parse_keys(json.dumps([good, good]))


def test_clients_stand_in_the_admin_without_their_secrets(client, browser_of):
    root = browser_of(Person.objects.create_superuser("root@clinic.example"))
    made, _ = client
    page = root.get(f"/admin/accounts/oauthclient/{made.pk}/change/")
    assert page.status_code == 200
    assert made.key.secret_sha256 not in page.content.decode()
    assert OAuthClient.objects.get().client_secret not in page.content.decode()
    assert root.get("/admin/accounts/oauthclient/add/").status_code == 403
