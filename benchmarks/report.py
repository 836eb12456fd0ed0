"""How long a report takes in the running product: `python -m benchmarks.report`.

The product is started below /tmp with a database of its own, answers the panels of real patients, and hands
out the report of each over HTTP: the first of the process, the first of each prediction, and the same again.
"""

import argparse
import http.client
import json
import time
from contextlib import closing
from statistics import median, quantiles
from urllib.parse import urlsplit

from tests.panels import age_of, as_body, values_of
from tests.product import Product, new_place, remove_place


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=main.__doc__)
    parser.add_argument("--reports", type=int, default=40)
    count = parser.parse_args().reports
    place = new_place()
    with Product(place / "state") as product:
        for line in measure(product, count):
            print(line)
    remove_place(place)


def measure(product: Product, count: int) -> list[str]:
    """The lines of a table, in milliseconds: fetching the facts as JSON stands beside for comparison."""
    key = product.manage("issue_key", "--organisation", "demo").communicate()[0].split()[-1]
    answers = [json.loads(_call(product, key, _body(patient))[1]) for patient in range(count)]
    made = [answer["id"] for answer in answers if "id" in answer]  # some are refused
    first, *firsts = [_time(product, key, f"{prediction}/report") for prediction in made]
    again = [_time(product, key, f"{prediction}/report") for prediction in made]
    facts = [_time(product, key, prediction) for prediction in made]
    return [
        "| request | p50 | p95 |",
        "|---|---|---|",
        f"| first report after the start | {first:.0f} | |",
        _line("first report of a prediction", firsts),
        _line("the same report again", again),
        _line("the facts as JSON", facts),
    ]


def _line(name: str, times: list[float]) -> str:
    return f"| {name} | {median(times):.0f} | {quantiles(times, n=20)[-1]:.0f} |"


def _body(patient: int) -> str:
    return json.dumps(as_body(values_of(patient), age_years=age_of(patient), reference=f"P-{patient}"))


def _time(product: Product, key: str, path: str) -> float:
    """Milliseconds of one request on a connection of its own."""
    start = time.perf_counter()
    status, _content = _call(product, key, None, f"predictions/{path}")
    assert status == http.HTTPStatus.OK, status  # else it would measure refusals
    return 1_000 * (time.perf_counter() - start)


def _call(product: Product, key: str, body: str | None, path: str = "predict") -> tuple[int, bytes]:
    address = urlsplit(product.url)
    headers = {"Authorization": f"Api-Key {key}", "Content-Type": "application/json"}
    with closing(http.client.HTTPConnection(str(address.hostname), address.port, timeout=30)) as connection:
        connection.request("POST" if body else "GET", f"/api/v1/{path}", body, headers)
        response = connection.getresponse()
        return response.status, response.read()


if __name__ == "__main__":
    main()
