"""The stand-alone verifier finds what was done to a ledger, spares a sound one, and never falls over."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import signed_notes
from accounts.merkle import ProofRefused, verify_inclusion
from accounts.signed_notes import Checkpoint, NoteRefused, SigningKey, open_note, sign
from tests.ledger.forgeries import inclusions, inclusions_near
from tests.ledger.hostile_notes import KEY, NEWER_KEY, NOTE, ROOT, STRANGER, accepted_notes, refused_notes
from tests.ledger.ledgers import LEDGER, Entry, made_event, resealed, write
from tests.ledger.script import PATH, script

KEYS = ["--key", KEY.verifier.text, "--key", NEWER_KEY.verifier.text]
SCRIPT_KEYS = [script.read_key(key.verifier.text) for key in (KEY, NEWER_KEY, STRANGER)]
PRODUCT_KEYS = [key.verifier for key in (KEY, NEWER_KEY, STRANGER)]

Forgery = Callable[[list[Entry]], list[Entry]]


@pytest.fixture
def verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Run the verifier over entries; gives its exit status and what it printed."""

    def run(kind: str, entries: list[Entry], *options: str) -> tuple[int, str]:
        status = script.main([kind, str(write(tmp_path / "file", *entries)), *KEYS, *options])
        return status, capsys.readouterr().out

    return run


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes.log"
    path.write_bytes(b"".join(note + b"--\n" for note in LEDGER.notes.values()))
    return path


# What agrees with the product


def test_the_script_believes_the_same_inclusions_as_the_product():
    for right in inclusions():
        for claim in (right, *inclusions_near(right)):
            assert is_accepted(script.verify_inclusion, claim, script.Refused) == is_accepted(
                verify_inclusion, claim, ProofRefused
            ), claim


@pytest.mark.parametrize("note", [*accepted_notes().values(), *refused_notes().values()])
def test_the_script_opens_the_same_notes_as_the_product(note: bytes):
    assert opened_by_script(note) == opened_by_product(note)


@settings(deadline=None, database=None)
@given(st.integers(0, len(NOTE) - 1), st.binary(max_size=2))
def test_the_script_opens_the_same_altered_notes_as_the_product(place: int, change: bytes):
    note = NOTE[:place] + change + NOTE[place + 1 :]
    assert opened_by_script(note) == opened_by_product(note)


@pytest.mark.parametrize(
    "at", ["at 2026-07-01T10:00:00.000000Z", "at 2026-02-29T10:00:00.000000Z", "at 2026"]
)
@pytest.mark.parametrize("prev", [f"prev {'A' * 43}=", f"prev {'A' * 43}B", "prev ", "previous"])
def test_the_script_reads_the_same_chain_as_the_product(prev: str, at: str):
    note = sign(Checkpoint(KEY.name, 7, ROOT, (prev, at)), KEY)
    assert chain_by_script(note) == chain_by_product(note)


def is_accepted(verify, claim, refusal) -> bool:
    try:
        verify(*claim)
    except refusal:
        return False
    return True


def opened_by_script(note: bytes):
    try:
        opened = script.open_note(note, SCRIPT_KEYS)
    except script.Refused:
        return None
    return opened.origin, opened.size, opened.root, tuple(opened.extensions)


def opened_by_product(note: bytes):
    try:
        opened = open_note(note, PRODUCT_KEYS)
    except NoteRefused:
        return None
    return opened.origin, opened.size, opened.root, opened.extensions


def chain_by_script(note: bytes):
    try:
        return script.open_note(note, SCRIPT_KEYS).chain()
    except script.Refused:
        return None


def chain_by_product(note: bytes):
    try:
        opened = open_note(note, PRODUCT_KEYS)
        return signed_notes.previous(opened), signed_notes.at(opened)
    except NoteRefused:
        return None


# Ed25519


def test_the_published_signatures_are_right():
    # RFC 8032, 7.1, tests 1 to 3.
    for public, message, signature in [
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
            "d25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
            "387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
            "4a7c15e9716ed28dc027beceea1ec40a",
        ),
    ]:
        assert script.is_signed(*map(bytes.fromhex, (public, message, signature)))


