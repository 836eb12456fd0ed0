"""Another process finds in events what this one finds."""

from struct import pack
from uuid import UUID

import pytest

from accounts import event_checks
from accounts.event_checks import Block, Checker, Row, Window, rows_in
from accounts.event_leaf import EventMac, event_leaf
from accounts.ledger import canonical_json

SECRET = "a key of the ledger"
AT_US = 1_767_225_600_000_000


def row(position, *, body=None, mac=None, columns=None, recorded_us=AT_US):
    body = body or canonical_json({"action": "test.happened", "number": position})
    mac = mac or EventMac(SECRET).of(body)
    identifier = UUID(bytes=(recorded_us // 1000).to_bytes(6, "big") + position.to_bytes(10, "big"))
    leaf = event_leaf(identifier, recorded_us, mac, body)
    data = leaf + leaf + identifier.bytes + recorded_us.to_bytes(8, "big") + mac + body
    return Row(position, data, columns or "test.happened|None|None|None|None|None|None")


def copied(rows):
    """As Postgres copies rows out (COPY, format binary)."""
    return Block(
        b"".join(
            pack(">hiqi", 3, 8, position, len(data)) + data + pack(">i", len(columns)) + columns.encode()
            for position, data, columns in rows
        )
    )


@pytest.fixture(params=["here", "there"])
def found(request, monkeypatch):
    """The kinds of what is found, in this process or in another."""
    monkeypatch.setattr(event_checks, "WORTH_A_PROCESS", 0 if request.param == "there" else 1)

    def find(*chunks):
        with Checker(SECRET, 0) as checker:
            early = [
                finding.kind
                for number, chunk in enumerate(chunks)
                for finding in checker.check(copied(chunk), Window(10 * number, AT_US - 1, AT_US + 1))
            ]
            return [*early, *(finding.kind for finding in checker.finish())]

    return find


def test_whole_events_draw_no_finding(found):
    assert found(*[[row(10 * chunk + place) for place in range(10)] for chunk in range(7)]) == []


def test_each_fault_is_named_in_the_order_of_the_rows(found):
    whole = row(0)
    edited = Row(1, row(1).data[:-1] + b" ", row(1).columns)
    later = [
        row(12, recorded_us=AT_US + 2),
        Row(13, row(13).data[: event_checks.IDENTIFIER.stop], row(13).columns),
        row(15),
    ]
    forged = row(2, mac=b"\0" * 32)
    unreadable = row(4, body=b"{")
    first = [whole, edited, forged, row(3, columns="other|None|None|None|None|None|None"), unreadable]
    assert found(first, [row(10), row(11), *later]) == [
        "event_edited",
        "event_forged",
        "columns_edited",
        "columns_edited",
        "event_backdated",
        "event_deleted",
        "leaf_missing",
    ]


@pytest.mark.parametrize("count", [0, 1, 3, 5, 9])
def test_a_block_is_split_between_rows(count):
    rows = [row(place) for place in range(5)]
    first, rest = copied(rows).split(count)
    assert [*rows_in(first.content)] == rows[:count]
    assert [*rows_in(rest.content)] == rows[count:]
    assert (len(first), len(rest)) == (len(rows[:count]), len(rows[count:]))
    assert first.leaves + rest.leaves == [each.data[event_checks.SEALED] for each in rows]


def test_a_block_tells_where_the_next_one_begins():
    assert copied([row(3), row(4), row(9)]).last == 9
