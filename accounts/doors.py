"""Whether somebody may come in from where they are, and as often as they do."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from threading import Lock
from uuid import UUID

from cachetools import TTLCache, cached
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import events, ledger
from accounts.actors import Actor
from accounts.allow_lists import includes, network_of
from accounts.counters import Standing, Tally, is_first, take
from accounts.guesses import count_guess, locks_of
from accounts.limit_records import Kind, Subject
from accounts.limits import quotas_of
from accounts.models import ApiKey
from accounts.network_records import OrganisationNetworks

REMEMBERED_SECONDS = 1.0
RECORDED_AGAIN_SECONDS = 3_600


class NetworkRefused(Exception):
    """For the caller: nobody may use this key, or act for this organisation, from this network address."""


@dataclass
class TooMany(Exception):
    """For the caller: too many requests, or too many wrong keys; and how long to wait, in seconds."""

    wait: int
    standings: tuple[Standing, ...] = ()


def admit_key(key: ApiKey, kind: Kind, address: str) -> tuple[Standing, ...]:
    """Let a system in with its key, which was found to be right; how its quotas stand now.

    Raises
    ------
    NetworkRefused
        When the address is in none of the networks of the key, or of its organisation.
    TooMany
        When a quota is used up, or the same network sent too many wrong keys before.
    """
    actor = Actor(key.organisation, "api", api_key=key)
    if not includes(key.networks, address):
        _refuse_network(address, actor, "key", key.id)
    check_organisation(actor, address)
    subjects = {Subject.KEY: key.id, Subject.ORGANISATION: key.organisation_id, Subject.ADDRESS: address}
    return admit(kind, subjects, locks_of(key.prefix, address), used=str(key.id))


def admit(
    kind: Kind, subjects: Mapping[Subject, object], locks: Collection[Tally] = (), used: str = ""
) -> tuple[Standing, ...]:
    """Take one request from the quotas of whoever sends it; how they stand now.

    Raises
    ------
    TooMany
    """
    taken = take(quotas_of(kind, subjects), tuple(locks), used)
    if taken.wait:
        raise TooMany(taken.wait, taken.standings)
    return taken.standings


def turn_away(address: str, guessed: str | None) -> None:
    """Count a request without a right key. `guessed`: the prefix that it tried to open; None: it tried none.

    Raises
    ------
    TooMany
    """
    if guessed is not None and (wait := count_guess(guessed, address)):
        raise TooMany(wait)
    admit(Kind.PUBLIC, {Subject.ADDRESS: address})


def check_organisation(actor: Actor, address: str) -> None:
    """See that an organisation's people and systems come from its networks. Raises NetworkRefused."""
    if not includes(networks_of(actor.organisation.id), address):
        _refuse_network(address, actor, "organisation", actor.organisation.id)


def check_admin(actor: Actor | None, address: str) -> None:
    """See that the admin is opened from the networks that the operator set. Raises NetworkRefused."""
    if not includes(settings.ADMIN_NETWORKS, address):
        _refuse_network(address, actor, "admin")


@cached(TTLCache(maxsize=1_024, ttl=REMEMBERED_SECONDS), lock=Lock())
def networks_of(organisation_id: UUID) -> list[str]:
    """The networks of an organisation; remembered for a second."""
    row = OrganisationNetworks.objects.filter(organisation_id=organisation_id).first()
    return row.networks if row else []


@transaction.atomic
def set_networks(actor: Actor, networks: list[str]) -> None:
    """Change from where an organisation's people and systems may come, within a second, and record it."""
    changed = {"networks": networks, "changed_by": actor.person, "changed_at": timezone.now()}
    OrganisationNetworks.objects.update_or_create(organisation=actor.organisation, defaults=changed)
    ledger.record(events.NETWORKS_CHANGED, actor, networks=networks)


def _refuse_network(address: str, actor: Actor | None, door: str, whose: UUID | None = None) -> None:
    """Refuse it; on record once an hour for each network, so that nobody floods the trail."""
    if is_first(f"network-refused:{door}:{whose}:{network_of(address)}", RECORDED_AGAIN_SECONDS):
        ledger.record(events.NETWORK_REFUSED, actor, network_address=address, refused_by=door)
    raise NetworkRefused
