"""Whatever stands in an address of the admin, the answer is never a 500."""

from urllib.parse import quote

import pytest
from django.contrib import admin

from accounts import ledger
from accounts.models import Person

pytestmark = pytest.mark.django_db

LISTS = (
    "/admin/accounts/event/",
    "/admin/accounts/person/",
    "/admin/accounts/organisation/",
    "/admin/accounts/apikey/",
    "/admin/predictions/release/",
    "/admin/predictions/prediction/",
)
HOSTILE = (
    "q=%00",
    "%00=1",
    "id=%00",
    "id__regex=(",
    "action__regex=(a%2B)%2B$",
    "name__iregex=[",
    "email__startswith=%00",
    "id__gte=99999-01-01",
    "id__gte=00000000-0000-7000-8000-000000000000",
    "id__lt=ffffffff-ffff-0000-0000-00000000000g",
    "recorded_us__year=999999999999",
    "created_at__year=0",
    "body=x",
    "body__contains=x",
    "body__length=1",
    "case=%00",
    "case=" + "a" * 64 + ",%00",
    "person__password__startswith=a",
    "person__id__exact=x",
    "person=x",
    "since=2026-02-30T12:00",
    "since=2999-12-31T23:59",
    "until=2000-01-01T00:00",
    "before=x",
    "after=ffffffff-ffff-ffff-ffff-ffffffffffff",
    "before=00000000-0000-0000-0000-000000000000",
    "release=a 9",
    "is_active__exact=x",
    "is_active__exact=%00",
    "o=99999999999999999999999",
    "o=x.y",
    "p=99999999999999999999999",
    "p=%00",
    "p=x",
    "all=%00",
    "_to_field=%00",
    "_to_field=body",
    "_popup=%00",
    "e=%00",
    "_facets=%00",
    "panel__a__b=1",
    "result__0=%00",
    "\udcff=1",
)


@pytest.fixture
def root(browser_of):
    client = browser_of(Person.objects.create_superuser("root@clinic.example", name="Root"))
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize("query", HOSTILE)
def test_no_query_of_a_list_is_a_500(root, alice, query):
    for path in LISTS:
        assert root.get(f"{path}?{quote(query, safe='=%&', errors='surrogateescape')}").status_code < 500, (
            path
        )


def test_an_auditor_may_not_filter_by_what_the_search_does_not_ask(audrey, browser_of):
    client = browser_of(audrey)
    for query in ("person__email__startswith=a", "person__password__regex=.", "body__contains=x", "p=1"):
        assert client.get(f"/admin/accounts/event/?{query}").status_code == 400


@pytest.mark.parametrize("path", LISTS[1:])
def test_every_link_of_a_list_leads_somewhere(root, alice, release, path):
    page = root.get(path)
    assert page.status_code == 200
    for spec in page.context["cl"].filter_specs:
        for choice in spec.choices(page.context["cl"]):
            assert root.get(path + choice["query_string"]).status_code == 200


def test_people_are_searched_and_filtered(root, alice):
    assert "alice@" in root.get("/admin/accounts/person/?q=alice").content.decode()
    assert "alice@" not in root.get("/admin/accounts/person/?is_active__exact=0").content.decode()


@pytest.mark.parametrize(
    "path",
    [
        "r/1/1/",
        "r/x/%00/",
        "auth/group/",
        "account/emailaddress/",
        "axes/accessattempt/",
        "accounts/person/%00/change/",
        "accounts/person/x/password/",
        "accounts/event/%00/change/",
        "autocomplete/?app_label=accounts&model_name=membership&field_name=person&term=%00",
        "autocomplete/?app_label=%00",
        "accounts/person/add/?email=%00",
        "jsi18n/?%00",
    ],
)
def test_no_other_address_is_a_500(root, path):
    assert root.get(f"/admin/{path}").status_code < 500


def test_what_the_libraries_keep_is_not_in_the_admin():
    labels = {model._meta.app_label for model in admin.site._registry}
    assert labels == {"accounts", "predictions"}


@pytest.mark.parametrize(
    "search",
    [
        {"until": "9999-12-31T23:59"},
        {"since": "0001-01-01"},
        {"since": "2026-02-30T12:00"},
        {"key": "\0"},
        {"key": "x" * 101},
        {"organisation": "x"},
        {"kept_case": "x"},
        {"person": "al\u0131ce@clinic.example"},
        {"person": "nobody@clinic.example"},
        {"action": "a%' OR 1=1"},
        {"action": "\0"},
        {"release": "\0"},
        {"case": "\0"},
        {"case": "x" * 101},
    ],
)
def test_no_search_is_a_500(root, audrey, browser_of, alice_acting, search):
    ledger.record("test.happened", alice_acting)
    for client in (root, browser_of(audrey)):
        response = client.post("/admin/accounts/event/search/", search, follow=True)
        assert response.status_code in {200, 422}


def test_who_may_not_read_may_not_search_either(clinic, browser_of):
    helper = Person.objects.create_user("helper@clinic.example", is_staff=True)
    response = browser_of(helper).post("/admin/accounts/event/search/", {"case": "P-0042"})
    assert response.status_code == 403