@settings(max_examples=60, deadline=None, database=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=99), st.integers(0, 63), st.integers(0, 255))
def test_the_script_believes_the_same_signatures_as_openssl(private, message, place, change):
    key = Ed25519PrivateKey.from_private_bytes(private)
    public, signature = key.public_key(), bytearray(key.sign(message))
    signature[place] ^= change
    assert script.is_signed(public.public_bytes_raw(), message, bytes(signature)) == is_signed(
        public, message, bytes(signature)
    )


def test_a_second_signature_made_from_the_first_is_refused():
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    public, signature = key.public_key(), key.sign(b"text")
    scalar = int.from_bytes(signature[32:], "little") + script.ORDER
    malleable = signature[:32] + scalar.to_bytes(32, "little")
    assert not script.is_signed(public.public_bytes_raw(), b"text", malleable)
    assert not is_signed(public, b"text", malleable)


def is_signed(public: Ed25519PublicKey, message: bytes, signature: bytes) -> bool:
    try:
        public.verify(signature, message)
    except InvalidSignature:
        return False
    return True


# Receipts


@pytest.mark.parametrize("index", range(11))
def test_a_receipt_is_sound(verify, index: int):
    status, output = verify("receipt", [LEDGER.receipt(index)])
    assert (status, "FINDING" in output) == (0, False)
    assert f"number {index} of 11" in output


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"index": 4}, "another root"),
        ({"index": 11}, "none at 11"),
        ({"size": 12}, "the checkpoint is of 11 events"),
        ({"leaf_sha256": "00" * 32}, "leaf_sha256"),
        ({"proof": LEDGER.proof(4)}, "another root"),
        ({"proof": LEDGER.proof(5)[1:]}, "too short"),
        ({"proof": [*LEDGER.proof(5), LEDGER.proof(5)[0]]}, "too long"),
        ({"event": LEDGER.events[4].fields}, "another root"),
        ({"checkpoint": LEDGER.notes[7].decode()}, "the checkpoint is of 7 events"),
        ({"checkpoint": LEDGER.notes[11].decode().replace("\n11\n", "\n12\n")}, "signature"),
        ({"checkpoint": "\ud800"}, "cut off"),
        ({"checkpoint": sign(Checkpoint(KEY.name, 11, ROOT), KEY).decode()}, "another root"),
        (
            {"checkpoint": sign(Checkpoint("strange", 11, ROOT), SigningKey("strange", ROOT)).decode()},
            "no given key",
        ),
    ],
)
def test_a_receipt_is_found_to_be_forged(verify, change: Entry, finding: str):
    status, output = verify("receipt", [{**LEDGER.receipt(5), **change}])
    assert status == 1
    assert finding in output


@pytest.mark.parametrize(
    "change",
    [
        {"format": "breastrisk-receipt/2"},
        {"more": 1},
        {"index": True},
        {"index": "5"},
        {"index": -1},
        {"index": 5.0},
        {"size": 10**30},
        {"proof": "AAAA"},
        {"proof": [1]},
        {"proof": ["AAA"]},
        {"checkpoint": None},
        {"event": []},
        {"event": {**LEDGER.events[5].fields, "id": "no"}},
        {"event": {**LEDGER.events[5].fields, "id": str(LEDGER.events[5].id).upper()}},
        {"event": {**LEDGER.events[5].fields, "mac": "AAAA"}},
        {"event": {**LEDGER.events[5].fields, "recorded_us": 2**62}},
        {"event": {**LEDGER.events[5].fields, "body": "é"}},
        {"event": {}},
    ],
)
def test_what_is_no_receipt_is_unusable(verify, change: Entry):
    status, output = verify("receipt", [{**LEDGER.receipt(5), **change}])
    assert (status, output[:8]) == (2, "UNUSABLE")


# Exports


def test_a_complete_export_is_sound(verify, notes: Path):
    status, output = verify("export", LEDGER.complete(), "--anchored", str(notes))
    assert (status, "FINDING" in output) == (0, False)
    assert "11 events sealed, 1 not yet, 4 checkpoints" in output
    assert "4 notes kept outside, of which 0 could not be compared" in output


