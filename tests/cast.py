"""Who plays in the tests.

Alice is a clinician of the clinic, Audrey its auditor, Adam its administrator. Charlie is a clinician of
another hospital and must see nothing of theirs.
"""

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
