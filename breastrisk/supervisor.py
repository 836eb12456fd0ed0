"""What `python manage.py up` does: start everything, keep it running, and end all of it."""

import http.client
import ipaddress
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from breastrisk import environment
from breastrisk.certificate import ensure_certificate
from breastrisk.embedded import postgres, valkey
from breastrisk.embedded.process import Server, ServerFailed, spawn
from breastrisk.embedded.state import StateDirectory
from breastrisk.embedded.watchdog import Watchdog

if TYPE_CHECKING:
    from predictions.releases import Trained

_CHECKOUT = Path(__file__).resolve().parents[1]
_STOPPED_IN_ORDER = ("training", "web", "worker", valkey.NAME, postgres.NAME)
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_READY_PATH = "/api/v1/health/ready"
_LIVE_PATH = "/api/v1/health/live"
_SECONDS_UNTIL_READY = 120.0
_FIRST_DELAY, _LONGEST_DELAY = 0.5, 30.0
_SECONDS_THAT_MEAN_WELL = 60.0
_FIRST_STEPS = "Open the clinician's link, press 'Sign in', then 'Read the risk'. Ctrl-C ends everything."
_NEXT_TIME = "A new sign-in link: .venv/bin/python manage.py sign_in_link EMAIL. Ctrl-C ends everything."
# The matrices are small: more threads take longer, and the other cores from the rest of the start.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class AddressTaken(Exception):
    """For the operator: nothing can listen on the wanted address."""


class _Stopped(BaseException):
    """The operator wants everything to end. Nothing that handles errors may stand in the way."""


@dataclass
class _Child:
    start: Callable[[], Server]
    server: Server
    started: float
    delay: float = _FIRST_DELAY
    due: float | None = None


