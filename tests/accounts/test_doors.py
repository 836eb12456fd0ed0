"""The pages of an account: which are served, to which spelling of an address, and to whom they say no."""

import re

import pytest
from axes.models import AccessAttempt
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client, RequestFactory

from accounts.models import Membership, Organisation, Person
from accounts.network import client_address

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
LOGIN = "/accounts/login/"
LOOK_ALIKES = ("ALiCE@clinic.example", "al\u0131ce@clinic.example", "alice@cl\u0131nic.example")
KELVIN_AND_LONG_S = ("\u212aarl@clinic.example", "karl\u017f@clinic.example")


def sign_in(address, password=PASSWORD, **origin):
    return Client(**origin).post(LOGIN, {"login": address, "password": password})


@pytest.mark.parametrize("address", [*LOOK_ALIKES[1:], *KELVIN_AND_LONG_S])
def test_an_address_that_only_looks_alike_signs_nobody_in(alice, clinic, address):
    Person.objects.create_user("karl@clinic.example", PASSWORD)
    Person.objects.create_user("karls@clinic.example", PASSWORD)
    response = sign_in(address)
    assert response.status_code == 200
    assert "login" in response.context["form"].errors
    with pytest.raises(Person.DoesNotExist):
        Person.objects.get_by_natural_key(address)


def test_every_spelling_of_an_address_is_counted_as_one(alice):
    for spelling in ("alice@clinic.example", "ALICE@CLINIC.EXAMPLE", " Alice@clinic.example ") * 2:
        sign_in(spelling, "wrong")
    assert set(AccessAttempt.objects.values_list("username", flat=True)) == {"alice@clinic.example"}
    assert sign_in("aLICE@clinic.example").status_code == 429


@pytest.mark.parametrize(
    "address", ["\u212aarl@clinic.example", "karl\u017f@clinic.example", "kärl@clinic.example"]
)
def test_no_account_gets_an_address_beyond_ascii(address):
    with pytest.raises(ValidationError):
        Person(email=address, name="Karl").full_clean(exclude=["password"])
    with pytest.raises((ValidationError, IntegrityError)), transaction.atomic():
        Person.objects.bulk_create([Person(email=address)])


def test_an_address_is_kept_in_lower_case(db):
    person = Person(email="Karl@Clinic.Example")
    person.full_clean(exclude=["password"])
    assert person.email == "karl@clinic.example"
    with pytest.raises(IntegrityError), transaction.atomic():
        Person.objects.bulk_create([Person(email="Karl@Clinic.Example")])


@pytest.mark.parametrize(
    "path", ["login/", "password/reset/", "password/reset/done/", "password/reset/key/done/"]
)
def test_these_pages_are_served_to_everybody(path):
    assert Client().get(f"/accounts/{path}").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "",
        "email/",
        "signup/",
        "confirm-email/",
        "confirm-email/MQ:1abc:xyz/",
        "password/set/",
        "inactive/",
        "login/code/confirm/",
        "3rdparty/",
        "3rdparty/signup/",
        "oidc/clinic/login/",
        "oidc/clinic/login/callback/",
    ],
)
def test_every_other_page_of_the_library_is_not_there(alice, browser_of, path):
    for client in (Client(), browser_of(alice)):
        assert client.get(f"/accounts/{path}").status_code == 404
        assert (
            client.post(f"/accounts/{path}", {"email": "eve@evil.example", "action_add": ""}).status_code
            == 404
        )
    assert Person.objects.get().email == "alice@clinic.example"


def test_a_password_is_changed_and_the_old_one_is_void(alice, browser_of):
    new = "battery horse correct"
    form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert browser_of(alice).post("/accounts/password/change/", form).status_code == 302
    assert sign_in(alice.email).status_code == 200
    assert sign_in(alice.email, new).status_code == 302


def test_somebody_without_a_password_is_told_how_to_get_one(clinic, browser_of):
    newcomer = Person.objects.create_user("newcomer@clinic.example")
    page = browser_of(newcomer).get("/accounts/password/change/")
    assert page.status_code == 200
    assert "/accounts/password/reset/" in page.content.decode()


def test_a_forgotten_password_is_set_anew_by_mail(alice):
    Client().post("/accounts/password/reset/", {"email": "ALICE@clinic.example"})
    (message,) = mail.outbox
    link = next(word for word in message.body.split() if "/password/reset/key/" in word)
    client = Client()
    form = client.get(link.partition("testserver")[2], follow=True)
    new = "battery horse correct"
    response = client.post(form.redirect_chain[-1][0], {"password1": new, "password2": new})
    assert response.status_code == 302
    assert sign_in(alice.email, new).status_code == 302


