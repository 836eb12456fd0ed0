"""Invitations, roles and leaving: who may, who gets in, and what nobody of another organisation sees."""

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone

from accounts import session_marks
from accounts.models import Event, Invitation, Membership, Person, Role
from tests.cast import make_person

pytestmark = pytest.mark.django_db

LOGIN, PEOPLE = "/accounts/login/", "/organisation/people/"
NEWCOMER = {"name": "Nina New", "password1": "a long enough secret", "password2": "a long enough secret"}


@pytest.fixture
def invite(adam, browser_of):
    """Adam invites somebody; the path that the link leads to."""

    def send(email="nina@clinic.example", role="clinician"):
        answer = browser_of(adam).post(PEOPLE, {"email": email, "role": role})
        return "/" + answer.context["link"].split("/", 3)[3]

    return send


def test_a_newcomer_gets_from_the_invitation_to_where_the_second_factor_is_set_up(invite, clinic):
    client = Client()
    path = invite()
    assert client.get(path).status_code == 200
    assert client.post(path, NEWCOMER).headers["Location"] == "/accounts/2fa/"
    nina = Person.objects.get(email="nina@clinic.example")
    assert list(nina.memberships.values_list("organisation", "role")) == [(clinic.id, "clinician")]
    assert client.get("/predictions/").headers["Location"] == "/accounts/2fa/"
    assert not nina.is_staff


def test_an_invitation_works_once(invite):
    path = invite()
    Client().post(path, NEWCOMER)
    assert Client().get(path).status_code == Client().post(path, NEWCOMER).status_code == 410
    assert Person.objects.filter(email="nina@clinic.example").count() == 1


@pytest.mark.parametrize("end", ["withdrawn", "expired", "invited again", "unknown"])
def test_an_invitation_that_is_no_more_opens_nothing(invite, adam, browser_of, end):
    path = invite()
    if end == "withdrawn":
        invitation = Invitation.objects.get()
        browser_of(adam).post(f"/organisation/invitations/{invitation.id}/withdraw/")
    if end == "expired":
        Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    if end == "invited again":
        invite()
    assert Client().post(path if end != "unknown" else "/invitations/x/", NEWCOMER).status_code == 410
    assert not Person.objects.filter(email="nina@clinic.example").exists()


@pytest.mark.parametrize(
    "changed",
    [
        {"password2": "another long secret"},
        {"password1": "short", "password2": "short"},
        {"password1": "nina@clinic.example", "password2": "nina@clinic.example"},
        {"password1": "administrator", "password2": "administrator"},
        {"name": ""},
        {"name": "x" * 201},
    ],
)
def test_a_weak_password_or_no_name_makes_no_account(invite, changed):
    assert Client().post(invite(), NEWCOMER | changed).status_code == 422
    assert not Person.objects.filter(email="nina@clinic.example").exists()


def test_who_has_an_account_joins_with_it_and_nobody_else_does(invite, charlie, audrey, browser_of, clinic):
    path = invite(charlie.email)
    assert Client().get(path).context["invitation"].email == charlie.email
    browser_of(audrey).post(path)
    assert not charlie.memberships.filter(organisation=clinic).exists()
    browser_of(charlie).post(path)
    assert charlie.memberships.filter(organisation=clinic, role="clinician").exists()


def test_an_invitation_is_sent_where_there_is_a_mail_server(adam, browser_of, settings):
    settings.EMAIL_HOST = "mail.example"
    browser_of(adam).post(PEOPLE, {"email": "nina@clinic.example", "role": "lab"})
    assert "/invitations/" in mail.outbox[0].body
    assert mail.outbox[0].to == ["nina@clinic.example"]


