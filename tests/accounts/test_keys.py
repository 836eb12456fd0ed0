"""API keys: what administrators do with them, who guesses at them, and from where they may be used."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import guesses, keys
from accounts.doors import admit_key, networks_of
from accounts.keys import KeyRefused, find_key, issue_key, rotate_key
from accounts.limit_records import Kind, RateLimit
from accounts.limits import _table
from accounts.models import ApiKey, Event, Person, Role
from accounts.network_records import OrganisationNetworks
from tests.cast import make_person

pytestmark = pytest.mark.django_db

MODELS, KEYS = "/api/v1/models", "/keys/"
LAB, ELSEWHERE, THIRD = "192.0.2.7", "203.0.113.9", "198.51.100.3"
NEW = {"name": "Analyser", "scopes": ["predict", "read"], "lifetime": "90", "networks": "192.0.2.0/24"}


def ask(text, address=LAB, **headers):
    headers = {"Authorization": f"Api-Key {text}", **headers}
    return Client(REMOTE_ADDR=address).get(MODELS, headers=headers)


def guess(prefix, address, times=guesses.MOST_OF_ONE_KEY):
    """As the API counts a wrong key, without what else it does to answer."""
    for _ in range(times):
        guesses.count_guess(prefix, address)


@pytest.fixture
def limit():
    """Set a rate limit for the test."""

    def set_limit(kind, subject, requests):
        RateLimit.objects.filter(kind=kind, subject=subject).update(requests=requests)
        _table.cache_clear()

    yield set_limit
    _table.cache_clear()


@pytest.fixture
def admin(adam, browser_of):
    return browser_of(adam)


# What administrators do


def test_a_new_key_is_shown_once_and_works(admin, clinic, adam):
    page = admin.post(f"{KEYS}new/", NEW)
    text = page.context["text"]
    assert text in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    key = find_key(text)
    assert (key.organisation, key.issued_by, key.networks) == (clinic, adam, ["192.0.2.0/24"])
    assert timedelta(days=89) < key.expires_at - timezone.now() < timedelta(days=90)
    assert text.partition(".")[2] not in admin.get(KEYS).content.decode()
    assert Event.objects.get(action="api_key.issued").person == adam


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": ""}, "required"),
        ({"name": "x" * 101}, "at most 100"),
        ({"scopes": []}, "required"),
        ({"scopes": ["predict", "admin"]}, "admin is not one of the available choices"),
        ({"lifetime": "366"}, "less than or equal to 365"),
        ({"lifetime": "0"}, "greater than or equal to 1"),
        ({"lifetime": "9" * 5_000}, "Enter a whole number"),
        ({"networks": "10.1.1.1/8"}, "Did you mean 10.0.0.0/8?"),
        ({"networks": "x" * 6_000}, "at most 5000"),
        ({"name": "a\0b"}, "Null characters"),
    ],
)
def test_a_key_that_cannot_be_is_refused_with_the_reason(admin, change, said):
    page = admin.post(f"{KEYS}new/", {**NEW, **change})
    assert page.status_code == 422
    assert said in page.content.decode()
    assert not ApiKey.objects.exists()


def test_a_replaced_key_goes_on_for_its_days_and_then_ends(admin, clinic):
    old, old_text = issue_key(clinic, "Analyser", ["read"], networks=["192.0.2.0/24"])
    page = admin.post(f"{KEYS}{old.id}/replace/", {"overlap": "7", "lifetime": "365"})
    new = find_key(page.context["text"])
    assert (new.scopes, new.networks, new.name, new.replaces) == (old.scopes, old.networks, old.name, old)
    assert find_key(old_text).expires_at - timezone.now() < timedelta(days=7)
    event = Event.objects.get(action="api_key.rotated")
    assert event.facts["rotated_key"] == str(old.id)
    page = admin.post(f"{KEYS}{old.id}/replace/", {"overlap": "0", "lifetime": "365"})
    find_key.cache_clear()
    with pytest.raises(KeyRefused):
        find_key(old_text)


def test_an_overlap_never_makes_a_key_live_longer(clinic, adam):
    old, _ = issue_key(clinic, "Short", ["read"], lifetime=timedelta(days=1))
    rotate_key(old, adam, lifetime=timedelta(days=9), overlap=timedelta(days=30))
    old.refresh_from_db()
    assert old.expires_at < timezone.now() + timedelta(days=1)


def test_no_overlap_is_longer_than_thirty_days(admin, clinic):
    old, _ = issue_key(clinic, "Analyser", ["read"])
    assert admin.post(f"{KEYS}{old.id}/replace/", {"overlap": "31", "lifetime": "9"}).status_code == 422


def test_a_key_is_revoked_only_after_its_name_was_shown_and_confirmed(admin, clinic):
    key, text = issue_key(clinic, "Analyser", ["read"])
    path = f"{KEYS}{key.id}/revoke/"
    assert "Analyser" in admin.get(path).content.decode()
    assert ask(text).status_code == 200
    assert admin.post(path, follow=True).status_code == 200
    find_key.cache_clear()  # or a second later
    assert ask(text).status_code == 401
    assert Event.objects.get(action="api_key.revoked").facts["revoked_key"] == str(key.id)
    assert admin.get(path).status_code == admin.get(f"{KEYS}{key.id}/replace/").status_code == 404


def test_the_page_warns_of_a_key_that_ends_within_a_fortnight(admin, clinic):
    issue_key(clinic, "Soon", ["read"], lifetime=timedelta(days=13))
    issue_key(clinic, "Later", ["read"], lifetime=timedelta(days=15))
    ending = admin.get(KEYS).context["ending"]
    assert [each.key.name for each in ending] == ["Soon"]


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.LAB, Role.AUDITOR, None])
def test_for_everybody_but_the_organisations_administrator_there_is_no_such_page(
    role, clinic, other_hospital, browser_of
):
    """None: an administrator, but of another hospital."""
    key, _ = issue_key(clinic, "Analyser", ["read"])
    client = browser_of(make_person("eve", clinic if role else other_hospital, role or Role.ADMIN))
    pages = [f"{KEYS}{key.id}/replace/", f"{KEYS}{key.id}/revoke/"]
    if role:
        pages += [f"{KEYS}new/", "/organisation/networks/"]
        assert client.get(KEYS).status_code == 404
    else:
        assert "Analyser" not in client.get(KEYS).content.decode()
    for page in pages:
        assert client.get(page).status_code == client.post(page, NEW).status_code == 404, page
    key.refresh_from_db()
    assert key.revoked_at is None
    assert ApiKey.objects.count() == 1


def test_when_a_key_was_used_last_is_known_within_a_minute_and_costs_no_request_anything(
    clinic, django_assert_num_queries
):
    key, text = issue_key(clinic, "Analyser", ["read"])
    ask(text)
    find_key(text)
    with django_assert_num_queries(0):
        admit_key(key, Kind.READ, LAB)
    assert keys.note_last_uses() == 1
    key.refresh_from_db()
    assert key.last_used_at
    assert timezone.now() - key.last_used_at < timedelta(seconds=10)


# Who guesses


def test_ten_wrong_keys_close_a_prefix_for_their_network_even_for_the_right_key(clinic):
    key, text = issue_key(clinic, "Analyser", ["read"])
    assert [ask(f"{key.prefix}.wrong", ELSEWHERE).status_code for _ in range(10)] == [401] * 10
    for attempt in (f"{key.prefix}.wrong", text):
        refused = ask(attempt, ELSEWHERE)
        assert refused.status_code == 429
        assert refused["Content-Type"] == "application/problem+json"
        assert 0 < int(refused["Retry-After"]) <= guesses.WINDOW_SECONDS
    event = Event.objects.get(action="api_key.guessed")
    assert (event.organisation, event.facts["guessed_key"]) == (clinic, str(key.id))


def test_nobody_locks_a_laboratory_out_by_sending_its_prefix_from_elsewhere(clinic):
    key, text = issue_key(clinic, "Analyser", ["read"])
    for number in range(9):
        guess(key.prefix, f"203.0.113.{number}", 9)
    assert ask(text, LAB).status_code == 200
    assert Event.objects.get(action="api_key.guessed").organisation == clinic  # of all networks together


def test_one_system_with_an_old_key_does_not_lock_its_neighbours_out(clinic):
    old, _ = issue_key(clinic, "Old", ["read"])
    _, text = issue_key(clinic, "Analyser", ["read"])
    guess(old.prefix, LAB, 100)
    assert ask(text, LAB).status_code == 200


def test_a_network_that_tries_many_prefixes_is_closed_whole(clinic):
    _, text = issue_key(clinic, "Analyser", ["read"])
    for number in range(guesses.MOST_OF_A_NETWORK):
        guess(f"{number:012x}", ELSEWHERE, 1)
    assert ask(text, ELSEWHERE).status_code == 429
    assert ask(text, LAB).status_code == 200


def test_a_whole_ipv6_network_guesses_as_one(clinic):
    key, text = issue_key(clinic, "Analyser", ["read"])
    for number in range(10):
        guess(key.prefix, f"2001:db8::{number:x}", 1)
    assert ask(text, "2001:db8::ffff").status_code == 429
    assert ask(text, "2001:db8:0:1::1").status_code == 200


def test_a_forged_header_does_not_make_a_guesser_somebody_else(clinic):
    key, text = issue_key(clinic, "Analyser", ["read"])
    for number in range(10):
        ask(f"{key.prefix}.x", ELSEWHERE, **{"X-Forwarded-For": f"10.0.0.{number}"})
    assert ask(text, ELSEWHERE, **{"X-Forwarded-For": LAB}).status_code == 429


def test_requests_without_any_key_lock_nobody_out(clinic):
    _, text = issue_key(clinic, "Analyser", ["read"])
    for _ in range(11):
        assert Client(REMOTE_ADDR=LAB).get(MODELS).status_code == 401
    assert ask(text, LAB).status_code == 200


# From where


@pytest.mark.parametrize(
    ("address", "status"),
    [(LAB, 200), (f"::ffff:{LAB}", 200), (ELSEWHERE, 403), ("2001:db8::1", 403)],
)
def test_a_key_is_used_from_its_networks_only(clinic, address, status):
    _, text = issue_key(clinic, "Analyser", ["read"], networks=["192.0.2.0/24"])
    answer = ask(text, address)
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["type"] == "/problems/network-refused/"
        assert Client().get("/problems/network-refused/").status_code == 200


def test_a_forged_header_leads_into_no_network(clinic, settings):
    _, text = issue_key(clinic, "Analyser", ["read"], networks=["192.0.2.0/24"])
    assert ask(text, ELSEWHERE, **{"X-Forwarded-For": LAB}).status_code == 403
    settings.TRUSTED_PROXIES = 1
    assert ask(text, THIRD, **{"X-Forwarded-For": f"{LAB}, {ELSEWHERE}"}).status_code == 403
    assert ask(text, THIRD, **{"X-Forwarded-For": f"{ELSEWHERE}, {LAB}"}).status_code == 200


def test_a_refused_network_is_on_record_once_an_hour(clinic):
    _, text = issue_key(clinic, "Analyser", ["read"], networks=["192.0.2.0/24"])
    for _ in range(5):
        ask(text, ELSEWHERE)
    event = Event.objects.get(action="network.refused")
    assert (str(event.api_key)[:8], event.facts["network_address"]) == ("Analyser", ELSEWHERE)


def test_an_organisations_list_holds_for_its_people_and_its_keys(clinic, adam, alice, charlie, browser_of):
    OrganisationNetworks.objects.create(organisation=clinic, networks=["192.0.2.0/24"], changed_by=adam)
    _, text = issue_key(clinic, "Analyser", ["read"])
    assert (ask(text, LAB).status_code, ask(text, ELSEWHERE).status_code) == (200, 403)
    reader, stranger = browser_of(alice), browser_of(charlie)
    page = reader.get("/predictions/", REMOTE_ADDR=ELSEWHERE)
    assert page.status_code == 403
    assert ELSEWHERE in page.content.decode()
    assert reader.get("/predictions/", REMOTE_ADDR=LAB).status_code == 200
    assert stranger.get("/predictions/", REMOTE_ADDR=ELSEWHERE).status_code == 200
    assert reader.post("/accounts/logout/", REMOTE_ADDR=ELSEWHERE).status_code == 302


def test_an_administrator_is_not_locked_out_by_mistake(admin, clinic):
    page = admin.post("/organisation/networks/", {"networks": "192.0.2.0/24"}, REMOTE_ADDR=ELSEWHERE)
    assert page.status_code == 422
    assert ELSEWHERE in page.content.decode()
    assert networks_of(clinic.id) == []
    sent = {"networks": "192.0.2.0/24", "lock_me_out": "on"}
    assert admin.post("/organisation/networks/", sent, REMOTE_ADDR=ELSEWHERE).status_code == 302
    networks_of.cache_clear()
    assert admin.get("/organisation/networks/", REMOTE_ADDR=ELSEWHERE).status_code == 403
    assert "192.0.2.0/24" in admin.get("/organisation/networks/", REMOTE_ADDR=LAB).content.decode()
    assert Event.objects.get(action="networks.changed").facts["networks"] == ["192.0.2.0/24"]


def test_the_admin_opens_only_from_the_networks_of_the_operator(settings, audrey, browser_of):
    settings.ADMIN_NETWORKS = ["192.0.2.0/24"]
    auditor = browser_of(audrey)
    assert auditor.get("/admin/", REMOTE_ADDR=LAB).status_code == 200
    assert auditor.get("/admin/", REMOTE_ADDR=ELSEWHERE).status_code == 403
    assert Client().get("/admin/login/", REMOTE_ADDR=ELSEWHERE).status_code == 403
    assert auditor.get("/predictions/", REMOTE_ADDR=ELSEWHERE).status_code == 200
    assert Event.objects.filter(action="network.refused").count() == 1


# How often


def test_the_api_tells_how_the_quotas_stand_and_when_to_come_again(clinic, limit):
    limit("read", "key", 2)
    _, text = issue_key(clinic, "Analyser", ["read"])
    first = ask(text)
    assert '"read-key";q=2;w=60' in first["RateLimit-Policy"]
    assert '"read-key";r=1;t=30' in first["RateLimit"]
    ask(text)
    refused = ask(text)
    assert refused.status_code == 429
    assert refused["Content-Type"] == "application/problem+json"
    assert refused["Retry-After"] == "30"
    assert '"read-key";r=0;t=60' in refused["RateLimit"]
    _, another = issue_key(clinic, "Another", ["read"])
    assert ask(another).status_code == 200
    assert not Event.objects.filter(action="request.refused").exists()


@pytest.mark.parametrize("subject", ["organisation", "address"])
def test_several_keys_share_the_quota_of_their_organisation_and_address(clinic, limit, subject):
    limit("read", subject, 2)
    texts = [issue_key(clinic, f"Key {number}", ["read"])[1] for number in range(3)]
    assert [ask(text).status_code for text in texts] == [200, 200, 429]


def test_somebody_who_reads_too_fast_gets_a_page_that_says_so(alice, adam, browser_of, limit):
    limit("read", "person", 2)
    reader = browser_of(alice)
    assert [reader.get("/predictions/").status_code for _ in range(3)] == [200, 200, 429]
    page = reader.get("/predictions/")
    assert page["Retry-After"] == "30"
    assert "Wait 30 seconds" in page.content.decode()
    assert browser_of(adam).get("/predictions/").status_code == 200


@pytest.mark.parametrize(
    ("kind", "path"), [("sign_in", "/accounts/login/"), ("public", "/receipts/"), ("public", "/predictions/")]
)
def test_pages_for_everybody_are_counted_by_address(limit, kind, path):
    limit(kind, "address", 1)
    assert [Client().get(path).status_code == 429 for _ in range(2)] == [False, True]
    assert Client(REMOTE_ADDR=ELSEWHERE).get(path).status_code != 429


def test_a_limit_is_changed_in_the_admin_and_on_record(browser_of, clinic):
    root = browser_of(Person.objects.create_superuser("root@clinic.example"))
    limit = RateLimit.objects.get(kind="read", subject="key")
    path = f"/admin/accounts/ratelimit/{limit.pk}/change/"
    assert root.post(path, {"requests": "0", "seconds": "60"}).status_code == 200
    assert root.post(path, {"requests": "7", "seconds": "60"}).status_code == 302
    _table.cache_clear()  # or three seconds later
    _, text = issue_key(clinic, "Analyser", ["read"])
    assert '"read-key";q=7;w=60' in ask(text)["RateLimit-Policy"]
    assert Event.objects.get(action="limit.changed").facts["requests"] == 7
    _table.cache_clear()
