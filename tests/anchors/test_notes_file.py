"""The file of notes: how it reads, what a power cut leaves, who else may write to it."""

import fcntl
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

import pytest

from accounts.anchors import AnchorAway, AnchorConflict, notes_file, open_anchor
from tests.anchors.notes import OTHER_ROOT, note_of
from tests.product import CHECKOUT

NOBODY = 65534
SET_FLAGS = 0x40006602 | struct.calcsize("l") << 16  # linux/fs.h: FS_IOC_SETFLAGS


@pytest.fixture
def path(tmp_path):
    return tmp_path / "notes.log"


@pytest.fixture
def anchor(path):
    return open_anchor(f"file://{path}")


@pytest.fixture
def of_another():
    """A file that another account owns, below folders of that account; and this account is not root."""
    if os.geteuid() != 0:
        yield Path("/etc/passwd")
        return
    folder = Path(tempfile.mkdtemp())  # pytest's own folders let nobody else through
    folder.chmod(0o755)
    (folder / "notes.log").touch()
    (folder / "notes.log").chmod(0o666)
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield folder / "notes.log"
    finally:
        os.seteuid(0)
        os.setegid(0)
        shutil.rmtree(folder)


@pytest.fixture
def open_to_this_account(path, of_another):
    """A file in a folder that this account, which is not root, may write to."""
    if os.getuid() != 0:
        path.touch()
        return path
    os.seteuid(0)
    of_another.parent.chmod(0o777)
    os.seteuid(NOBODY)
    return of_another


@contextmanager
def append_only(path):
    """With the attribute where these tests may set it and the file system has it; says whether."""
    with path.open("rb") as file:
        was_set = change_attributes(file, lambda flags: flags | notes_file._FS_APPEND_FL)
        try:
            yield was_set
        finally:
            change_attributes(file, lambda flags: flags & ~notes_file._FS_APPEND_FL)


def change_attributes(file, change):
    account = os.geteuid()
    if os.getuid() == 0:
        os.seteuid(0)
    try:
        (flags,) = struct.unpack("i4x", fcntl.ioctl(file, notes_file._FS_IOC_GETFLAGS, bytes(8)))
        fcntl.ioctl(file, SET_FLAGS, struct.pack("i4x", change(flags)))
    except OSError:
        return False
    finally:
        os.seteuid(account)
    return True


def test_a_person_can_read_it(anchor, path):
    anchor.keep(1, b"ledger.example\n1\nroot\n\n-- signed\n")
    anchor.keep(2, b"ledger.example\n2\nroot\n\n-- signed\n")
    assert path.read_text().splitlines() == [
        *("ledger.example", "1", "root", "", "-- signed", "--"),
        *("ledger.example", "2", "root", "", "-- signed", "--"),
    ]


@pytest.mark.parametrize("cut", range(1, len(note_of(2)) + 3))
def test_wherever_a_power_cut_tears_a_record_the_next_keep_goes_on(anchor, path, cut):
    anchor.keep(1, note_of(1))
    before = path.read_bytes()
    torn = before + (note_of(2) + b"--\n")[:cut]
    path.write_bytes(torn)
    assert list(anchor.notes()) == [note_of(1)]
    anchor.keep(3, note_of(3))
    anchor.keep(2, note_of(2))
    assert list(anchor.notes()) == [note_of(1), note_of(2), note_of(3)]
    assert path.read_bytes().startswith(torn), "an append-only file takes no repair"


def test_a_first_record_that_is_torn_is_no_note(anchor, path):
    path.write_bytes(b"ledg")
    anchor.keep(1, note_of(1))
    assert list(anchor.notes()) == [note_of(1)]
    assert path.read_bytes() == b"ledg\n(torn)\n--\n" + note_of(1) + b"--\n"


def test_what_others_added_is_read_for_the_verifier(anchor, path):
    anchor.keep(7, note_of(7))
    path.write_bytes(path.read_bytes() + b"\xff\n--\n\n--\n" + note_of(7, OTHER_ROOT) + b"--\n")
    assert list(anchor.notes()) == [b"\xff\n", b"\n", note_of(7), note_of(7, OTHER_ROOT)]
    with pytest.raises(AnchorConflict):
        anchor.keep(7, note_of(7))


