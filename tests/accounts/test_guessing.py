"""Every door that opens for a secret, and what stops whoever guesses at it.

Two things do. Where people choose the secret, or it is short, some wrong ones lock the address that sent
them. Where it has 128 random bits or more, guessing leads nowhere, and a quota keeps it from being a flood.
"""

import ast
from uuid import uuid4

import pytest
from django.contrib.auth import SESSION_KEY
from django.test import Client

from accounts.limit_records import RateLimit
from accounts.limits import _table
from tests.accounts.test_oauth import FORM, LAB, MODELS, client, pairs, prove, sign, signer  # noqa: F401
from tests.accounts.test_permissions import EXPECTED
from tests.accounts.test_second_factor import CODE, code_of, recovery_codes, secret, set_up, with_password  # noqa: F401
from tests.porch.test_asvs import CHECKOUT, named_in

pytestmark = pytest.mark.django_db

PASSWORD, ELSEWHERE = "correct horse battery", "203.0.113.9"
LEFT = "test_second_factor::test_guessing_the_password_of_somebody_who_left_the_screen_locks_too"
LOCKED = {
    "account_login": "test_access::test_five_wrong_passwords_lock_this_address_out_even_for_the_right_one",
    "admin:login": "test_guessing::test_the_door_of_the_admin_takes_no_password_at_all",
    "account_reauthenticate": LEFT,
    "account_change_password": "test_guessing::test_guessing_the_old_password_ends_before_it_begins",
    "mfa_authenticate": "test_second_factor::test_guessing_codes_locks_the_address_that_guesses_and_no_other",
    "mfa_reauthenticate": "test_guessing::test_guessing_the_code_of_somebody_who_left_the_screen_locks_too",
    "api_predict": "test_keys::test_ten_wrong_keys_close_a_prefix_for_their_network_even_for_the_right_key",
    "oauth_token": "test_oauth::test_ten_wrong_secrets_close_a_client_for_their_network_only",
    "oauth_token, signed": "test_guessing::test_ten_wrong_signatures_close_a_client_for_their_network",
}
# Each with a path that guesses, and whether a form does it.
COUNTED = {
    "account_reset_password": ("/accounts/password/reset/", True),
    "account_reset_password_from_key": ("/accounts/password/reset/key/1-{guess}/", False),
    "accept_invitation": ("/invitations/{guess}/", True),
    "mfa_login_webauthn": ("/accounts/2fa/passkeys/login/", True),
    "receipt": ("/receipts/{guess}/" + 64 * "0" + "/", False),
    "sign_in_once": ("/accounts/once/{guess}/", True),
}
# Open to whoever has no session of two factors yet, and no secret opens anything there.
NOTHING_TO_GUESS = {
    "account_logout", "account_reset_password_done", "account_reset_password_from_key_done", "favicon",
    "health", "health_live", "health_ready", "mfa_activate_totp", "mfa_add_webauthn", "mfa_index",
    "oauth_metadata", "policy_reports", "problem", "receipts", "set_language", "smart_configuration",
}  # fmt: skip


def test_every_door_is_named_here():
    open_to_some = {name for name, who in EXPECTED.items() if who & {"nobody", "half"}}
    assert open_to_some - LOCKED.keys() - COUNTED.keys() == NOTHING_TO_GUESS


@pytest.mark.parametrize("test", LOCKED.values(), ids=LOCKED)
def test_what_locks_a_door_is_shown_by_a_test_that_exists(test):
    file, _, name = test.partition("::")
    source = (CHECKOUT / "tests" / "accounts" / f"{file}.py").read_text()
    assert name in named_in(ast.parse(source).body)


@pytest.mark.parametrize("door", COUNTED)
def test_guessing_at_a_long_secret_is_slowed_down_for_the_address_that_guesses(door):
    path, by_form = COUNTED[door]
    RateLimit.objects.filter(kind__in=["sign_in", "public"], subject="address").update(requests=3)
    _table.cache_clear()

    def guess(address):
        visitor = Client(REMOTE_ADDR=address)
        ask = visitor.post if by_form else visitor.get
        return ask(path.format(guess=uuid4())).status_code

    assert [guess(LAB) == 429 for _ in range(5)] == [False, False, False, True, True]
    assert guess(ELSEWHERE) != 429
    _table.cache_clear()


def test_the_door_of_the_admin_takes_no_password_at_all(alice):
    visitor = Client()
    for name in ("username", "login", "email"):
        visitor.post("/admin/login/", {name: alice.email, "password": PASSWORD})
    assert SESSION_KEY not in visitor.session


def test_guessing_the_old_password_ends_before_it_begins(alice, browser_of):
    here, new = browser_of(alice), dict.fromkeys(("password1", "password2"), "battery horse correct")
    tries = [*(f"guess {number}" for number in range(10)), PASSWORD]
    answers = [
        here.post("/accounts/password/change/", {"oldpassword": old, **new}).status_code for old in tries
    ]
    assert answers[-1] == 429
    assert with_password(alice).get("/accounts/2fa/").status_code == 200


def test_guessing_the_code_of_somebody_who_left_the_screen_locks_too(alice, secret):  # noqa: F811
    here = with_password(alice)
    here.post(CODE, {"code": code_of(secret, 1)})
    answers = [here.post("/accounts/2fa/reauthenticate/", {"code": f"00000{number}"}) for number in range(6)]
    assert answers[-1].status_code == 429


def test_ten_wrong_signatures_close_a_client_for_their_network(signer, pairs):  # noqa: F811
    forged = [prove(sign(signer, pairs["unknown"])).status_code for _ in range(11)]
    assert forged == [401] * 10 + [429]
    assert prove(sign(signer, pairs["ES384"])).status_code == 429


@pytest.mark.parametrize("way", ["x.y", "0123456789ab.y"])
def test_every_page_of_the_api_counts_wrong_keys_alike(way):
    paths = ("/api/v1/predict", MODELS, "/api/v1/cohorts", "/api/v1/profiles", "/api/v1/formats")
    header = {"Authorization": f"Api-Key {way}"}
    answers = [Client(REMOTE_ADDR=LAB).get(path, headers=header).status_code for path in paths * 3]
    assert answers == [401] * 10 + [429] * 5
