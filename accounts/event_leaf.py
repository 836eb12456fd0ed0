"""What the tree of the ledger holds of an event, as docs/ledger-format.md tells it to other programs."""

import hmac
from hashlib import sha256
from uuid import UUID

from accounts.merkle import leaf_hash

MAC_SIZE = 32


class EventMac:
    """The HMAC-SHA256 (RFC 2104) that says that this product wrote a body.

    Parameters
    ----------
    secret : str
        LEDGER_KEY. What signs is derived from it, for it keys the digests too, which stand in the bodies.
    """

    def __init__(self, secret: str) -> None:
        # Copied for each body, so that the key is hashed once.
        self._start = hmac.new(hmac.digest(secret.encode(), b"event mac", sha256), digestmod=sha256)

    def of(self, body: bytes) -> bytes:
        """The 32 bytes beside a body."""
        mac = self._start.copy()
        mac.update(body)
        return mac.digest()


def event_leaf(event_id: UUID, recorded_us: int, mac: bytes, body: bytes) -> bytes:
    """The leaf hash of an event: SHA-256 of 0x00, identifier (16 bytes), time (8), code (32) and body.

    Parameters
    ----------
    recorded_us : int
        Microseconds since 1970-01-01 UTC, stored as a signed integer in big-endian order, as Postgres has it.
    mac : bytes
        HMAC-SHA256 of the event.

    Raises
    ------
    ValueError
        When the code is not 32 bytes, for only a body may vary in length, or the time is before 1970.
    OverflowError
        When the time does not fit.
    """
    if len(mac) != MAC_SIZE or recorded_us < 0:
        raise ValueError("an event has a code of 32 bytes and a time after 1970")
    return leaf_hash(event_id.bytes + recorded_us.to_bytes(8, "big", signed=True) + mac + body)
