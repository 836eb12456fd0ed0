"""What is done with people, roles and keys stands in the audit trail, without a value that was typed."""

import json

import pytest
from django.urls import reverse

from accounts import keys
from accounts.models import Event, Membership, Organisation, Person

pytestmark = pytest.mark.django_db


def bodies(action):
    return [json.loads(bytes(event.body)) for event in Event.objects.filter(action=action).order_by("id")]


@pytest.fixture
def root(browser_of):
    person = Person.objects.create_superuser("root@clinic.example", name="Root")
    return browser_of(person)


def form_of(person, roles=(), **changed):
    """What the page of a person sends."""
    existing = list(Membership.objects.filter(person=person).order_by("created_at"))
    rows = [{"id": row.id, "role": row.role, "organisation": row.organisation_id} for row in existing]
    rows += [{"role": role, "organisation": Organisation.objects.get().id} for role in roles]
    data = {"email": person.email, "name": person.name, "is_active": "on"}
    data |= {"memberships-TOTAL_FORMS": len(rows), "memberships-INITIAL_FORMS": len(existing)}
    for number, row in enumerate(rows):
        data |= {f"memberships-{number}-{name}": str(value) for name, value in row.items()}
        data[f"memberships-{number}-person"] = str(person.id)
    return data | changed


def save(client, person, **form):
    response = client.post(reverse("admin:accounts_person_change", args=[person.id]), form_of(person, **form))
    assert response.status_code == 302, response.context["errors"]


def test_a_granted_a_changed_and_a_withdrawn_role_are_on_record(root, alice, clinic):
    save(root, alice, roles=["auditor"])
    save(root, alice, **{"memberships-0-role": "lab"})
    save(root, alice, **{"memberships-1-DELETE": "on"})
    (granted,), (changed,), (withdrawn,) = map(bodies, ("role.granted", "role.changed", "role.withdrawn"))
    for body, role in ((granted, "auditor"), (changed, "lab"), (withdrawn, "auditor")):
        assert (body["subject"], body["role"]) == (str(alice.id), role)
        assert body["organisation"] == str(clinic.id)


def test_a_changed_person_is_on_record_by_the_names_of_the_fields(root, alice):
    save(root, alice, name="Doctor Secret")
    (body,) = bodies("person.changed")
    assert body["fields"] == ["name"]
    assert "Secret" not in json.dumps(body)


def test_a_new_person_and_a_password_that_was_set_are_on_record_without_it(root, clinic):
    typed = {
        "email": "new@clinic.example",
        "name": "New",
        "password1": "correct horse b",
        "password2": "correct horse b",
    }
    typed |= {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
    assert root.post(reverse("admin:accounts_person_add"), typed).status_code == 302
    person = Person.objects.get(email="new@clinic.example")
    again = {"password1": "battery staple c", "password2": "battery staple c"}
    root.post(reverse("admin:auth_user_password_change", args=[person.id]), again)
    (added,), (changed,) = bodies("person.added"), bodies("person.changed")
    assert added["subject"] == changed["subject"] == str(person.id)
    assert changed["fields"] == ["password"]
    assert "horse" not in json.dumps([added, changed])


def test_the_first_use_of_a_key_is_on_record_once(clinic):
    key, text = keys.issue_key(clinic, "Lab system", ["read"])
    for _ in range(2):
        keys.find_key.cache_clear()
        keys.find_key(text)
    (body,) = bodies("api_key.first_used")
    assert (body["api_key"], body["organisation"]) == (str(key.id), str(clinic.id))


def test_a_key_that_is_revoked_in_the_admin_opens_nothing_and_that_is_on_record(root, clinic):
    key, text = keys.issue_key(clinic, "Lab system", ["read"])
    page = reverse("admin:accounts_apikey_changelist")
    for _ in range(2):
        root.post(page, {"action": "revoke", "_selected_action": [str(key.id)]}, follow=True)
    with pytest.raises(keys.KeyRefused):
        keys.find_key(text)
    (body,) = bodies("api_key.revoked")
    assert (body["revoked_key"], body["organisation"]) == (str(key.id), str(clinic.id))