def test_a_partial_export_is_sound_and_says_what_it_cannot_tell(verify, notes: Path):
    status, output = verify("export", LEDGER.partial(0, 5, 10), "--anchored", str(notes))
    assert (status, "FINDING" in output) == (0, False)
    assert "3 events proven" in output
    assert "What was left out cannot be seen" in output


def test_notes_may_be_kept_in_a_folder(verify, tmp_path: Path):
    folder = tmp_path / "kept" / "2026"
    folder.mkdir(parents=True)
    for size, note in LEDGER.notes.items():
        (folder / f"{size}.note").write_bytes(note)
    status, output = verify("export", LEDGER.complete(), "--anchored", str(tmp_path / "kept"))
    assert status == 0
    assert "4 notes kept outside" in output


def test_without_notes_kept_outside_a_cut_off_end_is_said_to_be_invisible(verify):
    status, output = verify("export", truncated(LEDGER.complete()))
    assert status == 0
    assert "a cut-off end could not have been seen" in output


def place_of(entries: list[Entry], index: int) -> int:
    return next(place for place, entry in enumerate(entries) if entry.get("index") == index)


def checkpoint_places(entries: list[Entry]) -> list[int]:
    return [place for place, entry in enumerate(entries) if "checkpoint" in entry]


def edited(entries: list[Entry]) -> list[Entry]:
    entries[place_of(entries, 5)]["body"] = made_event(5, b"{}").fields["body"]
    return entries


def back_dated(entries: list[Entry]) -> list[Entry]:
    entries[place_of(entries, 5)]["recorded_us"] -= 1
    return entries


def deleted(entries: list[Entry]) -> list[Entry]:
    del entries[place_of(entries, 5)]
    return entries


def renumbered(entries: list[Entry]) -> list[Entry]:
    return numbered(deleted(entries))


def numbered(entries: list[Entry]) -> list[Entry]:
    events = [entry for entry in entries if entry.get("index") is not None]
    for index, event in enumerate(events):
        event["index"] = index
    return entries


def reordered(entries: list[Entry]) -> list[Entry]:
    one, other = place_of(entries, 5), place_of(entries, 6)
    entries[one], entries[other] = entries[other], entries[one]
    return numbered(entries)


def inserted(entries: list[Entry]) -> list[Entry]:
    place = place_of(entries, 5)
    return numbered([*entries[:place], {"index": 5, **made_event(99).fields}, *entries[place:]])


def checkpoint_edited(entries: list[Entry]) -> list[Entry]:
    entry = entries[checkpoint_places(entries)[1]]
    entry["checkpoint"] = entry["checkpoint"].replace("\n4\n", "\n5\n")
    return entries


def checkpoint_removed(entries: list[Entry]) -> list[Entry]:
    del entries[checkpoint_places(entries)[1]]
    return entries


def first_checkpoint_removed(entries: list[Entry]) -> list[Entry]:
    del entries[checkpoint_places(entries)[0]]
    return entries


def last_checkpoint_removed(entries: list[Entry]) -> list[Entry]:
    del entries[checkpoint_places(entries)[-1]]
    return entries


def checkpoints_swapped(entries: list[Entry]) -> list[Entry]:
    one, other, *_ = checkpoint_places(entries)
    entries[one], entries[other] = entries[other], entries[one]
    return entries


def signed_by_a_stranger(entries: list[Entry]) -> list[Entry]:
    opened = open_note(LEDGER.notes[4], [KEY.verifier])
    entries[checkpoint_places(entries)[1]]["checkpoint"] = sign(opened, SigningKey(KEY.name, ROOT)).decode()
    return entries


def truncated(entries: list[Entry]) -> list[Entry]:
    return entries[: checkpoint_places(entries)[2] + 1]


def dated_back(entries: list[Entry]) -> list[Entry]:
    """Sign the last checkpoint with a time before the others."""
    opened = open_note(LEDGER.notes[11], [NEWER_KEY.verifier])
    earlier = replace(opened, extensions=(opened.extensions[0], "at 2025-01-01T00:00:00.000000Z"))
    entries[checkpoint_places(entries)[-1]]["checkpoint"] = sign(earlier, NEWER_KEY).decode()
    return entries


