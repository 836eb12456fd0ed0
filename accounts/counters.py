"""Counters that all processes share, in Valkey: quotas, failures, and what happens once in a while.

They keep nobody out by failing: while Valkey is away everything is allowed, and the log says so once a
minute.
"""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from threading import Lock as Mutex
from time import monotonic
from typing import Any, TypeVar

import redis
from cachetools import TTLCache
from django.conf import settings
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.retry import Retry

NAMESPACE = "breastrisk:"
PATIENCE_SECONDS = 0.1
# After a failure Valkey is not asked again at once: requests would wait for it one after the other.
REST_SECONDS = 1.0
LOG_AGAIN_SECONDS = 60.0
LAST_USED = "last-used"
# Quotas after the generic cell rate algorithm (ITU-T I.371): one number for each, the time at which all of it
# is free again, by Valkey's clock. Either everything that is asked for is taken, or nothing is.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local locks, wait, argument = tonumber(ARGV[1]), 0, 3
for i = 1, locks do
  if tonumber(redis.call('GET', KEYS[i]) or 0) >= tonumber(ARGV[argument]) then
    wait = math.max(wait, redis.call('PTTL', KEYS[i]))
  end
  argument = argument + 1
end
if wait > 0 then return {wait} end
local steps, windows, taken = {}, {}, {}
for i = locks + 1, #KEYS - 1 do
  windows[i] = tonumber(ARGV[argument + 1])
  steps[i] = windows[i] / tonumber(ARGV[argument])
  taken[i] = math.max(tonumber(redis.call('GET', KEYS[i]) or now) - now, 0)
  if taken[i] + steps[i] > windows[i] + 0.5 then
    wait = math.max(wait, taken[i] + steps[i] - windows[i])
  end
  argument = argument + 2
end
local answer = {math.ceil(wait)}
for i = locks + 1, #KEYS - 1 do
  if wait == 0 then
    taken[i] = taken[i] + steps[i]
    redis.call('SET', KEYS[i], string.format('%.17g', now + taken[i]), 'PX', math.ceil(taken[i]))
  end
  local left = math.min(windows[i] - taken[i] + 0.5, windows[i])
  table.insert(answer, math.max(math.floor(left / steps[i]), 0))
  table.insert(answer, math.ceil(taken[i]))
