"""Whose account an identity of the organisation's provider opens: only one that is there already.

The first time the provider's verified address finds it. From then on its name for the person does, so that an
address that is changed, or given to somebody else, opens nothing. It is not believed of people whose address
is elsewhere, and never of the superuser: who runs the provider does not run this installation.
"""

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest

from accounts import events, ledger
from accounts.actors import facts_of_person
from accounts.identity_provider import Identity, IdentityRefused, Reason
from accounts.models import Person
from accounts.network import facts_of_request


@transaction.atomic
def find_person(request: HttpRequest, issuer: str, identity: Identity) -> tuple[Person, bool]:
    """Whom an identity signs in, and whether it did so for the first time.

    Raises
    ------
    IdentityRefused
    """
    known = SocialAccount.objects.filter(provider=issuer, uid=identity.subject).select_related("user").first()
    person = known.user if known else _find_by_address(identity)
    if not person.is_active:
        raise IdentityRefused(Reason.UNKNOWN, person.email)
    if person.is_superuser or person.email.lower().rpartition("@")[2] not in settings.OIDC_EMAIL_DOMAINS:
        raise IdentityRefused(Reason.NOT_ITS_OWN, person.email)
    return person, not known and _link(request, issuer, identity, person)


def has_link(person: Person, issuer: str) -> bool:
    """Whether the provider may say that somebody is this person."""
    return bool(SocialAccount.objects.filter(user=person, provider=issuer).exists())


@transaction.atomic
def forget_links(person: Person) -> int:
    """Let no identity open this account until it is found by its address again; how many did."""
    _, deleted = SocialAccount.objects.filter(user=person).delete()
    count: int = deleted.get("socialaccount.SocialAccount", 0)
    if count:
        ledger.record(events.PROVIDER_UNLINKED, **facts_of_person(person) | {"door": "command"})
    return count


def _find_by_address(identity: Identity) -> Person:
    """Locked until the link is made, so that of two identities at once one is too late."""
    if not identity.email_verified:
        raise IdentityRefused(Reason.UNVERIFIED, identity.email)
    try:
        return Person.objects.select_for_update().get(pk=Person.objects.get_by_natural_key(identity.email).pk)
    except Person.DoesNotExist:
        raise IdentityRefused(Reason.UNKNOWN, identity.email) from None


def _link(request: HttpRequest, issuer: str, identity: Identity, person: Person) -> bool:
    """Whether it is new: who pressed twice is linked by now. Raises IdentityRefused."""
    own = SocialAccount.objects.filter(user=person, provider=issuer).first()
    if own and own.uid != identity.subject:
        raise IdentityRefused(Reason.OTHER_IDENTITY, identity.email)
    if own:
        return False
    SocialAccount.objects.create(user=person, provider=issuer, uid=identity.subject)
    ledger.record(events.PROVIDER_LINKED, **facts_of_person(person), **facts_of_request(request))
    return True
