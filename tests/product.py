"""The whole product, as `python manage.py up` starts it, for tests that look at it from outside."""

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
_OURS_ONLY = ("DATABASE_URL", "REDIS_URL", "HOST", "PRODUCTION", "DJANGO_SETTINGS_MODULE")
_COMMANDS = {
    "web": "granian",
    "worker": "celery",
    "postgres": "postgres -D",
    "valkey": "valkey-server",
    "training": "ml_models.training",
}


def _heed_signals() -> None:
    """Under nohup or in the background tests run with these ignored, which children inherit."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class ProductEnded(AssertionError):
    """It ended, or took too long, before it was ready."""


class Product:
    """One running product with a state directory, a model store and a port of its own.

    Attributes
    ----------
    url
        What the Ready line said.
    links
        The one-time sign-in links of a first start, by label.
    """

    def __init__(self, state: Path, port: int | None = None, **environment: str) -> None:
        self.state = state
        self.port = port or free_port()
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in _OURS_ONLY},
            "BREASTRISK_STATE": str(state),
            "MODEL_STORE": str(state.with_name(f"{state.name}-releases")),
            "PORT": str(self.port),
            **environment,
        }
        self.lines: list[str] = []
        self.url = ""
        self.links: dict[str, str] = {}
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread

    def __enter__(self) -> "Product":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def process(self) -> subprocess.Popen[str]:
        """The launcher."""
        assert self._process is not None, "start it first"
        return self._process

    @property
    def pid(self) -> int:
        """The launcher's process."""
        return self.process.pid

    @property
    def output(self) -> str:
        """What the launcher has printed so far."""
        return "\n".join(self.lines)

    def launch(self) -> None:
        """Run `manage.py up`, without waiting."""
        self._process = self.manage("up")
        self._reader = threading.Thread(target=self._collect, args=(self._process,), daemon=True)
        self._reader.start()

    def start(self, seconds: float = 90) -> None:
        """Run `manage.py up` and wait until it is ready."""
        self.launch()
        self.wait_for("Ready: ", seconds)
        time.sleep(0.2)  # the links come right behind
        found = re.search(r"^Ready: (\S+)", self.output, re.MULTILINE)
        assert found
        self.url = found[1]
        self.links = dict(re.findall(r"^ {2}(.+), once: (\S+)$", self.output, re.MULTILINE))

    def wait_for(self, text: str, seconds: float = 30) -> None:
        """Wait until the launcher has printed a text."""
        deadline = time.monotonic() + seconds
        while text not in self.output:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise ProductEnded(f"No {text!r} in: {self._tell_story()}")
            time.sleep(0.02)

    def stop(self, number: signal.Signals = signal.SIGINT, seconds: float = 40) -> int:
        """End it as Ctrl-C does, and give its exit status."""
        self.process.send_signal(number)
        return self.wait_for_end(seconds)

    def manage(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a management command in the environment of this product."""
        return subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=CHECKOUT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=_heed_signals,  # noqa: PLW1509 (it takes no lock)
        )

    def wait_until(self, holds: Callable[[], object], seconds: float = 30) -> None:
        """Wait until something is the case."""
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                raise ProductEnded(f"Waited in vain: {self._tell_story()}")
            time.sleep(0.05)

    def wait_for_end(self, seconds: float = 40) -> int:
        """Wait until it has ended by itself, and give its exit status."""
        status = self.process.wait(seconds)
        self._reader.join()
        return status

    def child(self, name: str) -> int:
        """The process of the web server, the worker, postgres, valkey or the training; 0 if there is none."""
        return next((pid for pid in children_of(self.pid) if _COMMANDS[name] in command_of(pid)), 0)

    def members(self, name: str) -> set[int]:
        """A child and all that descends from it."""
        return descendants_of(self.child(name))

    def family(self) -> set[int]:
        """The launcher and all that descends from it."""
        return descendants_of(self.pid)

    def _tell_story(self) -> str:
        """What was printed, and the end of every log."""
        logs = sorted(self.state.glob("logs/*.log"))
        return "\n".join([self.output, *(f"{log.name}: {log.read_text()[-1500:]}" for log in logs)])

    def _collect(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            self.lines.extend(line.rstrip("\n") for line in lines)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def new_place() -> Path:
    """A new directory that other users can pass, which those of pytest are not."""
    place = Path("/tmp") / f"breastrisk-test-{secrets.token_hex(4)}"  # noqa: S108
    place.mkdir(mode=0o755)
    place.chmod(0o755)
    return place


def remove_place(place: Path) -> None:
    """Remove what `new_place` made."""
    shutil.rmtree(place)


def descendants_of(pid: int) -> set[int]:
    """A process, its children, theirs, and so on."""
    family, generation = {pid}, {pid}
    while generation := {child for parent in generation for child in children_of(parent)}:
        family |= generation
    return family


def children_of(pid: int) -> set[int]:
    """The children of all threads of a process."""
    found: set[int] = set()
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found.update(map(int, file.read_text().split()))
    return found


def command_of(pid: int) -> str:
    """The command line of a process, empty if it is gone or a zombie."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return ""


def wait_until_gone(pids: set[int], seconds: float = 15) -> set[int]:
    """Wait until processes have ended, and give those that have not."""
    deadline = time.monotonic() + seconds
    while (left := {pid for pid in pids if command_of(pid)}) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left
