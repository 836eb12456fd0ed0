"""What processes cost, from /proc."""

import os
from collections.abc import Iterable
from pathlib import Path

from tests.product import children_of


def family_of(pid: int) -> set[int]:
    """A process and all that descends from it."""
    return {pid}.union(*(family_of(child) for child in children_of(pid)))


def cpu_seconds(pids: Iterable[int]) -> float:
    """CPU time that living processes have used, user and system."""
    ticks = sum(_ticks(pid) for pid in pids)
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_megabytes(pids: Iterable[int]) -> float:
    """Proportional set size: what is shared counts once."""
    return sum(_pss(pid) for pid in pids) / 1024


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _pss(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
