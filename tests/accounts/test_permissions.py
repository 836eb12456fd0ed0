"""Who reaches which address: every address of the product, with four methods, for everybody who may knock.

An address that has no row here fails. Reached is what was answered otherwise than by a refusal (401, 403,
404, 405), by a way to sign in or to a second factor, or by leading a reader elsewhere.
"""

import io
import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts import guesses, sealer
from accounts.keys import SCOPES, issue_key
from accounts.limit_records import MOST_REQUESTS, RateLimit
from accounts.limits import _table
from accounts.models import ApiKey, Invitation, Person, Role
from accounts.oauth_clients import issue_client
from predictions import cohorts, profiles, submission
from predictions.intake.measurements import Measurement, PanelRequest
from tests.cast import make_person, sign_in
from tests.panels import values_of
from tests.predictions.test_cohorts import SHARED, as_csv, patients
from tests.predictions.test_profiles import reference

pytestmark = pytest.mark.django_db

REFUSED = {401, 403, 404, 405}
DOORS = {
    "/accounts/login/",
    "/accounts/2fa/",
    "/accounts/reauthenticate/",
    "/admin/login/",
    "/admin/",
    "/predictions/new/",
}
CLINIC, OTHERS = frozenset({"alice", "lara", "audrey", "adam"}), frozenset({"charlie", "otto", "olga"})
MEMBERS = CLINIC | OTHERS
PEOPLE = MEMBERS | {"sue"}
STAFF = frozenset({"audrey", "adam", "otto", "olga", "sue"})
KEYS = frozenset({"key", "token", "scopeless", "theirs", "revoked", "expired"})
EVERYBODY = PEOPLE | KEYS | {"nobody", "half"}
METHODS, ALL_METHODS = ("get", "post", "put", "delete"), {"nobody", "adam", "sue", "key"}
ASKING, OTHERS_ASKING = frozenset({"alice", "lara", "adam"}), frozenset({"charlie", "olga"})

ROWS: dict[frozenset[str], str] = {
    EVERYBODY: """favicon health health_live health_ready policy_reports set_language problem receipts
        receipt sign_in_once accept_invitation account_logout account_reset_password
        account_reset_password_done account_reset_password_from_key_done oauth_token oauth_metadata
        smart_configuration""",
    EVERYBODY - PEOPLE - {"half"}: "account_login",
    PEOPLE | {"half"}: "mfa_index mfa_activate_totp mfa_add_webauthn",
    (PEOPLE | {"half"}) - {"sue"}: "account_reauthenticate",
    PEOPLE: "organisation sessions account_change_password mfa_generate_recovery_codes mfa_list_webauthn",
    MEMBERS: """predictions example_panel formats format_sample cohorts models model_card model_card_file
        profiles""",
    ASKING | OTHERS_ASKING: "new_prediction",
    frozenset({"lara", "adam", "olga"}): "new_profile",
    frozenset({"adam", "olga"}): "people withdraw_invitation keys new_key new_client networks",
    CLINIC: """prediction second_reading prediction_receipt prediction_report cohort cohort_progress
        cohort_problems profile""",
    ASKING: "review_prediction cancel_cohort cohort_again",
    frozenset({"adam"}): "person reset_second_factor replace_key revoke_key",
    STAFF: """admin:index admin:password_change admin:password_change_done admin:logout
        admin:predictions_release_changelist admin:predictions_release_history
        admin:predictions_release_change admin:accounts_event_changelist admin:accounts_event_search
        admin:accounts_event_charts admin:accounts_event_verifications admin:accounts_event_verify
        admin:jsi18n admin:login admin:""",
    STAFF - {"sue"}: """admin:predictions_case_find admin:predictions_retention
        admin:predictions_erasurerequest_changelist""",
    frozenset({"audrey", "adam"}): "admin:predictions_case admin:predictions_case_export",
    frozenset({"audrey", "adam", "sue"}): "admin:accounts_event_change admin:accounts_event_receipt",
    frozenset({"sue"}): """admin:predictions_prediction_changelist admin:predictions_prediction_history
        admin:predictions_prediction_change admin:auth_user_password_change
        admin:accounts_person_changelist admin:accounts_person_add admin:accounts_person_history
        admin:accounts_person_change admin:accounts_organisation_changelist
        admin:accounts_organisation_add admin:accounts_organisation_history
        admin:accounts_organisation_change admin:accounts_apikey_changelist
        admin:accounts_apikey_history admin:accounts_apikey_change
        admin:accounts_oauthclient_changelist admin:accounts_oauthclient_history
        admin:accounts_oauthclient_change admin:accounts_ratelimit_changelist
        admin:accounts_ratelimit_history admin:accounts_ratelimit_change""",
    frozenset({"key", "token", "theirs"}): """api_predict api_predictions api_search api_cohorts
        api_models api_model_card api_profiles api_checkpoint api_consistency""",
    frozenset({"key", "token", "theirs", "scopeless"}): "api_formats api_format_sample",
    frozenset({"key", "token"}): """api_cohort api_cohort_results api_cohort_problems api_cancel_cohort
        api_prediction api_receipt api_report api_profile""",
    # There is nothing behind them in this cast, or never; that nobody gets in by them is tried all the same.
    frozenset(): """home admin:app_list admin:autocomplete admin:predictions_case_decide
        admin:predictions_erasurerequest_add admin:predictions_erasurerequest_history
        admin:predictions_erasurerequest_delete admin:predictions_erasurerequest_change
        admin:predictions_release_step admin:predictions_release_add admin:predictions_release_delete
        admin:predictions_prediction_add admin:predictions_prediction_delete
        admin:accounts_event_export admin:accounts_event_verification admin:accounts_person_delete
        admin:accounts_organisation_delete admin:accounts_apikey_add admin:accounts_apikey_delete
        admin:accounts_oauthclient_add admin:accounts_oauthclient_delete admin:accounts_ratelimit_add
        admin:accounts_ratelimit_delete
        account_reset_password_from_key act_for compare_prediction patient_page cohort_annotated
        cohort_results mfa_authenticate mfa_deactivate_totp mfa_view_recovery_codes mfa_remove_webauthn
        mfa_reauthenticate mfa_reauthenticate_webauthn mfa_login_webauthn
        sign_in_by_provider prove_by_provider provider_answer""",
}  # fmt: skip
EXPECTED = {name: who for who, names in ROWS.items() for name in names.split()}


