"""Sealing with real commits: two sealers at once, and transactions that end late or in nothing."""

from contextlib import closing
from threading import Thread

import psycopg2
from django.db import connection

from accounts import ledger, sealer
from accounts.models import Event
from tests.ledger.test_sealer import leaves, record


def test_two_sealers_at_once_seal_every_event_once(transactional_db):
    record(2_000)
    counts = []

    def seal():
        counts.append(sealer.seal_waiting())
        connection.close()

    threads = [Thread(target=seal) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 2_000
    assert len(leaves()) == len({event_id for event_id, _ in leaves()}) == 2_000


def test_what_commits_late_or_never_is_sealed_late_or_never(transactional_db):
    address = connection.get_connection_params()
    options = {
        name: address[name] for name in ("host", "port", "user", "password", "dbname") if name in address
    }
    with closing(psycopg2.connect(**options)) as slow, closing(psycopg2.connect(**options)) as failing:
        for visitor in (slow, failing):
            body = ledger.canonical_json({"action": "test.late"})
            visitor.cursor().execute(
                "INSERT INTO audit.event (body, mac) VALUES (%s, %s)", [body, ledger.mac_of(body)]
            )
        record(3)
        assert sealer.seal_waiting() == 3
        slow.commit()
        failing.rollback()
    assert sealer.seal_waiting() == 1
    assert [Event.objects.get(id=event_id).action for event_id, _ in leaves()][3] == "test.late"