@pytest.mark.parametrize(
    "address", ["nobody@clinic.example", "al\u0131ce@clinic.example", "former@clinic.example"]
)
def test_no_mail_goes_to_an_address_that_is_not_an_accounts(alice, address):
    alice.emailaddress_set.create(email="former@clinic.example", verified=True)
    assert Client().post("/accounts/password/reset/", {"email": address}).status_code in {200, 302}
    assert mail.outbox == []
    assert sign_in("former@clinic.example").status_code == 200


@pytest.mark.parametrize("page", ["login", "logout"])
@pytest.mark.parametrize(
    "target",
    [
        *("http://[::1", "//evil.example", "http://evil.example/", "javascript:alert(1)"),
        *("/\\evil.example", "https:evil.example", "/a\r\nSet-Cookie: session=evil", "\x00//evil.example"),
    ],
)
def test_an_unsafe_next_address_is_ignored(alice, browser_of, page, target):
    client = browser_of(alice) if page == "logout" else Client()
    path = f"/accounts/{page}/"
    assert client.get(path, {"next": target}).status_code == 200
    response = client.post(path, {"next": target, "login": alice.email, "password": PASSWORD})
    assert response.status_code == 302
    assert re.fullmatch(r"/(?![/\\])[!-~]*", response["Location"])
    assert "session=evil" not in str(response.cookies)


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, None, "192.0.2.1"),
        (0, "198.51.100.9", "192.0.2.1"),
        (1, "198.51.100.9", "198.51.100.9"),
        (1, "203.0.113.5, 198.51.100.9", "198.51.100.9"),
        (2, "203.0.113.5,198.51.100.9", "203.0.113.5"),
        (2, "203.0.113.5", "192.0.2.1"),
        (1, "nonsense", "192.0.2.1"),
        (1, "", "192.0.2.1"),
        (1, "2001:DB8::0:1", "2001:db8::1"),
    ],
)
def test_the_address_of_a_client_is_what_the_trusted_proxies_saw(settings, proxies, forwarded, expected):
    settings.TRUSTED_PROXIES = proxies
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    request = RequestFactory().get("/", headers=headers, REMOTE_ADDR="192.0.2.1")
    assert client_address(request) == expected


def test_behind_a_proxy_a_lock_out_meets_only_the_address_that_guessed(alice, settings):
    settings.TRUSTED_PROXIES = 1
    for number in range(5):
        sign_in(alice.email, "wrong", headers={"X-Forwarded-For": f"10.0.0.{number}, 198.51.100.9"})
    assert sign_in(alice.email, headers={"X-Forwarded-For": "198.51.100.9"}).status_code == 429
    assert sign_in(alice.email, headers={"X-Forwarded-For": "203.0.113.5"}).status_code == 302


@pytest.mark.parametrize("model", ["person", "organisation"])
def test_nobody_deletes_a_person_or_an_organisation_in_the_admin(alice, clinic, browser_of, model):
    client = browser_of(Person.objects.create_superuser("root@clinic.example"))
    subject = {"person": alice, "organisation": clinic}[model]
    listing, page = f"/admin/accounts/{model}/", f"/admin/accounts/{model}/{subject.pk}/"
    assert client.get(f"{page}delete/").status_code == 403
    assert client.post(f"{page}delete/", {"post": "yes"}).status_code == 403
    client.post(listing, {"action": "delete_selected", "_selected_action": [str(subject.pk)], "post": "yes"})
    assert Person.objects.filter(pk=alice.pk).exists()
    assert Organisation.objects.filter(pk=clinic.pk).exists()
    assert Membership.objects.exists()


@pytest.mark.parametrize("address", ["al\u0131ce@clinic.example", "\udcff", "nobody@clinic.example"])
def test_no_sign_in_link_is_made_for_an_address_that_is_nobodys(alice, address):
    with pytest.raises(CommandError):
        call_command("sign_in_link", address)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--organisation=\udcff",),
        ("--organisation=" + "x" * 101,),
        ("--organisation=clinic", "--name=" + "x" * 101),
        ("--organisation=clinic", "--name=\udcff"),
        ("--organisation=clinic", "--scopes=\udcff"),
        ("--organisation=clinic", "--scopes="),
    ],
)
def test_no_key_is_issued_for_an_argument_that_is_not_plain_text(clinic, arguments):
    with pytest.raises(CommandError):
        call_command("issue_key", *arguments)
