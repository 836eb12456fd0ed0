"""Who the servers run as: never root."""

import os
import pwd
import stat
from pathlib import Path

from breastrisk.embedded.process import Account
from breastrisk.embedded.state import StateDirectory, StateUnusable

SERVER_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}  # not ours, which may hold keys


def server_account() -> Account | None:
    """As root: nobody, because Postgres refuses to be root. Otherwise servers run as we do."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def server_folder(state: StateDirectory, name: str) -> Path:
    """Make the folder of one server, which belongs to the user that it runs as.

    Raises
    ------
    StateUnusable
        When that user cannot get there.
    """
    state.prepare()
    folder = state.path / name
    give_to_server(folder)
    if server_account() is not None:
        _check_passable(folder)
    return folder


def give_to_server(folder: Path) -> None:
    """Make a folder that only the user that servers run as can enter."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if account := server_account():
        os.chown(folder, account.uid, account.gid, follow_symlinks=False)


def _check_passable(folder: Path) -> None:
    for parent in folder.parents:
        if not parent.stat().st_mode & stat.S_IXOTH:
            raise StateUnusable(
                f"As root the servers run as nobody, who cannot pass {parent}. "
                f"Set BREASTRISK_STATE to another place, or `chmod o+x {parent}`."
            )
