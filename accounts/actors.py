"""Who is asking: a person at a screen, a system with a key, or an operator at the command line."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from accounts.models import ApiKey, Membership, Organisation, Person, Role

Door = Literal["form", "api", "command"]

ASKING_ROLES = (Role.CLINICIAN, Role.LAB, Role.ADMIN)
AUDITING_ROLES = (Role.AUDITOR, Role.ADMIN)


class NoOrganisation(Exception):
    """For the person: their account belongs to no organisation, so there is nothing to show."""


@dataclass(frozen=True)
class Actor:
    """Somebody acting for exactly one organisation, and the door they came in by."""

    organisation: Organisation
    door: Door
    person: Person | None = None
    api_key: ApiKey | None = None
    may_submit: bool = True


@dataclass(frozen=True)
class Steward:
    """Somebody acting for the whole installation, as releases belong to no organisation, and their door."""

    person: Person
    door: Door


def actor_of_person(person: Person) -> Actor:
    """The person acting for the first organisation they belong to.

    Raises
    ------
    NoOrganisation
        When they belong to none.
    """
    memberships = list(Membership.objects.filter(person=person).select_related("organisation"))
    if not memberships:
        raise NoOrganisation
    organisation = memberships[0].organisation
    roles = {membership.role for membership in memberships if membership.organisation == organisation}
    return Actor(organisation, "form", person=person, may_submit=not roles.isdisjoint(ASKING_ROLES))


def audited_organisations(person: Person) -> list[Organisation]:
    """The organisations whose audit trail this person may read."""
    return list(
        Organisation.objects.filter(
            memberships__person=person, memberships__role__in=AUDITING_ROLES
        ).distinct()
    )


def holds_role(person: Person, roles: Collection[Role]) -> bool:
    """Whether somebody of the staff has one of these roles anywhere; the superuser has them all."""
    if not (person.is_active and person.is_staff):
        return False
    return person.is_superuser or Membership.objects.filter(person=person, role__in=roles).exists()