def sealed_anew(_: list[Entry]) -> list[Entry]:
    return resealed(5).complete()


def of_another_origin(entries: list[Entry]) -> list[Entry]:
    return [{**entries[0], "origin": "another.example"}, *entries[1:]]


@pytest.mark.parametrize(
    ("forgery", "finding"),
    [
        (edited, "line 11, checkpoint: the events up to here are not those that were sealed"),
        (back_dated, "line 11, checkpoint: the events up to here are not those that were sealed"),
        (deleted, "event 6 stands where event 5 belongs"),
        (renumbered, "it is of 7 events but stands after 6"),
        (reordered, "line 11, checkpoint: the events up to here are not those that were sealed"),
        (inserted, "it is of 7 events but stands after 8"),
        (checkpoint_edited, "the signature of ledger.example/log is wrong"),
        (checkpoint_removed, "does not name the checkpoint before it"),
        (first_checkpoint_removed, "does not name the checkpoint before it"),
        (last_checkpoint_removed, "4 events have an index, but no checkpoint after them"),
        (checkpoints_swapped, "it is of fewer events than the checkpoint before it"),
        (signed_by_a_stranger, "no given key has signed it"),
        (of_another_origin, "it is of another ledger"),
        (dated_back, "it is older than the checkpoint before it"),
    ],
)
def test_it_is_found_that_a_complete_export_was(verify, forgery: Forgery, finding: str):
    status, output = verify("export", forgery(LEDGER.complete()))
    assert status == 1
    assert finding in output


@pytest.mark.parametrize(
    ("forgery", "finding"),
    [
        (truncated, "notes.log, note 4: the export is cut off after 7 of 11 events"),
        (sealed_anew, "notes.log, note 3: it has another root of 7 events than the export"),
        (last_checkpoint_removed, "note 4: its checkpoint of 11 events is not in the export"),
    ],
)
def test_the_notes_kept_outside_show_that_a_complete_export_was(
    verify, notes: Path, forgery: Forgery, finding: str
):
    status, output = verify("export", forgery(LEDGER.complete()), "--anchored", str(notes))
    assert status == 1
    assert finding in output


@pytest.mark.parametrize(
    ("entries", "finding"),
    [
        (edited(LEDGER.partial(5)), "another root"),
        (LEDGER.partial(6, 5), "event 5 stands after event 6"),
        (LEDGER.partial(5, 5), "event 5 stands after event 5"),
        (checkpoint_removed(LEDGER.partial(5)), "does not name the checkpoint before it"),
        ([LEDGER.partial()[0], *LEDGER.partial(5)[5:]], "no checkpoint to prove it against"),
        ([LEDGER.partial()[0], *LEDGER.partial()[1:4]], "cut off after 7 of 11 events"),
        (resealed(5).partial(5), "note 3: it has another root"),
    ],
)
def test_what_is_wrong_with_a_partial_export_is_found(
    verify, notes: Path, entries: list[Entry], finding: str
):
    status, output = verify("export", entries, "--anchored", str(notes))
    assert status == 1
    assert finding in output


def test_what_a_power_cut_left_of_a_note_and_was_ended_is_passed_over(verify, tmp_path: Path):
    first, second = list(LEDGER.notes.values())[:2]
    (tmp_path / "notes.log").write_bytes(first + b"--\n" + second[:40] + b"\n(torn)\n--\n" + second + b"--\n")
    status, output = verify("export", LEDGER.complete(), "--anchored", str(tmp_path / "notes.log"))
    assert (status, "2 notes kept outside" in output) == (0, True)


@pytest.mark.parametrize(
    "kept", [b"", b"torn", LEDGER.notes[3] + b"--\n" + LEDGER.notes[4][:-9], b"--\n" * 3]
)
def test_notes_that_are_torn_are_told(verify, tmp_path: Path, kept: bytes):
    (tmp_path / "torn.log").write_bytes(kept)
    status, output = verify("export", LEDGER.complete(), "--anchored", str(tmp_path / "torn.log"))
    assert status == (1 if kept else 2)
    assert "torn.log" in output