class Supervisor:
    """Starts the servers that are not given by DATABASE_URL and REDIS_URL, the web server and the worker."""

    def __init__(self, state: StateDirectory, host: str, port: int) -> None:
        self._state = state
        self._host = host
        self._port = port
        self._tls = environment.read_flag("TLS")
        self._children: dict[str, _Child] = {}
        self._watchdog: Watchdog

    @property
    def address(self) -> str:
        """Where a browser finds it. Passkeys work on the name localhost, not on the number."""
        ip = ipaddress.ip_address(self._host)
        scheme = "https" if self._tls else "http"
        return f"{scheme}://{'localhost' if ip.is_loopback or ip.is_unspecified else ip}:{self._port}"

    def run(self) -> None:
        """Start everything, and come back when the operator has ended it.

        Raises
        ------
        StateLocked, AddressTaken
            Before anything has been started.
        ServerFailed
            When something cannot be started; then everything else has ended too.
        """
        with self._state.lock(self.address) as lock:
            _check_free(self._host, self._port)
            self._watchdog = Watchdog([lock.fileno()])
            try:
                _raise_on_stop_signals()
                self._start()
                self._supervise()
            except _Stopped:
                pass
            finally:
                self._stop()

    def _start(self) -> None:
        if not self._marker.exists():  # takes as long as all the rest, so it goes beside it
            self._add("training", self._spawn_training)
        if not environment.read("REDIS_URL", ""):
            self._add(valkey.NAME, lambda: valkey.start(self._state))
        if not environment.read("DATABASE_URL", ""):
            self._add(postgres.NAME, lambda: postgres.start(self._state))
        _migrate()
        self._separate_roles()
        self._add("web", self._spawn_web)
        links = self._make_demo()
        self._ensure_release()
        self._add("worker", self._spawn_worker)  # only now: it would take the training's time
        self._wait_until_ready()
        self._announce(links)

    def _supervise(self) -> NoReturn:
        while True:
            self._tend()
            time.sleep(0.1)

    def _stop(self) -> None:
        _ignore_stop_signals()
        for name in _STOPPED_IN_ORDER:
            self._remove(name)
        self._watchdog.close()

    def _add(self, name: str, start: Callable[[], Server]) -> None:
        self._children[name] = _Child(start, self._watched(start), time.monotonic())

    def _remove(self, name: str) -> None:
        if child := self._children.pop(name, None):
            self._end(child)

    def _watched(self, start: Callable[[], Server]) -> Server:
        server = start()
        self._watchdog.watch(server.process.pid)
        return server

    def _end(self, child: _Child) -> None:
        child.server.stop()
        self._watchdog.forget(child.server.process.pid)

    def _tend(self) -> None:
        """Start again what has ended, sooner or later by how often it did."""
        for name, child in self._children.items():
            if child.due is None and not child.server.is_running:
                self._note_end(name, child)
            elif child.due is not None and time.monotonic() >= child.due:
                self._restart(name, child)

    def _note_end(self, name: str, child: _Child) -> None:
        self._end(child)  # its children may be left, and hold the port
        if time.monotonic() - child.started > _SECONDS_THAT_MEAN_WELL:
            child.delay = _FIRST_DELAY
        self._postpone(name, child, f"ended with status {child.server.process.returncode}")

    def _restart(self, name: str, child: _Child) -> None:
        child.due = None
        try:
            child.server = self._watched(child.start)
            child.started = time.monotonic()
        except ServerFailed as failure:
            self._postpone(name, child, str(failure))

    def _postpone(self, name: str, child: _Child, reason: str) -> None:
        log = child.server.log
        print(f"{name}: {reason}; again in {child.delay:g} s. See {log}", file=sys.stderr, flush=True)
        child.due = time.monotonic() + child.delay
        child.delay = min(2 * child.delay, _LONGEST_DELAY)

    def _spawn_web(self) -> Server:
        arguments = (
            *(
                "--interface",
                "wsgi",
                "--host",
                self._host,
                "--port",
                str(self._port),
                "--http",
                "1",
                "--no-ws",
            ),
            *("--workers", "2", "--blocking-threads", "8", "--backpressure", "64"),
            *("--respawn-failed-workers", "--respawn-interval", "0.5", "--workers-kill-timeout", "5"),
            *("--log-level", "warning", "--no-access-log"),
            *self._certificate(),
        )
        return self._spawn_python("web", "granian", *arguments, "breastrisk.wsgi:application")

    def _certificate(self) -> tuple[str, ...]:
        if not self._tls:
            return ()
        certificate, key = ensure_certificate(self._state, self._host)
        return "--ssl-certificate", str(certificate), "--ssl-keyfile", str(key)

    def _spawn_worker(self) -> Server:
        schedule = str(self._state.path / "beat-schedule")
        arguments = (
            *("--app", "breastrisk", "worker", "--beat", "--schedule", schedule, "--concurrency", "2"),
            *("--loglevel", "WARNING", "--without-gossip", "--without-mingle"),
        )
        return self._spawn_python("worker", "celery", *arguments)

    def _spawn_training(self) -> Server:
        from django.conf import settings  # noqa: PLC0415

        return spawn(
            [sys.executable, "-m", "ml_models.training", "--store", str(self._drafts)],
            log=self._state.logs / "training.log",
            environment={**os.environ, **settings.MODEL_KEYS_ENVIRONMENT, **_ONE_THREAD},
            cwd=_CHECKOUT,
            stdout=subprocess.PIPE,
        )

    def _spawn_python(self, name: str, module: str, *arguments: str) -> Server:
        return spawn(
            [sys.executable, "-m", module, *arguments],
            log=self._state.logs / f"{name}.log",
            environment=os.environ,
            cwd=_CHECKOUT,
        )

    @property
    def _marker(self) -> Path:
        """Says that there was a first release. The database knows better, but cannot be asked as soon."""
        return self._state.path / "first-release"

    @property
    def _drafts(self) -> Path:
        """Training knows folders only, and no Django: from here its release is copied into the store."""
        return self._state.path / "first-release-draft"

    def _ensure_release(self) -> None:
        from predictions import lifecycle, releases  # noqa: PLC0415

        if not releases.any_registered():
            if "training" not in self._children:  # another database than last time
                self._add("training", self._spawn_training)
            lifecycle.start_with(self._publish(self._finish_training()))
        self._remove("training")
        shutil.rmtree(self._drafts, ignore_errors=True)
        self._marker.touch()

    def _finish_training(self) -> "Trained":
        server = self._children["training"].server
        output, _ = server.process.communicate()
        if server.process.returncode != 0:
            raise ServerFailed(f"The training of the first release failed. See {server.log}")
        trained: Trained = json.loads(output.splitlines()[-1])
        return trained

    def _publish(self, trained: "Trained") -> "Trained":
        """Copy the first release to where MODEL_STORE says, unless a start that was cut off, or another one
        with the same store, has brought one there.
        """
        from ml_models.registry import ReleaseExistsError, ReleaseStore  # noqa: PLC0415
        from ml_models.sealing import SealBroken  # noqa: PLC0415
        from predictions import releases  # noqa: PLC0415

        name, version = trained["name"], trained["version"]
        try:
            with suppress(ReleaseExistsError):
                ReleaseStore(self._drafts).copy(name, version, releases.store())
            manifest = releases.store().manifest(name, version, releases.keys())
        except (SealBroken, OSError) as error:
            raise ServerFailed(f"The first release cannot be stored: {error}") from error
        return {"name": name, "version": version, "sha256": manifest.sha256}

    def _separate_roles(self) -> None:
        """In a database that is given, whoever runs it decides: `manage.py secure_database`."""
        if postgres.NAME not in self._children:
            return
        from accounts.database_roles import SIGNING_IN, separate_roles  # noqa: PLC0415

        separate_roles({role: postgres.password(self._state, role) for role in SIGNING_IN})

    def _make_demo(self) -> list[tuple[str, str]]:
        """Nobody but the person at this machine may get sign-in links for the asking."""
        from accounts.demo import create_demo  # noqa: PLC0415

        if postgres.NAME not in self._children or not ipaddress.ip_address(self._host).is_loopback:
            return []
        return create_demo(self.address)

    def _wait_until_ready(self) -> None:
        from django.db import connections  # noqa: PLC0415

        from predictions import releases  # noqa: PLC0415

        # With its release in quarantine the product still shows what it has predicted.
        path = _READY_PATH if releases.any_live() else _LIVE_PATH
        connections.close_all()  # from here on the launcher only looks on
        deadline = time.monotonic() + _SECONDS_UNTIL_READY
        while obstacle := self._ask_for_obstacle(path):
            if time.monotonic() > deadline:
                raise ServerFailed(f"The web server is not ready: {obstacle}. See {self._state.logs}")
            self._tend()
            time.sleep(0.05)

    def _ask_for_obstacle(self, path: str) -> str:
        """What stands between the web server and being ready, if anything."""
        host = "127.0.0.1" if ipaddress.ip_address(self._host).is_unspecified else self._host
        connection = self._connection(host)
        try:
            connection.request("GET", path, headers={"Host": f"localhost:{self._port}"})
            answer = connection.getresponse()
            return "" if answer.status == http.HTTPStatus.OK else f"{answer.status} {answer.read().decode()}"
        except (OSError, http.client.HTTPException) as error:
            return str(error) or type(error).__name__
        finally:
            connection.close()

    def _connection(self, host: str) -> http.client.HTTPConnection:
        if not self._tls:
            return http.client.HTTPConnection(host, self._port, timeout=5)
        certificate, _ = ensure_certificate(self._state, self._host)
        trusting = ssl.create_default_context(cafile=str(certificate))
        return http.client.HTTPSConnection(host, self._port, timeout=5, context=trusting)

    def _announce(self, links: list[tuple[str, str]]) -> None:
        print(f"Ready: {self.address}", flush=True)
        for label, link in links:
            print(f"  {label}, once: {link}", flush=True)
        print(_FIRST_STEPS if links else _NEXT_TIME, flush=True)


def _migrate() -> None:
    from django.core.management import call_command  # noqa: PLC0415

    call_command("migrate", verbosity=0, interactive=False)


def _check_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise AddressTaken(
            f"Cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}. Set PORT."
        ) from None


def _raise_on_stop_signals() -> None:
    def stop(*_: object) -> None:
        _ignore_stop_signals()
        raise _Stopped

    for number in _STOP_SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:  # as under nohup
            signal.signal(number, stop)


def _ignore_stop_signals() -> None:
    for number in _STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