def test_processes_that_add_at_once_lose_and_tear_nothing(anchor):
    code = (
        "import sys; from accounts.anchors import open_anchor; from tests.anchors.notes import note_of\n"
        "for size in map(int, sys.argv[2:]): open_anchor(sys.argv[1]).keep(size, note_of(size))"
    )
    shares = [[*range(start, 200, 3), 500] for start in range(3)]
    running = [
        subprocess.Popen([sys.executable, "-c", code, anchor.name, *map(str, share)], cwd=CHECKOUT)
        for share in shares
    ]
    assert [process.wait(timeout=60) for process in running] == [0, 0, 0]
    assert list(anchor.notes()) == [note_of(size) for size in (*range(200), 500)]


def test_a_lock_that_is_never_given_back_is_told_within_seconds(anchor, path, monkeypatch):
    monkeypatch.setattr(notes_file, "LOCK_SECONDS", 0.2)
    anchor.keep(1, note_of(1))
    with path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        started = time.monotonic()
        with pytest.raises(AnchorAway, match="another process keeps it locked"):
            anchor.keep(2, note_of(2))
        assert time.monotonic() - started < 3
        assert list(anchor.notes()) == [note_of(1)]


def test_a_full_disk_is_told():
    with pytest.raises(OSError, match="No space left"), FileIO("/dev/full", "a") as full:
        notes_file._append(full, note_of(1))


def test_what_is_no_regular_file_is_told_at_once(anchor, path):
    def told():
        for ask in (lambda: anchor.keep(1, note_of(1)), lambda: list(anchor.notes())):
            with pytest.raises(AnchorAway, match=f"^file://{path}: "):
                ask()
        path.rmdir() if path.is_dir() else path.unlink()

    os.mkfifo(path)
    told()
    path.mkdir()
    told()
    path.symlink_to("/dev/zero")
    told()


def test_a_folder_that_is_not_mounted_is_away_not_empty(tmp_path):
    anchor = open_anchor(f"file://{tmp_path}/mounted/notes.log")
    for ask in (lambda: anchor.keep(1, note_of(1)), lambda: list(anchor.notes())):
        with pytest.raises(AnchorAway, match="No such file"):
            ask()


def test_what_is_not_there_yet_is_weak(anchor, path):
    (weakness,) = anchor.weaknesses()
    assert weakness.startswith(f"{path} is not there yet")


def test_the_append_only_attribute_is_seen(anchor, path):
    anchor.keep(1, note_of(1))
    cuttable = f"This account can cut {path} off: make it append-only (as root, chattr +a)."
    assert cuttable in anchor.weaknesses()
    with append_only(path) as is_set:
        assert (cuttable in anchor.weaknesses()) is not is_set
        anchor.keep(2, note_of(2))
    assert list(anchor.notes()) == [note_of(1), note_of(2)]


def test_a_file_of_this_account_in_a_folder_of_this_account_is_weak(anchor, path):
    anchor.keep(1, note_of(1))
    told = " ".join(anchor.weaknesses())
    if os.geteuid() == 0:
        assert "The product runs as root" in told
    else:
        assert f"{path} belongs to this account" in told
        assert f"can replace {path} by way of {path.parent}" in told


def test_a_file_of_another_account_is_weak_only_while_it_can_be_cut_off(of_another):
    anchor = open_anchor(f"file://{of_another}")
    (weakness,) = anchor.weaknesses()
    assert weakness.startswith(f"This account can cut {of_another} off")
    with append_only(of_another) as is_set:
        if is_set:
            assert anchor.weaknesses() == []
            anchor.keep(1, note_of(1))
            for destroy in (lambda: of_another.write_bytes(b""), of_another.unlink):
                with pytest.raises(PermissionError):
                    destroy()
            assert list(anchor.notes()) == [note_of(1)]


def test_a_folder_that_lets_this_account_write_is_weak_whoever_owns_the_file(open_to_this_account):
    told = open_anchor(f"file://{open_to_this_account}").weaknesses()
    expected = f"This account can replace {open_to_this_account} by way of {open_to_this_account.parent}"
    assert any(weakness.startswith(expected) for weakness in told)
