"""`predict` against Flask and a pickle: the same model and panel, in turns, in one run."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.load import Load, as_request, drive
from benchmarks.processes import cpu_seconds, family_of, resident_megabytes
from tests.panels import age_of, as_body, values_of
from tests.product import Product, free_port, new_place, remove_place

HERE = Path(__file__).parent
PEERS = HERE / ".peers"
RESULTS = HERE / "results"
CONNECTIONS = (1, 8, 32)
PATIENT = 0
PRODUCT = "this product"
# Runs in the product, which has the keys.
UNSEAL = """
import json
from pathlib import Path
from django.conf import settings
from ml_models.sealing import Expected, open_part
from predictions import releases
release = releases.find_release()
folder = Path(settings.MODEL_STORE) / release.name / release.version
names = ("model.joblib.sealed", "manifest.json", "seal.json")
sealed = [(folder / name).read_bytes() for name in names]
expected = Expected(release.name, release.version, release.sha256)
content, manifest = open_part("pickle", *sealed, expected, releases.keys())
Path({model!r}).write_bytes(content)
Path({symbols!r}).write_text(json.dumps(manifest.symbols))
"""
GUNICORN = {
    "Flask + pickle, gunicorn sync x 2": ["--workers=2"],
    "Flask + pickle, gunicorn gthread 2 x 8": ["--workers=2", "--worker-class=gthread", "--threads=8"],
}


@dataclass
class Server:
    """One of the compared, running: where it listens, what it is sent, and which processes it is."""

    name: str
    port: int
    request: bytes
    expected: bytes
    pids: Callable[[], set[int]]
    rounds: dict[int, list["Round"]] = field(default_factory=lambda: {count: [] for count in CONNECTIONS})


@dataclass(frozen=True)
class Round:
    """One server under one load."""

    load: Load
    cpu_milliseconds: float


def compare(rounds: int, seconds: float) -> str:
    """Run it and return Markdown."""
    with ExitStack() as stack:
        place = new_place()
        stack.callback(remove_place, place)
        product = stack.enter_context(Product(place / "state"))
        model = _unseal(product, place)
        servers = [_measured_product(product)]
        servers += [stack.enter_context(_peer(name, place, model)) for name in GUNICORN]
        for server in servers:
            drive(server.port, server.request, server.expected, 8, seconds)  # warm up
        for number in range(rounds):
            _run_round(servers, number, seconds)
        memory = {server.name: resident_megabytes(server.pids()) for server in servers}
        return _report(servers, memory, rounds, seconds)


def _run_round(servers: list[Server], number: int, seconds: float) -> None:
    """Each load, each server once, in an order that rotates from round to round."""
    for connections in CONNECTIONS:
        turn = number % len(servers)
        for server in servers[turn:] + servers[:turn]:
            before = cpu_seconds(server.pids())
            load = drive(server.port, server.request, server.expected, connections, seconds)
            spent = cpu_seconds(server.pids()) - before
            server.rounds[connections].append(Round(load, 1_000 * spent / len(load.latencies)))


def _measured_product(product: Product) -> Server:
    key = product.manage("issue_key", "--organisation", "demo").communicate()[0].split()[-1]
    request = as_request("/api/v1/predict", _panel(), Authorization=f"Api-Key {key}")
    pids = partial(_web_and_database, product)
    return Server(PRODUCT, product.port, request, b"HTTP/1.1 201", pids)


def _web_and_database(product: Product) -> set[int]:
    return family_of(product.child("web")) | family_of(product.child("postgres"))


def _panel() -> bytes:
    return json.dumps(as_body(values_of(PATIENT), age_years=age_of(PATIENT))).encode()


def _unseal(product: Product, place: Path) -> dict[str, str]:
    """Open the product's own sealed pickle for the peers."""
    code = UNSEAL.format(model=str(place / "model.joblib"), symbols=str(place / "symbols.json"))
    opened = product.manage("shell", "--no-imports", "--command", code)
    output, _ = opened.communicate()
    if opened.returncode:
        raise RuntimeError(output)
    return {"PEER_MODEL": str(place / "model.joblib"), "PEER_SYMBOLS": str(place / "symbols.json")}


