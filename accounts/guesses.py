"""API keys and client secrets that did not fit: counted for each network and prefix, and when it is too many.

A prefix is public. It is locked only for the network that guessed at it, so that nobody locks a laboratory
out from elsewhere; guesses at one prefix from everywhere together only raise an alarm.
"""

import logging
import re
from typing import Any

from accounts import events, ledger
from accounts.allow_lists import network_of
from accounts.counters import Tally, count_failures
from accounts.models import ApiKey

WINDOW_SECONDS = 900
MOST_OF_ONE_KEY = 10
MOST_OF_A_NETWORK = 50
ALARMING = 50

logger = logging.getLogger(__name__)


def locks_of(prefix: str, address: str) -> tuple[Tally, Tally]:
    """What keeps even a right key out: too many wrong ones before it from the same network."""
    network = network_of(address)
    return (
        Tally(f"failed:{network}", MOST_OF_A_NETWORK),
        Tally(f"failed:{network}:{_public(prefix)}", MOST_OF_ONE_KEY),
    )


def count_guess(prefix: str, address: str) -> int:
    """Count a key that does not fit; in how many seconds the next is looked at, 0: at once.

    What reaches a limit is put on record and logged, once.
    """
    public = _public(prefix)
    tallies = (*locks_of(public, address), Tally(f"failed-everywhere:{public}", 0))
    counted = count_failures(tallies, WINDOW_SECONDS)
    limits = (MOST_OF_A_NETWORK, MOST_OF_ONE_KEY, ALARMING)
    # Nothing was counted where it is locked already.
    if any(count == limit for count, limit in zip(counted.counts, limits, strict=False)):
        _raise_alarm(public, address)
    return counted.wait


def _raise_alarm(prefix: str, address: str) -> None:
    key = ApiKey.objects.filter(prefix=prefix).first()
    facts: dict[str, Any] = {"organisation": key.organisation_id, "guessed_key": key.id} if key else {}
    logger.error("Too many wrong API keys or client secrets: see %s in the audit trail", events.KEY_GUESSED)
    ledger.record(events.KEY_GUESSED, network_address=address, **facts)


def _public(prefix: str) -> str:
    """A prefix as we make them. Whatever else was sent may be a secret, and is counted together."""
    return prefix if re.fullmatch(r"[0-9a-f]{12}", prefix) else ""
