"""A closed-loop HTTP client for loopback: as many connections as asked for, each one request at a time."""

import asyncio
import time
from dataclasses import dataclass
from statistics import quantiles


@dataclass(frozen=True)
class Load:
    """What a server did in one round: latencies in seconds, sorted, and the time it all took."""

    latencies: list[float]
    seconds: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, percent: int) -> float:
        """A percentile of the latency, in milliseconds."""
        return 1_000 * quantiles(self.latencies, n=100)[percent - 1]


class WrongAnswer(AssertionError):
    """A server answered something else than a prediction."""


def drive(port: int, request: bytes, expected: bytes, connections: int, seconds: float) -> Load:
    """Send one request over and over; `expected` begins the status line of every answer."""
    return asyncio.run(_drive(port, request, expected, connections, seconds))


def as_request(path: str, body: bytes, **headers: str) -> bytes:
    """The bytes of a POST over a connection that is kept alive."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def _drive(port: int, request: bytes, expected: bytes, connections: int, seconds: float) -> Load:
    start = time.perf_counter()
    clients = [_repeat(port, request, expected, start + seconds) for _ in range(connections)]
    latencies = [latency for batch in await asyncio.gather(*clients) for latency in batch]
    return Load(sorted(latencies), time.perf_counter() - start)


async def _repeat(port: int, request: bytes, expected: bytes, until: float) -> list[float]:
    latencies = []
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (begin := time.perf_counter()) < until:
        writer.write(request)
        if await _read_answer(reader, expected) == b"close":
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        latencies.append(time.perf_counter() - begin)
    writer.close()
    return latencies


async def _read_answer(reader: asyncio.StreamReader, expected: bytes) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(expected):
        raise WrongAnswer(head.decode())
    headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
    await reader.readexactly(int(headers[b"content-length"]))
    return headers.get(b"connection", b"")