@pytest.mark.parametrize(
    ("checkpoint", "key", "finding"),
    [
        (Checkpoint(KEY.name, 0, ROOT), KEY, "it has another root of 0 events"),
        (Checkpoint(KEY.name, 5, ROOT), KEY, "it has another root of 5 events"),
        (Checkpoint(STRANGER.name, 5, ROOT), STRANGER, "it is of another ledger"),
        (Checkpoint(KEY.name, 5, ROOT), SigningKey(KEY.name, ROOT), "no given key has signed it"),
    ],
)
def test_a_note_kept_outside_that_does_not_fit_is_told(
    verify, tmp_path: Path, checkpoint: Checkpoint, key: SigningKey, finding: str
):
    (tmp_path / "kept").write_bytes(sign(checkpoint, key))
    options = ["--anchored", str(tmp_path / "kept"), "--key", STRANGER.verifier.text]
    status, output = verify("export", LEDGER.complete(), *options)
    assert status == 1
    assert finding in output


def test_a_line_longer_than_any_is_refused_without_being_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "export"
    path.write_bytes(b" " * (script.MAXIMUM_LINE + 1) + json.dumps(LEDGER.complete()[0]).encode())
    assert script.main(["export", str(path), *KEYS]) == 2
    assert "longer than" in capsys.readouterr().out


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b"{" * 100_000,
        b"[" * 100_000,
        b'{"checkpoint": NaN}',
        b'{"checkpoint": 1e999}',
        b'{"checkpoint": "a", "checkpoint": "b"}',
        b'{"checkpoint": ' + b"1" * 10_000 + b"}",
        b'{"index": 0}',
        b'{"index": null, "id": {}, "recorded_us": 0, "mac": "", "body": ""}',
        b'{"checkpoint": 5}',
        b'{"index": 0, "checkpoint": "\\ud800"}',
    ],
)
@pytest.mark.parametrize("first", [b"", json.dumps(LEDGER.complete()[0]).encode() + b"\n"])
def test_any_other_line_makes_an_export_unusable(tmp_path: Path, capsys, first: bytes, line: bytes):
    path = tmp_path / "export"
    path.write_bytes(first + line)
    is_header_alone = first != b"" and line == b""
    assert script.main(["export", str(path), *KEYS]) == (0 if is_header_alone else 2)


@settings(
    max_examples=100,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_an_export_with_any_bytes_changed_is_never_clean_and_never_a_traceback(tmp_path, capsys, data):
    content = bytearray(write(tmp_path / "sound", *LEDGER.complete()[:-1]).read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    before = bytes(content)
    content[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    path = tmp_path / "altered"
    path.write_bytes(content)
    status = script.main(["export", str(path), *KEYS])
    assert status in {0, 1, 2}
    assert status or entries_of(bytes(content)) == entries_of(before)


def entries_of(content: bytes):
    return [json.loads(line) for line in content.removesuffix(b"\n").split(b"\n")]


@pytest.mark.parametrize("key", ["", "name", KEY.verifier.text[:-1], KEY.text, "\udcff+00000000+AAAA"])
def test_what_is_no_public_key_is_unusable(tmp_path: Path, capsys, key: str):
    path = write(tmp_path / "receipt", LEDGER.receipt(0))
    assert script.main(["receipt", str(path), "--key", key]) == 2


@pytest.mark.parametrize("path", ["/nowhere", "/", "a\0b"])
def test_a_file_that_cannot_be_read_is_unusable(capsys, path: str):
    assert script.main(["export", path, *KEYS]) == 2


def test_what_the_input_says_cannot_steer_the_terminal(verify):
    fields = {**LEDGER.receipt(0), "\x1b[2J\u202e": 1}
    _, output = verify("receipt", [fields])
    assert output.isascii()
    assert "\x1b" not in output


def test_the_script_runs_by_itself_with_the_standard_library_alone(tmp_path: Path):
    path = write(tmp_path / "export", *LEDGER.complete())
    # -I and -S leave out everything that is installed, and the folder that the script is in.
    command = [sys.executable, "-I", "-S", str(PATH), "export", str(path), *KEYS]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.endswith("No findings.\n")