def addresses(resolver: Any = None, prefix: str = "", namespace: str = "") -> Iterator[tuple[str, str]]:
    """The full name and the route of every address."""
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from addresses(entry, prefix + str(entry.pattern), inner)
        elif isinstance(entry, URLPattern):
            yield f"{namespace}{entry.name or ''}", prefix + str(entry.pattern)


@pytest.fixture
def given(release, alice, adam, clinic, alice_acting):
    """What the addresses name: all of it is the clinic's."""
    panel = tuple(Measurement(*item) for item in values_of(0).items())
    prediction = submission.submit_panel(
        PanelRequest(panel, "log2_intensity", case_reference="P-0042"), alice_acting
    )
    cohort = cohorts.start_cohort(io.BytesIO(as_csv(patients(5))), SHARED, alice_acting)
    invitation = Invitation.objects.create(
        organisation=clinic,
        email="nina@clinic.example",
        role="lab",
        invited_by=adam,
        token_sha256="0" * 64,
        expires_at=timezone.now() + timedelta(days=1),
    )
    sealer.seal_waiting(everything=True)
    return {
        "prediction_id": prediction.id,
        "cohort_id": cohort.id,
        "profile_id": profiles.learn_profile(reference(), alice_acting).id,
        "event_id": prediction.event_id,
        "leaf": bytes(prediction.event.leaf).hex(),
        "organisation_id": clinic.id,
        "key_id": prediction.case_key_id,
        "name": release.name,
        "version": release.version,
        "release_id": release.id,
        "person_id": alice.id,
        "id": alice.id,
        "invitation_id": invitation.id,
        "api_key_id": issue_key(clinic, "one", SCOPES)[0].id,
        "oauthclient_id": issue_client(clinic, "client", SCOPES)[0].id,
        "ratelimit_id": RateLimit.objects.values_list("id", flat=True).first(),
        "code": "gct",
        "kind": "json",
        "slug": "bad-request",
        "pk": 1,
    }


@pytest.fixture(autouse=True)
def _let_knock(db, monkeypatch):
    """Whoever knocks a thousand times is not told to wait."""
    RateLimit.objects.update(requests=MOST_REQUESTS)
    _table.cache_clear()
    monkeypatch.setattr(guesses, "MOST_OF_ONE_KEY", MOST_REQUESTS)
    monkeypatch.setattr(guesses, "MOST_OF_A_NETWORK", MOST_REQUESTS)
    yield
    _table.cache_clear()