end
if wait == 0 and ARGV[2] ~= '' then redis.call('HSET', KEYS[#KEYS], ARGV[2], now) end
return answer
"""
_COUNT = """
local wait = 0
for i = 1, #KEYS do
  local limit = tonumber(ARGV[i + 1])
  if limit > 0 and tonumber(redis.call('GET', KEYS[i]) or 0) >= limit then
    wait = math.max(wait, redis.call('PTTL', KEYS[i]))
  end
end
if wait > 0 then return {wait} end
local answer = {0}
for i = 1, #KEYS do
  local count = redis.call('INCR', KEYS[i])
  if count == 1 then redis.call('PEXPIRE', KEYS[i], ARGV[1]) end
  table.insert(answer, count)
end
return answer
"""

T = TypeVar("T")
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Quota:
    """So many requests in so many seconds, counted under a key. `name` is what callers read."""

    name: str
    key: str
    requests: int
    seconds: int


@dataclass(frozen=True)
class Standing:
    """What is left of a quota now, and in how many seconds all of it is free again."""

    quota: Quota
    remaining: int
    reset: int


@dataclass(frozen=True)
class Taken:
    """Seconds to wait, 0 if the request was let through; and how the quotas stand."""

    wait: int
    standings: tuple[Standing, ...] = ()


@dataclass(frozen=True)
class Tally:
    """Failures counted under a key. From `limit` of them on it is locked; 0: it only counts."""

    key: str
    limit: int


@dataclass(frozen=True)
class Counted:
    """Seconds until the lock opens, 0 if there is none; and how many failures each tally has now."""

    wait: int
    counts: tuple[int, ...] = ()


def take(quotas: Sequence[Quota], tallies: Sequence[Tally] = (), used: str = "") -> Taken:
    """Take one request from each quota, unless one is used up or a tally is locked, in one round trip.

    `used` names a key: when it was used is kept until `last_uses` fetches it.
    """
    keys = [*(tally.key for tally in tallies), *(quota.key for quota in quotas), LAST_USED]
    arguments: list[str | int] = [len(tallies), used, *(tally.limit for tally in tallies)]
    for quota in quotas:
        arguments += [quota.requests, quota.seconds * 1_000]
    answer = _ask(lambda: _script(_TAKE)(_named(keys), arguments), None)
    if answer is None:
        return Taken(0)
    wait, *figures = answer
    places = zip(quotas, figures[::2], figures[1::2], strict=False)  # a locked tally tells of no quota
    standings = (Standing(quota, left, _seconds(reset)) for quota, left, reset in places)
    return Taken(_seconds(wait), tuple(standings))


def count_failures(tallies: Sequence[Tally], seconds: int) -> Counted:
    """Count one failure in each tally, unless one is locked. Each forgets `seconds` after its first."""
    keys = _named([tally.key for tally in tallies])
    arguments = [seconds * 1_000, *(tally.limit for tally in tallies)]
    answer = _ask(lambda: _script(_COUNT)(keys, arguments), None)
    return Counted(_seconds(answer[0]), tuple(answer[1:])) if answer else Counted(0)


def is_first(key: str, seconds: int) -> bool:
    """Whether nobody asked the same in so many seconds. While Valkey is away each process asks itself."""
    (name,) = _named([key])
    first = _ask(lambda: bool(_valkey().set(name, 1, nx=True, ex=seconds)), None)
    return _is_first_here(name, seconds) if first is None else first


def last_uses() -> dict[str, datetime]:
    """When each key was last used since this was asked the last time, by what `take` was told."""
    (name,) = _named([LAST_USED])

    def fetch() -> dict[bytes, bytes]:
        with _valkey().pipeline(transaction=True) as both:
            both.hgetall(name)
            both.delete(name)
            uses: dict[bytes, bytes] = both.execute()[0]
            return uses

    nothing: dict[bytes, bytes] = {}
    found = _ask(fetch, nothing)
    return {key.decode(): datetime.fromtimestamp(int(when) / 1_000, UTC) for key, when in found.items()}


class _Rest:
    """When Valkey may be asked again, and when the log may say again that it is away."""

    until = 0.0
    log_again = 0.0


_here: TTLCache[tuple[str, int], bool] = TTLCache(maxsize=4_096, ttl=3_600)
_mutex = Mutex()


def _is_first_here(name: str, seconds: int) -> bool:
    place = (name, int(monotonic() // seconds))
    with _mutex:
        known = place in _here
        _here[place] = True
    return not known


def _ask(question: Callable[[], T], otherwise: T) -> T:
    if monotonic() < _Rest.until:
        return otherwise
    try:
        return question()
    except (redis.RedisError, OSError) as error:
        _rest(error)
        return otherwise


def _rest(error: Exception) -> None:
    now = monotonic()
    _Rest.until = now + REST_SECONDS
    if now >= _Rest.log_again:
        _Rest.log_again = now + LOG_AGAIN_SECONDS
        logger.error("Valkey is away: no limit holds, and no failure is counted (%s)", type(error).__name__)


def _named(keys: Sequence[str]) -> list[str]:
    return [NAMESPACE + key for key in keys]


def _seconds(milliseconds: int) -> int:
    return math.ceil(milliseconds / 1_000)


@cache
def _valkey() -> redis.Redis:
    """One connection is kept for each thread; a stale one is made anew once."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=PATIENCE_SECONDS,
        socket_connect_timeout=PATIENCE_SECONDS,
        retry=Retry(NoBackoff(), 1),
    )


@cache
def _script(source: str) -> Callable[[Sequence[str], Sequence[Any]], list[int]]:
    script: Script = _valkey().register_script(source)
    return script
