"""`python -m benchmarks.ledger`: how fast the audit trail is appended to, sealed and verified.

In a scratch database of its own, durable as the product's. Appending is compared with a plain table of the
same bodies, in turns, from 8 connections that commit each row.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Thread

CLIENTS = 8
PLAIN = "INSERT INTO plain (id, body) VALUES (gen_random_uuid(), %s)"
EVENT = "INSERT INTO audit.event (body, mac) VALUES (%s, %s)"


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ledger", description=main.__doc__)
    parser.add_argument("--events", type=int, default=500_000, help="how many are sealed and verified")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of appending, for each table in a round")
    options = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="breastrisk-bench-"))
    place.chmod(0o711)
    os.environ["BREASTRISK_STATE"] = str(place)
    os.environ["DJANGO_SETTINGS_MODULE"] = "breastrisk.settings"
    try:
        _measure(options.events, options.rounds, options.seconds)
    finally:
        shutil.rmtree(place)


def _measure(events: int, rounds: int, seconds: float) -> None:
    from breastrisk.embedded import postgres  # noqa: PLC0415 - the place is chosen first
    from breastrisk.embedded.state import StateDirectory  # noqa: PLC0415 - likewise

    state = StateDirectory.default()
    server = postgres.start(state)
    try:
        os.environ["DATABASE_URL"] = postgres.url(state)
        import django  # noqa: PLC0415 - likewise

        django.setup()
        _prepare()
        _append(rounds, seconds)
        _fill(events)
        _seal_and_verify()
    finally:
        server.stop()


def _prepare() -> None:
    from django.core.management import call_command  # noqa: PLC0415 - Django is set up now
    from django.db import connection  # noqa: PLC0415 - likewise

    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE plain (id uuid PRIMARY KEY, body bytea NOT NULL)")


def _append(rounds: int, seconds: float) -> None:
    ratios = []
    for _ in range(rounds):
        plain = _rate(lambda cursor: cursor.execute(PLAIN, [_body()]), seconds)
        event = _rate(lambda cursor: cursor.execute(EVENT, _event()), seconds)
        ratios.append(plain / event)
        print(f"appended by {CLIENTS} clients: plain table {plain:,.0f}/s, audit trail {event:,.0f}/s")
    print(f"a plain table takes {statistics.median(ratios):.2f} times as many (median of {rounds} rounds)")


def _rate(insert: Callable[..., None], seconds: float) -> float:
    counts: list[int] = []
    threads = [Thread(target=_insert_for, args=[insert, seconds, counts]) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


def _insert_for(insert: Callable[..., None], seconds: float, counts: list[int]) -> None:
    import psycopg2  # noqa: PLC0415 - its start is not measured

    with closing(psycopg2.connect(os.environ["DATABASE_URL"])) as connection:
        connection.autocommit = True
        cursor, count, end = connection.cursor(), 0, time.monotonic() + seconds
        while time.monotonic() < end:
            insert(cursor)
            count += 1
    counts.append(count)


def _body() -> bytes:
    from uuid import uuid4  # noqa: PLC0415 - likewise

    from accounts import ledger  # noqa: PLC0415 - Django is set up now

    facts = {name: uuid4() for name in ("organisation", "api_key", "prediction")}
    digests = {name: uuid4().hex * 2 for name in ("input_sha256", "result_sha256", "case_digest")}
    return ledger.canonical_json({"action": "benchmark.appended", "door": "api", **facts, **digests})


def _event() -> tuple[bytes, bytes]:
    from accounts import ledger  # noqa: PLC0415 - likewise

    body = _body()
    return body, ledger.mac_of(body)


def _fill(events: int) -> None:
    from django.db import connection  # noqa: PLC0415 - likewise
    from psycopg2.extras import execute_values  # noqa: PLC0415 - likewise

    connection.ensure_connection()
    with connection.connection.cursor() as cursor:
        for _ in range(0, events, 5_000):
            rows = [_event() for _ in range(5_000)]
            execute_values(cursor, "INSERT INTO audit.event (body, mac) VALUES %s", rows, page_size=1_000)
        cursor.execute("ANALYZE audit.event")


def _seal_and_verify() -> None:
    from django.db import connection  # noqa: PLC0415 - likewise

    from accounts import sealer, verification  # noqa: PLC0415 - likewise

    start = time.monotonic()
    sealed = sealer.seal_waiting()
    print(f"sealed: {sealed:,} events, {sealed / (time.monotonic() - start):,.0f}/s")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE audit.leaf")
    start = time.monotonic()
    findings = list(verification.verify())
    print(f"verified: {sealed / (time.monotonic() - start):,.0f}/s, {len(findings)} findings")


if __name__ == "__main__":
    main()
