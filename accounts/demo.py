"""The demo organisation of a first start, with a clinician, an auditor and an administrator."""

from django.db import transaction

from accounts.links import make_link
from accounts.models import Membership, Organisation, Person, Role

DEMO_SLUG = "demo"
DEMO_PEOPLE = (
    (Role.CLINICIAN, "clinician@demo.example", "Demo clinician"),
    (Role.AUDITOR, "auditor@demo.example", "Demo auditor"),
    (Role.ADMIN, "admin@demo.example", "Demo administrator"),
)


@transaction.atomic
def create_demo(base_url: str) -> list[tuple[str, str]]:
    """Make the demo organisation, once: (label, one-time link) of each person, or nothing afterwards."""
    organisation, is_new = Organisation.objects.get_or_create(
        slug=DEMO_SLUG, defaults={"name": "Demo organisation"}
    )
    if not is_new:
        return []
    return [
        (name, _make_person(organisation, role, email, name, base_url)) for role, email, name in DEMO_PEOPLE
    ]


def _make_person(organisation: Organisation, role: Role, email: str, name: str, base_url: str) -> str:
    person = Person.objects.create_user(email, name=name, is_staff=role in {Role.AUDITOR, Role.ADMIN})
    Membership.objects.create(person=person, organisation=organisation, role=role)
    link = make_link(person, base_url)
    return f"{link}?example=1" if role == Role.CLINICIAN else link
