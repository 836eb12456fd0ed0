"""A tiny process that outlives a killed launcher by moments, to end what the launcher started.

A parent-death signal reaches the launcher's own children only. Their children, such as the web server's and
the task queue's workers, may be left over; the watchdog knows their process groups.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

_SECONDS_OF_GRACE = 5.0


class Watchdog:
    """The launcher's end.

    Parameters
    ----------
    kept_open
        Descriptors that the watchdog keeps open until everything has ended, such as that of a lock.
    """

    def __init__(self, kept_open: Sequence[int] = ()) -> None:
        # Run as a file and without site packages, it starts in a moment and stays small.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(__file__))],
            stdin=subprocess.PIPE,
            start_new_session=True,
            pass_fds=kept_open,
            cwd="/",
        )

    def watch(self, group: int) -> None:
        """End this process group when the launcher is gone."""
        self._tell(f"+{group}")

    def forget(self, group: int) -> None:
        """This process group has ended, and its number may come to belong to somebody else."""
        self._tell(f"-{group}")

    def close(self) -> None:
        """Everything has ended."""
        self._process.communicate()

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None  # noqa: S101 (it is a pipe)
        with suppress(BrokenPipeError):
            self._process.stdin.write(f"{line}\n".encode())
            self._process.stdin.flush()


def main() -> None:
    """Note the groups until the pipe ends, which is when the launcher does; then see to their end."""
    groups: set[int] = set()
    for line in sys.stdin:
        (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    deadline = time.monotonic() + _SECONDS_OF_GRACE
    while any(_send(group, 0) for group in groups) and time.monotonic() < deadline:
        time.sleep(0.05)
    for group in groups:
        _send(group, signal.SIGKILL)


def _send(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    main()
