"""Quotas and failures: shared by processes, exact, and never a reason to be away when Valkey is."""

import subprocess
import sys
import time
from collections import Counter

import pytest
import redis
from django.conf import settings

from accounts import counters
from accounts.counters import Quota, Tally, count_failures, is_first, last_uses, take

# Takes from the same quota in a process of its own.
TAKE_ELSEWHERE = """
import django
django.setup()
from accounts import counters
counters.NAMESPACE = {namespace!r}
print(sum(not counters.take([counters.Quota("n", "shared", 100, 86_400)]).wait for _ in range(80)))
"""


@pytest.fixture
def away(monkeypatch):
    """Valkey does not answer."""
    monkeypatch.setattr(settings, "REDIS_URL", "redis://127.0.0.1:1/0")
    _forget(monkeypatch)
    yield
    _forget(monkeypatch)


def _forget(monkeypatch):
    counters._valkey.cache_clear()
    counters._script.cache_clear()
    monkeypatch.setattr(counters._Rest, "until", 0.0)
    monkeypatch.setattr(counters._Rest, "log_again", 0.0)


def test_a_quota_lets_through_what_it_says_and_tells_how_it_stands():
    quota = Quota("predict-key", "k", 5, 60)
    left = [take([quota]).standings[0].remaining for _ in range(5)]
    assert left == [4, 3, 2, 1, 0]
    refused = take([quota])
    assert refused.wait == 12  # a fifth of a minute for each
    assert (refused.standings[0].remaining, refused.standings[0].reset) == (0, 60)


@pytest.mark.parametrize("requests", [1, 7, 600, 1_000_000])
def test_no_quota_is_lost_to_rounding(requests):
    quota = Quota("n", f"k{requests}", requests, 3_600)
    let_through = sum(not take([quota]).wait for _ in range(min(requests, 600) + 1))
    assert let_through == min(requests, 600) + (requests > 600)
    assert take([quota]).standings[0].remaining <= requests


def test_a_quota_fills_again_with_time():
    quota = Quota("n", "k", 2, 1)
    assert [take([quota]).wait for _ in range(3)] == [0, 0, 1]
    time.sleep(0.55)
    assert take([quota]).wait == 0


def test_of_several_quotas_all_are_taken_or_none_is():
    wide, narrow = Quota("wide", "w", 10, 60), Quota("narrow", "n", 1, 60)
    take([wide, narrow])
    refused = take([wide, narrow])
    assert refused.wait > 0
    assert [standing.remaining for standing in refused.standings] == [9, 0]
    assert take([wide]).standings[0].remaining == 8


def test_processes_share_what_they_count():
    code = TAKE_ELSEWHERE.format(namespace=counters.NAMESPACE)
    running = [
        subprocess.Popen([sys.executable, "-W", "ignore", "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert sum(int(process.communicate()[0]) for process in running) == 100


def test_from_its_limit_on_a_tally_is_locked_and_counts_no_further():
    tallies = (Tally("pair", 3), Tally("everywhere", 0))
    assert [count_failures(tallies, 60).counts for _ in range(3)] == [(1, 1), (2, 2), (3, 3)]
    locked = count_failures(tallies, 60)
    assert (locked.wait, locked.counts) == (60, ())
    assert take([], tallies[:1]).wait == 60
    assert take([], [Tally("another", 3)]).wait == 0


def test_a_locked_tally_takes_from_no_quota():
    count_failures([Tally("t", 1)], 60)
    quota = Quota("n", "k", 5, 60)
    assert take([quota], [Tally("t", 1)]).standings == ()
    assert take([quota]).standings[0].remaining == 4


def test_what_is_asked_for_the_first_time_is_first_once():
    assert [is_first("x", 60), is_first("x", 60), is_first("y", 60)] == [True, False, True]


def test_when_a_key_was_used_is_fetched_once():
    take([], used="key")
    assert set(last_uses()) == {"key"}
    assert last_uses() == {}


def test_while_valkey_is_away_everything_is_allowed_and_the_log_says_so_once(away, caplog):
    quota = Quota("n", "k", 1, 60)
    begin = time.perf_counter()
    assert [take([quota]).wait for _ in range(50)] == [0] * 50
    assert time.perf_counter() - begin < 0.5
    assert count_failures([Tally("t", 1)], 60).wait == 0
    assert last_uses() == {}
    assert Counter(is_first("x", 60) for _ in range(10)) == {True: 1, False: 9}
    counters._Rest.until = 0.0
    take([quota])
    assert [record.message for record in caplog.records] == [
        "Valkey is away: no limit holds, and no failure is counted (ConnectionError)"
    ]


def test_everything_is_one_round_trip():
    quotas = [Quota("n", f"k{number}", 1_000, 60) for number in range(4)]
    take(quotas)
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        before = client.info("commandstats")["cmdstat_evalsha"]["calls"]
        take(quotas, [Tally("a", 5), Tally("b", 5)], used="key")
        assert client.info("commandstats")["cmdstat_evalsha"]["calls"] == before + 1
