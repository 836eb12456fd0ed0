"""Invitations: how an account comes about, and how an address is verified: the link went there.

Who has an account already accepts with that one. Only the digest of a link is kept.
"""

import logging
import secrets
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import events, ledger
from accounts.actors import facts_of_person
from accounts.members import grant
from accounts.models import Invitation, Organisation, Person, Role
from accounts.network import facts_of_request

LIFETIME = timedelta(days=7)

logger = logging.getLogger(__name__)


class InvitationRefused(Exception):
    """For the person: the link is unknown, used, withdrawn or expired, or is for somebody else."""


@transaction.atomic
def invite(request: HttpRequest, organisation: Organisation, email: str, role: Role) -> str:
    """Invite an address to an organisation, and return the link; an earlier one for it opens nothing more."""
    assert isinstance(request.user, Person)  # noqa: S101 - its page asked for a sign-in
    open_invitations(organisation).filter(email=email).update(withdrawn_at=timezone.now())
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        organisation=organisation,
        email=email,
        role=role,
        invited_by=request.user,
        token_sha256=_digest(token),
        expires_at=timezone.now() + LIFETIME,
    )
    _record(request, events.PERSON_INVITED, invitation, request.user)
    return request.build_absolute_uri(reverse("accept_invitation", args=[token]))


def send(invitation_link: str, email: str, organisation: Organisation) -> bool:
    """Send a link by mail; whether a mail server took it."""
    if not settings.EMAIL_HOST:
        return False
    context = {"link": invitation_link, "organisation": organisation}
    # A subject is one line, whatever the organisation is called.
    subject = " ".join(_("You are invited to {organisation}").format(organisation=organisation).split())
    try:
        send_mail(subject, render_to_string("accounts/invitation.txt", context), None, [email])
    except OSError as error:
        logger.error("An invitation could not be sent: %s", type(error).__name__)  # noqa: TRY400
        return False
    return True


@transaction.atomic
def withdraw(request: HttpRequest, organisation: Organisation, invitation_id: UUID) -> None:
    """Let an invitation open nothing any more; once only, and only one of this organisation."""
    assert isinstance(request.user, Person)  # noqa: S101 - likewise
    invitation = open_invitations(organisation).filter(id=invitation_id).select_for_update().first()
    if invitation:
        invitation.withdrawn_at = timezone.now()
        invitation.save(update_fields=["withdrawn_at"])
        _record(request, events.INVITATION_WITHDRAWN, invitation, request.user)


def open_invitations(organisation: Organisation) -> QuerySet[Invitation]:
    """Those that may still be accepted, the newest first."""
    return Invitation.objects.filter(_still_open(), organisation=organisation)


def find_invitation(token: str) -> Invitation:
    """The invitation that a link opens.

    Raises
    ------
    InvitationRefused
    """
    found = Invitation.objects.filter(_still_open(), token_sha256=_digest(token))
    if invitation := found.select_related("organisation", "invited_by").first():
        return invitation
    raise InvitationRefused


def account_of(invitation: Invitation) -> Person | None:
    """The account that the address has already."""
    return Person.objects.filter(email=invitation.email).first()


@transaction.atomic
def accept(request: HttpRequest, token: str, name: str, password: str) -> Person:
    """Make the account of a newcomer, with the role that the invitation names.

    Raises
    ------
    InvitationRefused
        Also when the address has an account by now.
    """
    invitation = _spend(token)
    if account_of(invitation):
        raise InvitationRefused
    person = Person.objects.create_user(invitation.email, password, name=name)
    _complete(request, invitation, person)
    return person


@transaction.atomic
def join(request: HttpRequest, token: str, person: Person) -> None:
    """Add the role to an account that there is.

    Raises
    ------
    InvitationRefused
        Also when the invitation is for another address.
    """
    invitation = _spend(token)
    if invitation.email != person.email:
        raise InvitationRefused
    _complete(request, invitation, person)


def _spend(token: str) -> Invitation:
    """Of two who use the same link at once, one gets in."""
    invitation = find_invitation(token)
    if not Invitation.objects.filter(_still_open(), id=invitation.id).update(accepted_at=timezone.now()):
        raise InvitationRefused
    return invitation


def _complete(request: HttpRequest, invitation: Invitation, person: Person) -> None:
    grant(person, invitation.organisation, {Role(invitation.role)})
    _record(request, events.INVITATION_ACCEPTED, invitation, person)


def _record(request: HttpRequest, action: str, invitation: Invitation, by: Person) -> None:
    facts = {**facts_of_person(by), **facts_of_request(request), "organisation": invitation.organisation_id}
    address = ledger.address_digest(invitation.email)
    ledger.record(action, **facts, invitation=invitation.id, role=invitation.role, address_digest=address)


def _still_open() -> Q:
    return Q(accepted_at=None, withdrawn_at=None, expires_at__gt=timezone.now())


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
