"""The directory that holds everything one installation keeps: databases, secrets, logs and the lock."""

import fcntl
import hashlib
import json
import os
import secrets
import stat
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

CHECKOUT = Path(__file__).resolve().parents[2]
_SECONDS_FOR_LEFTOVERS = 20.0


class StateUnusable(Exception):
    """For the operator: the state directory cannot be used, and why."""


class StateLocked(Exception):
    """For the operator: another process runs from this state directory."""


class StateDirectory:
    """Where one installation keeps its state.

    Everything is for its owner only. As root the servers run as an ordinary user, who has to pass through the
    directory to reach its own part of it: then the directory may be entered, but not listed, by everybody.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def default(cls) -> "StateDirectory":
        """The state of this checkout: two clones are two installations."""
        if chosen := os.environ.get("BREASTRISK_STATE"):
            return cls(Path(chosen).resolve())
        digest = hashlib.sha256(os.fsencode(CHECKOUT)).hexdigest()[:8]
        return cls(_user_root() / "breastrisk" / f"{CHECKOUT.name}-{digest}")

    @property
    def logs(self) -> Path:
        """The folder of the log files."""
        return private_folder(self.prepare() / "logs")

    def prepare(self) -> Path:
        """Make the directory, or check that the one that is there is ours."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return private_folder(self.path, 0o711 if os.geteuid() == 0 else 0o700)

    def secret(self, name: str, make: Callable[[], str] = secrets.token_urlsafe) -> str:
        """The secret of this name, made and kept on the first call. Racing processes get the same one."""
        file = self.path / "secrets" / name
        with suppress(FileNotFoundError):
            return file.read_text(encoding="utf-8")
        _write_once(private_folder(self.prepare() / "secrets") / name, make())
        return file.read_text(encoding="utf-8")

    def replace_secret(self, name: str, text: str) -> None:
        """Keep another text as the secret of this name. Readers get the one or the other."""
        file = private_folder(self.prepare() / "secrets") / name
        _write_draft(file, text).replace(file)

    def lock(self, address: str) -> IO[str]:
        """Claim the state directory for as long as the returned file stays open.

        The remains of a killed holder are waited for: they keep the lock until they are gone.

        Raises
        ------
        StateLocked
            When a living process holds it.
        """
        file = (self.prepare() / "lock").open("a+", encoding="utf-8")
        deadline = time.monotonic() + _SECONDS_FOR_LEFTOVERS
        while not _flock(file):
            holder = _read_holder(file)
            if _is_alive(holder) or time.monotonic() > deadline:
                file.close()
                raise StateLocked(_describe(self.path, holder))
            time.sleep(0.05)
        _write_holder(file, address)
        return file


def private_folder(path: Path, mode: int = 0o700) -> Path:
    """Make a folder of our own, or check that the one that is there is ours and that others cannot write.

    Raises
    ------
    StateUnusable
        When somebody else got there first.
    """
    try:
        path.mkdir(mode=mode)
    except FileExistsError:
        _check_ours(path)
    else:
        path.chmod(mode)  # a umask may have taken more away
    return path


def _check_ours(path: Path) -> None:
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise StateUnusable(
            f"{path} is not a directory that only user {os.geteuid()} can write to. "
            "Set BREASTRISK_STATE to another place."
        )


def _user_root() -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib")
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")


def _write_once(file: Path, text: str) -> None:
    """Linking a finished file never shows half of it, and fails for all racers but one."""
    draft = _write_draft(file, text)
    with suppress(FileExistsError):
        os.link(draft, file)
    draft.unlink()


def _write_draft(file: Path, text: str) -> Path:
    descriptor, draft = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    return Path(draft)


def _flock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write_holder(file: IO[str], address: str) -> None:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    file.truncate(0)
    file.write(json.dumps({"pid": os.getpid(), "since": since, "address": address}))
    file.flush()


def _read_holder(file: IO[str]) -> dict[str, Any]:
    file.seek(0)
    try:
        return dict(json.loads(file.read()))
    except ValueError:  # it has the lock and is about to write
        return {}


def _is_alive(holder: dict[str, Any]) -> bool:
    return bool(holder) and Path(f"/proc/{holder['pid']}").exists()


def _describe(path: Path, holder: dict[str, Any]) -> str:
    return (
        f"Already running at {holder.get('address')} as process {holder.get('pid')} since "
        f"{holder.get('since')} (state directory {path}). Stop it first, or set BREASTRISK_STATE and PORT."
    )
