"""Who is asking: a person at a screen, a system with a key, or an operator at the command line."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from accounts.models import ApiKey, Membership, Organisation, Person, Role

Door = Literal["form", "api", "command"]

ASKING_ROLES = (Role.CLINICIAN, Role.LAB, Role.ADMIN)
AUDITING_ROLES = (Role.AUDITOR, Role.ADMIN)


class NoOrganisation(Exception):
    """For the person: their account belongs to no organisation, so there is nothing to show."""


@dataclass(frozen=True)
class Actor:
    """Somebody acting for exactly one organisation, and the door they came in by.

    `on_behalf_of` is whom a system says that it asks for. Nobody has checked that.
    """

    organisation: Organisation
    door: Door
    person: Person | None = None
    api_key: ApiKey | None = None
    roles: frozenset[Role] | None = None
    on_behalf_of: str = ""

    @property
    def may_submit(self) -> bool:
        """Whether they may ask for predictions: systems do by their scopes, people by their roles."""
        return self.roles is None or not self.roles.isdisjoint(ASKING_ROLES)

    @property
    def administers(self) -> bool:
        """Whether they keep the people and keys of the organisation."""
        return self.roles is not None and Role.ADMIN in self.roles


@dataclass(frozen=True)
class Steward:
    """Somebody acting for the whole installation, as releases belong to no organisation, and their door."""

    person: Person
    door: Door


def actor_of_person(person: Person) -> Actor:
    """The person acting for the organisation that they chose, or the first that they belong to.

    Raises
    ------
    NoOrganisation
        When they belong to none.
    """
    memberships = list(Membership.objects.filter(person=person).select_related("organisation"))
    if not memberships:
        raise NoOrganisation
    chosen = [each for each in memberships if each.organisation_id == person.acting_for_id]
    organisation = (chosen or memberships)[0].organisation
    roles = frozenset(Role(each.role) for each in memberships if each.organisation == organisation)
    return Actor(organisation, "form", person=person, roles=roles)


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


def facts_of_person(person: Person) -> dict[str, Any]:
    """What an event says of somebody who acts for themselves: their first organisation may read it."""
    facts: dict[str, Any] = {"door": "form", "person": person.id}
    if membership := Membership.objects.filter(person=person).first():
        facts["organisation"] = membership.organisation_id
    return facts