@pytest.fixture
def cast(given, alice, audrey, adam, charlie, clinic, other_hospital):
    """Everybody who may knock, by the cookies or the key that they come with."""
    people = {
        "alice": alice,
        "lara": make_person("lara", clinic, Role.LAB),
        "audrey": audrey,
        "adam": adam,
        "sue": Person.objects.create_superuser("sue@clinic.example", name="Sue"),
        "charlie": charlie,
        "otto": make_person("otto", other_hospital, Role.AUDITOR),
        "olga": make_person("olga", other_hospital, Role.ADMIN),
    }
    half = Client(raise_request_exception=False)
    half.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    clients = {"nobody": Client(raise_request_exception=False), "half": half}
    clients |= {
        name: sign_in(Client(raise_request_exception=False), person) for name, person in people.items()
    }
    texts = {name: issue_key(clinic, name, SCOPES)[1] for name in ("key", "revoked", "expired")}
    texts["scopeless"] = issue_key(clinic, "scopeless", [])[1]
    texts["theirs"] = issue_key(other_hospital, "theirs", SCOPES)[1]
    ApiKey.objects.filter(name="revoked").update(revoked_at=timezone.now())
    ApiKey.objects.filter(name="expired").update(expires_at=timezone.now())
    for name, text in texts.items():
        headers = {"Authorization": f"Api-Key {text}"}
        clients[name] = Client(raise_request_exception=False, headers=headers)
    clients["token"] = Client(
        raise_request_exception=False, headers={"Authorization": f"Bearer {_token(clinic)}"}
    )
    return clients


def _token(organisation):
    client, secret = issue_client(organisation, "fetcher", SCOPES)
    basic = b64encode(f"{client.client_id}:{secret}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}"}
    form = "application/x-www-form-urlencoded"
    answer = Client().post(
        "/oauth/token", "grant_type=client_credentials", content_type=form, headers=headers
    )
    return answer.json()["access_token"]


def path_of(name: str, route: str, given: dict[str, Any]) -> str:
    """An address with what it names put in; where nothing of the clinic's fits, what is nobody's."""
    objects = {"person": "person_id", "organisation": "organisation_id", "release": "release_id"}
    model = name.rpartition("_")[0].rpartition("_")[2]
    named = {**given, "object_id": given.get(objects.get(model, f"{model}_id"), "x")}
    if model == "apikey":
        named["object_id"] = ApiKey.objects.filter(name="key").get().id
    path = re.sub(r"<(?:(\w+):)?(\w+)>", lambda found: str(named.get(found[2], _nobodys(found[1]))), route)
    return "/" + re.sub(r"\(\?P<\w+>[^)]*\)", "x", path).strip("^$").replace("^", "").replace("$", "")


def _nobodys(kind: str | None) -> str:
    return "01890000-0000-7000-8000-000000000000" if kind == "uuid" else "x"


def reaches(client: Client, path: str, methods: Sequence[str]) -> bool:
    """Whether any method gets somewhere. Whatever it did is undone."""
    for method in methods:
        cookies = {name: morsel.value for name, morsel in client.cookies.items()}
        with transaction.atomic():
            answer = getattr(client, method)(path)
            transaction.set_rollback(True)
        client.cookies.clear()
        client.cookies.load(cookies)
        assert answer.status_code < 500, (method, path, answer.status_code)
        if answer.status_code not in REFUSED and not _leads_elsewhere(method, path, answer):
            return True
    return False


def _leads_elsewhere(method: str, path: str, answer: Any) -> bool:
    there = answer.headers.get("Location", "").partition("?")[0]
    return bool(there) and (method != "post" or (there in DOORS and there != path))


def test_every_address_is_reached_by_those_it_should_be_and_by_nobody_else(given, cast):
    found: dict[str, set[str]] = {}
    for name, route in addresses():
        path = path_of(name, route, given)
        for who, client in cast.items():
            if reaches(client, path, METHODS if who in ALL_METHODS else METHODS[:2]):
                found.setdefault(name, set()).add(who)
            found.setdefault(name, set())
    assert found.keys() == EXPECTED.keys(), "an address without a row, or a row without an address"
    wrong = {
        name: {"too many": sorted(who - EXPECTED[name]), "too few": sorted(EXPECTED[name] - who)}
        for name, who in found.items()
        if who != EXPECTED[name]
    }
    assert wrong == {}, "\n".join(f"{name}: {what}" for name, what in wrong.items())