@contextmanager
def _peer(name: str, place: Path, model: dict[str, str]) -> Iterator[Server]:
    port = free_port()
    command = [
        *(_peer_python(), "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--keep-alive", "60"),
        *(*GUNICORN[name], "benchmarks.peers.flask_app:app"),
    ]
    log = (place / f"{port}.log").open("w")
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    environment = {**os.environ, **model, **threads}
    process = subprocess.Popen(command, cwd=HERE.parent, env=environment, stdout=log, stderr=log)
    try:
        _wait_until_answering(port)
        request = as_request("/predict", _panel())
        yield Server(name, port, request, b"HTTP/1.1 200", partial(family_of, process.pid))
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def _wait_until_answering(port: int) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/predict", _panel(), {"Content-Type": "application/json"}
    )
    for _ in range(200):
        try:
            urllib.request.urlopen(request, timeout=5).close()  # noqa: S310
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"the peer on port {port} never answered")


def _peer_python() -> str:
    """The peers' own environment, made on the first run and again when its requirements change."""
    wanted = (HERE / "peers" / "requirements.txt").read_bytes()
    installed = PEERS / "requirements.txt"
    if not installed.exists() or installed.read_bytes() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", PEERS], check=True)
        pip = [str(PEERS / "bin" / "python"), "-m", "pip", "install", "--quiet", "--require-hashes"]
        subprocess.run([*pip, "-r", str(HERE / "peers" / "requirements.txt")], check=True)
        installed.write_bytes(wanted)
    return str(PEERS / "bin" / "python")


def _report(servers: list[Server], memory: dict[str, float], rounds: int, seconds: float) -> str:
    lines = [
        f"`predict`, {rounds} rounds of {seconds:g} s for each load, servers in turns; {os.cpu_count()} "
        f"processors, which the client shares; Python {sys.version.split()[0]}. Medians over the rounds.",
        "",
        "| server | connections | p50 ms | p99 ms | requests/s | CPU ms a request | PSS MB |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [_row(server, count, memory[server.name]) for server in servers for count in CONNECTIONS]
    lines += [
        "",
        "| this product / the better Flask, paired | connections | p50 | p99 | requests/s | CPU |",
        "|---|---|---|---|---|---|",
    ]
    lines += [_ratio_row(servers, count) for count in CONNECTIONS]
    return "\n".join(lines) + "\n"


def _row(server: Server, connections: int, memory: float) -> str:
    rounds = server.rounds[connections]
    p50, p99 = (median(r.load.percentile(p) for r in rounds) for p in (50, 99))
    rate, cpu = median(r.load.rate for r in rounds), median(r.cpu_milliseconds for r in rounds)
    return (
        f"| {server.name} | {connections} | {p50:.2f} | {p99:.2f} | {rate:.0f} | {cpu:.2f} | {memory:.0f} |"
    )


def _ratio_row(servers: list[Server], connections: int) -> str:
    product, *peers = servers
    best = max(peers, key=lambda peer: median(r.load.rate for r in peer.rounds[connections]))
    pairs = list(zip(product.rounds[connections], best.rounds[connections], strict=True))
    figures = (
        [a.load.percentile(50) / b.load.percentile(50) for a, b in pairs],
        [a.load.percentile(99) / b.load.percentile(99) for a, b in pairs],
        [a.load.rate / b.load.rate for a, b in pairs],
        [a.cpu_milliseconds / b.cpu_milliseconds for a, b in pairs],
    )
    ratios = " | ".join(f"{median(f):.2f} [{min(f):.2f}-{max(f):.2f}]" for f in figures)
    return f"| {best.name} | {connections} | {ratios} |"


def save(report: str) -> Path:
    """Keep the report beside the others."""
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / "predict.md"
    file.write_text(report, encoding="utf-8")
    return file
