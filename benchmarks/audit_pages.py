"""How long the pages of the audit trail take over millions of events: `python -m benchmarks.audit_pages`.

A scratch database below /tmp is filled (`benchmarks.many_events`), read by an auditor of its largest
organisation through Django's test client, and removed. Ten million events take ten minutes and 20 GB.
"""

import argparse
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median, quantiles
from typing import TYPE_CHECKING

import django
from django.core.management import call_command

from breastrisk.embedded import postgres
from breastrisk.embedded.state import StateDirectory
from tests.product import new_place, remove_place

if TYPE_CHECKING:
    from uuid import UUID

    from django.test import Client

    from benchmarks.many_events import Cast

LIST = "/admin/accounts/event/"
DEEP = 1_000


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.audit_pages", description=main.__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeats", type=int, default=40)
    options = parser.parse_args()
    with _scratch_database():
        from django.utils import timezone  # noqa: PLC0415 - Django is set up by now

        from accounts import tallies  # noqa: PLC0415
        from benchmarks import many_events  # noqa: PLC0415

        cast = many_events.fill(options.rows)
        tallies.count_days(timezone.now().date())
        print(f"{options.rows:,} events; milliseconds of {options.repeats} requests each\n")
        print("\n".join(measure(cast, options.repeats)))


def measure(cast: "Cast", repeats: int) -> Iterator[str]:
    """The lines of a table: each page, its median and its 95th percentile in milliseconds."""
    from django.test import Client  # noqa: PLC0415 - likewise

    from tests.cast import sign_in  # noqa: PLC0415 - likewise

    client = sign_in(Client(headers={"host": "localhost"}), cast.auditor)
    yield "| page | p50 | p95 |\n|---|---|---|"
    for name, address in _pages(cast).items():
        p50, p95 = _time(client, address, repeats)
        yield f"| {name} | {p50:.0f} | {p95:.0f} |"


def _time(client: "Client", address: str, repeats: int) -> tuple[float, float]:
    assert client.get(address).status_code == 200, address
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        client.get(address)
        taken.append(1_000 * (time.perf_counter() - began))
    return median(taken), quantiles(taken, n=20)[-1]


def _pages(cast: "Cast") -> dict[str, str]:
    from accounts.models import Event  # noqa: PLC0415 - likewise
    from accounts.timeline import find_page  # noqa: PLC0415 - likewise

    scope = frozenset([cast.organisations[0].id])
    before: UUID | None = None
    for _ in range(DEEP):
        before = find_page(scope, {}, before).oldest
    case = Event.objects.filter(organisation=cast.organisations[0], case_digest__isnull=False)[5_000]
    person, key = f"person={cast.people[1].id}", f"key={cast.keys[0].id}"
    release, action = "release=rotterdam76-ridge+1.1.0", "action=prediction.refused"
    since = "since=2025-01-01T00:00&until=2025-01-02T00:00"
    lists = {
        "first page": "",
        f"page {DEEP}": f"before={before}",
        "a case": f"case={case.case_digest}",
        "a person": person,
        "a key": key,
        "a release": release,
        "an action": action,
        "a rare action": "action=audit.listed",
        "an action that never happened": "action=release.retired",
        "a day": since,
        "a person and an action": f"{person}&{action}",
        "a key and an action": f"{key}&{action}",
        "a release and an action": f"{release}&{action}",
        "a key and a release": f"{key}&{release}",
        "a person and a day": f"{person}&{since}",
        "a case and an action": f"case={case.case_digest}&{action}",
        "an action and a day": f"{action}&{since}",
        "another organisation": f"organisation={cast.organisations[5].id}",
        "a key and an action it never does": f"{key}&action=person.signed_in",
    }
    others = {"one event": f"{LIST}{case.id}/change/", "charts": f"{LIST}charts/"}
    return {name: f"{LIST}?{query}" for name, query in lists.items()} | others


@contextmanager
def _scratch_database() -> Iterator[None]:
    """An embedded Postgres of its own, migrated; the settings find it by the environment."""
    place = new_place()
    os.environ.update(BREASTRISK_STATE=str(place / "state"), DJANGO_SETTINGS_MODULE="breastrisk.settings")
    state = StateDirectory.default()
    os.environ["DATABASE_URL"] = postgres.url(state)
    server = postgres.start(state)
    try:
        django.setup()
        call_command("migrate", verbosity=0)
        yield
    finally:
        server.stop()
        remove_place(place)


if __name__ == "__main__":
    main()
