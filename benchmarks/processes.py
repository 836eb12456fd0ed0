"""What processes cost, from /proc."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tests.product import children_of


def family_of(pid: int) -> set[int]:
    """A process and all that descends from it."""
    return {pid}.union(*(family_of(child) for child in children_of(pid)))


def cpu_seconds(pids: Iterable[int]) -> float:
    """CPU time that processes and their ended children have used, user and system."""
    ticks = sum(_ticks(pid) for pid in pids)
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_megabytes(pids: Iterable[int]) -> float:
    """Proportional set size: what is shared counts once."""
    return sum(_pss(pid) for pid in pids) / 1024


def _ticks(pid: int) -> int:
    fields = _read(pid, "stat").rpartition(")")[2].split()
    return sum(map(int, fields[11:15]))


def _pss(pid: int) -> int:
    lines = _read(pid, "smaps_rollup").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _read(pid: int, name: str) -> str:
    """A file of a process; empty where it has just ended, as Postgres's helpers do."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/{name}").read_text()
    return ""
