"""Which quotas a request takes from, and how that is told in the headers of the answer."""

from collections.abc import Mapping, Sequence
from threading import Lock

from cachetools import TTLCache, cached

from accounts.counters import Quota, Standing
from accounts.limit_records import Kind, RateLimit, Subject

REMEMBERED_SECONDS = 3.0


def quotas_of(kind: Kind, subjects: Mapping[Subject, object]) -> list[Quota]:
    """The quotas of a kind of request for whoever sends it: by subject, what identifies it."""
    return [
        Quota(f"{kind}-{subject}", f"quota:{kind}:{subject}:{whose}", *limit)
        for subject, whose in subjects.items()
        if (limit := _table().get((kind, subject)))
    ]


def headers_of(standings: Sequence[Standing]) -> dict[str, str]:
    """`RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10)."""
    if not standings:
        return {}
    policies = (f'"{s.quota.name}";q={s.quota.requests};w={s.quota.seconds}' for s in standings)
    states = (f'"{s.quota.name}";r={s.remaining};t={s.reset}' for s in standings)
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(states)}


@cached(TTLCache(maxsize=1, ttl=REMEMBERED_SECONDS), lock=Lock())
def _table() -> dict[tuple[str, str], tuple[int, int]]:
    """Remembered for seconds: what an operator changes holds without a restart."""
    return {(row.kind, row.subject): (row.requests, row.seconds) for row in RateLimit.objects.all()}
