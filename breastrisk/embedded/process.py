"""Child processes that end with their parent, however the parent ends."""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

_PR_SET_PDEATHSIG = 1
_LOG_LINES_SHOWN = 8
_libc = ctypes.CDLL(None)  # loaded here: between fork and exec nothing may be loaded any more


class ServerFailed(Exception):
    """For the operator: a child process could not be started."""


@dataclass(frozen=True)
class Account:
    """The user that a child runs as."""

    uid: int
    gid: int


@dataclass
class Server:
    """A running child, leader of a session and a process group of its own."""

    process: subprocess.Popen[bytes]
    log: Path
    stop_signal: signal.Signals

    @property
    def name(self) -> str:
        """What its log is called after."""
        return self.log.stem

    @property
    def is_running(self) -> bool:
        """Whether the child, apart from its own children, is alive."""
        return self.process.poll() is None

    def wait_until(self, is_ready: Callable[[], bool], seconds: float = 30.0) -> None:
        """Wait until it is ready.

        Raises
        ------
        ServerFailed
            When it ends instead, or takes too long.
        """
        try:
            self._wait_until(is_ready, time.monotonic() + seconds)
        except BaseException:  # also an interrupt: nobody knows of it yet who could stop it
            self.stop()
            raise

    def stop(self, seconds: float = 10.0) -> None:
        """Ask it to end and wait for that; then end by force whatever is left of its group."""
        if self.is_running:
            self.process.send_signal(self.stop_signal)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _wait_until(self, is_ready: Callable[[], bool], deadline: float) -> None:
        while not is_ready():
            if not self.is_running or time.monotonic() > deadline:
                raise ServerFailed(f"{self.name} did not start. {self.log} ends with:\n{self._log_end()}")
            time.sleep(0.02)

    def _log_end(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-_LOG_LINES_SHOWN:])


def spawn(
    command: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str],
    stop_signal: signal.Signals = signal.SIGTERM,
    account: Account | None = None,
    cwd: Path | None = None,
    stdin: IO[bytes] | None = None,
    stdout: int | None = None,
) -> Server:
    """Start a child whose output goes to its log, except for the standard output if `stdout` says otherwise.

    Call it from a thread that lives as long as the child should: for the kernel the parent is not the process
    but the *thread* that started the child.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=cwd,
            stdin=stdin or subprocess.DEVNULL,
            stdout=output if stdout is None else stdout,
            stderr=output,
            start_new_session=True,
            preexec_fn=_end_with_parent(stop_signal),  # noqa: PLW1509 (it calls nothing that takes a lock)
            **_as_user(account),
        )
    return Server(process, log, stop_signal)


def run(
    command: Sequence[str], *, environment: Mapping[str, str], account: Account | None, text: str = ""
) -> str:
    """Run a program to its end, with a text as its input, and give its output.

    Raises
    ------
    ServerFailed
        When it fails.
    """
    done: subprocess.CompletedProcess[str] = subprocess.run(
        command,
        input=text,
        capture_output=True,
        check=False,
        cwd="/",
        env=environment,
        encoding="utf-8",
        preexec_fn=_end_with_parent(signal.SIGKILL),
        **_as_user(account),
    )
    if done.returncode != 0:
        raise ServerFailed(f"{Path(command[0]).name} failed: {done.stderr.strip()}")
    return done.stdout


def _as_user(account: Account | None) -> dict[str, Any]:
    """The arguments that make subprocess change the user, without any of our groups."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def _end_with_parent(stop_signal: signal.Signals) -> Callable[[], None]:
    parent = os.getpid()

    def ask_for_signal() -> None:
        # Runs after the change of user, which would have cleared the request.
        _libc.prctl(_PR_SET_PDEATHSIG, int(stop_signal))
        if os.getppid() != parent:  # it ended before we asked
            os._exit(1)

    return ask_for_signal
