"""Who belongs to an organisation and as what, and the end of it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db import transaction
from django.http import HttpRequest

from accounts import events
from accounts.actors import AUDITING_ROLES
from accounts.models import Membership, Organisation, Person, Role
from accounts.visits import record_visit


class LastAdministrator(Exception):
    """For the person: nobody would be left who keeps the organisation's people and keys."""


class BelongsElsewhere(Exception):
    """For the person: whoever belongs to other organisations too is not only theirs to reset."""


@dataclass(frozen=True)
class Member:
    """A person of an organisation, with what an administrator needs to know of them."""

    person: Person
    roles: frozenset[Role]
    has_second_factor: bool
    seen_at: datetime | None

    @property
    def role_names(self) -> list[str]:
        """The roles in words."""
        return [str(role.label) for role in Role if role in self.roles]


def list_members(organisation: Organisation) -> list[Member]:
    """Everybody who belongs to an organisation, by address."""
    people = Person.objects.filter(memberships__organisation=organisation).distinct()
    roles: dict[object, set[Role]] = {}
    for membership in Membership.objects.filter(organisation=organisation):
        roles.setdefault(membership.person_id, set()).add(Role(membership.role))
    secured = set(Authenticator.objects.filter(user__in=people).values_list("user_id", flat=True))
    return [
        Member(person, frozenset(roles[person.pk]), person.pk in secured, person.last_login)
        for person in people
    ]


def find_member(organisation: Organisation, person_id: object) -> Member | None:
    """One of them."""
    return next((each for each in list_members(organisation) if each.person.pk == person_id), None)


def grant(person: Person, organisation: Organisation, roles: Collection[Role]) -> None:
    """Add roles; auditors and administrators may open the admin."""
    for role in roles:
        Membership.objects.get_or_create(person=person, organisation=organisation, role=role)
    _keep_doors(person)


@transaction.atomic
def set_roles(
    request: HttpRequest, person: Person, organisation: Organisation, roles: Collection[Role]
) -> None:
    """Give a member exactly these roles; without any they leave, and are signed out everywhere.

    Raises
    ------
    LastAdministrator
    """
    kept = Membership.objects.select_for_update().filter(organisation=organisation)
    others = [each for each in kept if each.role == Role.ADMIN and each.person_id != person.pk]
    if Role.ADMIN not in roles and not others:
        raise LastAdministrator
    before = {Role(each.role) for each in kept if each.person_id == person.pk}
    kept.filter(person=person).exclude(role__in=roles).delete()
    grant(person, organisation, roles)
    for action, changed in (
        (events.ROLE_GRANTED, set(roles) - before),
        (events.ROLE_WITHDRAWN, before - set(roles)),
    ):
        for role in sorted(changed):
            record_visit(request, action, subject=person.pk, organisation=organisation.pk, role=role)
    if not roles:
        end_sessions(person)


@transaction.atomic
def reset_second_factor(request: HttpRequest, person: Person, organisation: Organisation) -> None:
    """Remove the second factors of a member who lost them, so that new ones are set up at the next sign-in.

    Raises
    ------
    BelongsElsewhere
        Also for whoever operates the installation.
    """
    elsewhere = Membership.objects.filter(person=person).exclude(organisation=organisation)
    if person.is_superuser or elsewhere.exists():
        raise BelongsElsewhere
    Authenticator.objects.filter(user=person).delete()
    end_sessions(person)
    facts = {"subject": person.pk, "organisation": organisation.pk}
    record_visit(request, events.SECOND_FACTOR_REMOVED, **facts, kind="all")


def end_sessions(person: Person) -> None:
    """Sign somebody out everywhere."""
    for session in UserSession.objects.filter(user=person):
        session.end()


def _keep_doors(person: Person) -> None:
    audits = Membership.objects.filter(person=person, role__in=AUDITING_ROLES).exists()
    person.is_staff = person.is_superuser or audits
    person.save(update_fields=["is_staff"])