def test_a_link_is_handed_over_where_the_mail_server_is_away(adam, browser_of, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    answer = browser_of(adam).post(PEOPLE, {"email": "nina@clinic.example", "role": "lab"})
    assert "/invitations/" in answer.context["link"]


def test_the_link_is_nowhere_in_the_database_nor_the_trail(invite):
    token = invite().split("/")[-2]
    kept = str(list(Invitation.objects.values())) + str([event.facts for event in Event.objects.all()])
    assert token not in kept
    assert "nina@clinic.example" not in str([event.facts for event in Event.objects.all()])


@pytest.mark.parametrize("who", ["alice", "audrey", "charlie"])
def test_only_an_administrator_keeps_people(request, browser_of, alice, who):
    client = browser_of(request.getfixturevalue(who))
    paths = (PEOPLE, f"{PEOPLE}{alice.id}/", f"{PEOPLE}{alice.id}/second-factor/")
    assert {client.post(path, {"roles": ["admin"]}).status_code for path in paths} == {404}


def test_an_administrator_keeps_nobody_of_another_organisation(adam, charlie, other_hospital, browser_of):
    client = browser_of(adam)
    make_person("olga", other_hospital, Role.ADMIN)
    assert charlie.email not in client.get(PEOPLE).content.decode()
    for path in (f"{PEOPLE}{charlie.id}/", f"{PEOPLE}{charlie.id}/second-factor/"):
        assert client.post(path, {"roles": []}).status_code == 404
    assert charlie.memberships.count() == 1


def test_an_administrator_withdraws_no_invitation_of_another_organisation(invite, other_hospital, browser_of):
    invite()
    olga = make_person("olga", other_hospital, Role.ADMIN)
    browser_of(olga).post(f"/organisation/invitations/{Invitation.objects.get().id}/withdraw/")
    assert Invitation.objects.get().withdrawn_at is None


def test_roles_are_changed_and_the_doors_with_them(adam, alice, clinic, browser_of):
    browser_of(adam).post(f"{PEOPLE}{alice.id}/", {"roles": ["auditor"]})
    alice.refresh_from_db()
    assert alice.is_staff
    assert list(alice.memberships.values_list("role", flat=True)) == ["auditor"]
    assert browser_of(alice).get("/predictions/new/").status_code == 302
    actions = Event.objects.filter(action__startswith="role.").values_list("action", flat=True)
    assert set(actions) == {"role.granted", "role.withdrawn"}


def test_who_leaves_is_signed_out_and_sees_nothing_more(adam, alice, browser_of):
    browser, client = browser_of(adam), Client()
    client.post(LOGIN, {"login": alice.email, "password": "correct horse battery"})
    browser.post(f"{PEOPLE}{alice.id}/", {"roles": []})
    assert client.get("/accounts/2fa/").headers["Location"].startswith(LOGIN)
    assert browser_of(alice).get("/predictions/").status_code == 403


def test_the_last_administrator_stays_one(adam, browser_of):
    client = browser_of(adam)
    assert client.post(f"{PEOPLE}{adam.id}/", {"roles": ["clinician"]}).status_code == 422
    assert list(adam.memberships.values_list("role", flat=True)) == ["admin"]


def test_a_lost_second_factor_is_removed_and_a_new_one_asked_for(adam, alice, browser_of):
    Authenticator.objects.create(user=alice, type="totp", data={"secret": "x"})
    client = browser_of(adam)
    client.post(f"{PEOPLE}{alice.id}/second-factor/")
    assert not Authenticator.objects.exists()
    assert Event.objects.filter(action="second_factor.removed").count() == 1


def test_nobody_resets_whoever_belongs_elsewhere_too(adam, charlie, clinic, browser_of):
    Membership.objects.create(person=charlie, organisation=clinic, role=Role.CLINICIAN)
    Authenticator.objects.create(user=charlie, type="totp", data={"secret": "x"})
    browser_of(adam).post(f"{PEOPLE}{charlie.id}/second-factor/")
    assert Authenticator.objects.count() == 1


def test_keeping_people_needs_a_fresh_proof(adam, browser_of):
    client = browser_of(adam)
    session = client.session
    session[session_marks.PROVED] = 0
    session.save()
    assert client.get(PEOPLE).headers["Location"].startswith("/accounts/reauthenticate/")
    client.post(PEOPLE, {"email": "nina@clinic.example", "role": "admin"})
    assert not Invitation.objects.exists()


def test_one_acts_for_the_organisation_of_one_s_own_that_one_chose(
    charlie, clinic, other_hospital, browser_of
):
    client = browser_of(charlie)
    assert client.post("/organisation/act-for/", {"organisation": clinic.slug}).status_code == 404
    Membership.objects.create(person=charlie, organisation=clinic, role=Role.AUDITOR)
    assert client.get("/organisation/").context["actor"].organisation == other_hospital
    client.post("/organisation/act-for/", {"organisation": clinic.slug})
    assert client.get("/organisation/").context["actor"].organisation == clinic
    assert client.get("/predictions/new/").status_code == 302


def test_the_same_role_twice_is_refused_by_the_database(alice, clinic):
    with pytest.raises(IntegrityError):
        Membership.objects.create(person=alice, organisation=clinic, role=Role.CLINICIAN)
