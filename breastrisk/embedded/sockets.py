"""Where the servers' Unix sockets are. A path that is too long for the kernel is replaced by a short one."""

import hashlib
import os
from pathlib import Path

from breastrisk.embedded.account import give_to_server
from breastrisk.embedded.state import StateDirectory, private_folder

_LONGEST_PATH = 106  # bytes: sockaddr_un has 108, with a final zero, and Postgres wants one less
_SHARED = Path("/tmp")  # noqa: S108 (not TMPDIR: every process has to find the same; the owner is checked)


def socket_folder(state: StateDirectory, server: str, socket: str) -> Path:
    """With the server's data where that is short enough, otherwise in a folder of ours under /tmp."""
    folder = state.path / server
    if len(os.fsencode(folder / socket)) <= _LONGEST_PATH:
        return folder
    return _short_root(state) / server


def prepare_socket_folder(state: StateDirectory, server: str, socket: str) -> Path:
    """Make the folder of a server's socket, unless it is the server's own."""
    folder = socket_folder(state, server, socket)
    if folder.parent == _short_root(state):
        private_folder(folder.parent, 0o711)
        give_to_server(folder)
    return folder


def _short_root(state: StateDirectory) -> Path:
    digest = hashlib.sha256(os.fsencode(state.path)).hexdigest()[:16]
    return _SHARED / f"breastrisk-{os.geteuid()}-{digest}"
