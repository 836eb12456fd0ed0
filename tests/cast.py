"""Who plays in the tests.

Alice is a clinician of the clinic, Audrey its auditor, Adam its administrator. Charlie is a clinician of
another hospital and must see nothing of theirs.
"""

from django.test import Client

from accounts import session_marks
from accounts.models import Membership, Organisation, Person, Role


def make_person(name: str, organisation: Organisation, role: Role) -> Person:
    """A person with one role, who signs in as NAME@clinic.example with `correct horse battery`."""
    person = Person.objects.create_user(
        f"{name}@clinic.example",
        "correct horse battery",
        name=name.title(),
        is_staff=role in {Role.AUDITOR, Role.ADMIN},
    )
    Membership.objects.create(person=person, organisation=organisation, role=role)
    return person


def sign_in(client: Client, person: Person) -> Client:
    """Sign somebody in who has shown a second factor."""
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    session = client.session
    session_marks.note_second_factor(session, person)
    session.save()
    return client
