"""A note is opened only as it was signed, by a key that is known, and only if it is a checkpoint."""

from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts import signed_notes
from accounts.signed_notes import (
    MAXIMUM_NOTE_SIZE,
    Checkpoint,
    NoteRefused,
    SigningKey,
    VerifierKey,
    chained,
    open_note,
    open_text,
    sign,
)
from tests.ledger.hostile_notes import KEY, NEWER_KEY, NOTE, ROOT, STRANGER, accepted_notes, refused_notes

# The example of golang.org/x/mod/sumdb/note, the package that signed-note describes.
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NEUMANN_PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
NEUMANN_TEXT = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
)
NEUMANN_SIGNATURE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXg"
    "KvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
NEUMANN_NOTE = f"{NEUMANN_TEXT}\n{NEUMANN_SIGNATURE}".encode()


def test_the_published_example_is_opened_with_its_published_key():
    key = VerifierKey.from_text(NEUMANN)
    assert key.text == NEUMANN
    assert open_text(NEUMANN_NOTE, [key]) == (NEUMANN_TEXT.encode(), [key])


def test_the_published_example_is_signed_as_it_was():
    key = SigningKey.from_text(NEUMANN_PRIVATE)
    assert (key.text, key.verifier.text) == (NEUMANN_PRIVATE, NEUMANN)
    assert key.signature_line(NEUMANN_TEXT.encode()) == NEUMANN_SIGNATURE.encode()


def test_a_note_that_is_no_checkpoint_is_not_opened_as_one():
    with pytest.raises(NoteRefused, match="three lines"):
        open_note(NEUMANN_NOTE, [VerifierKey.from_text(NEUMANN)])


@settings(deadline=None, database=None)
@given(st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32), st.datetimes(), st.binary(max_size=9))
def test_what_was_signed_is_what_is_opened(size: int, root: bytes, time: datetime, former: bytes):
    made = chained(KEY.name, size, root, former, time.replace(tzinfo=UTC))
    opened = open_note(sign(made, KEY), [KEY.verifier])
    assert opened == made
    assert signed_notes.previous(opened) == sha256(former).digest()
    assert signed_notes.at(opened) == time.replace(tzinfo=UTC)


def test_the_time_of_a_checkpoint_is_told_in_utc():
    noon = datetime(2026, 7, 1, 12, 0, tzinfo=timezone(timedelta(hours=2)))
    assert chained(KEY.name, 1, ROOT, b"", noon).extensions[1] == "at 2026-07-01T10:00:00.000000Z"


def test_after_a_rotation_the_notes_of_both_keys_are_opened():
    newer = sign(Checkpoint(KEY.name, 8, ROOT), NEWER_KEY)
    keys = [NEWER_KEY.verifier, KEY.verifier]
    assert [open_note(note, keys).size for note in (NOTE, newer)] == [7, 8]
    with pytest.raises(NoteRefused, match="no known key"):
        open_note(newer, [KEY.verifier])


@pytest.mark.parametrize(("what", "note"), accepted_notes().items())
def test_a_note_is_opened_although(what: str, note: bytes):
    assert open_note(note, [KEY.verifier, NEWER_KEY.verifier]).size == 7


@pytest.mark.parametrize(("what", "note"), refused_notes().items())
def test_a_note_is_refused_with(what: str, note: bytes):
    with pytest.raises(NoteRefused):
        open_note(note, [KEY.verifier, NEWER_KEY.verifier, STRANGER.verifier])


@settings(deadline=None, database=None)
@given(st.integers(0, len(NOTE) - 1), st.integers(1, 255))
def test_a_note_with_any_byte_changed_is_refused(place: int, change: int):
    altered = NOTE[:place] + bytes([NOTE[place] ^ change]) + NOTE[place + 1 :]
    with pytest.raises(NoteRefused):
        open_note(altered, [KEY.verifier])


@settings(deadline=None, database=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_refused_and_never_more_than_refused(note: bytes):
    with pytest.raises(NoteRefused):
        open_note(note, [KEY.verifier])


def test_a_note_longer_than_any_is_refused_before_it_is_read():
    lines = b"".join(STRANGER.signature_line(b"") for _ in range(MAXIMUM_NOTE_SIZE // 100))
    with pytest.raises(NoteRefused, match="longer"):
        open_note(NOTE + lines, [KEY.verifier])


@pytest.mark.parametrize(
    "checkpoint",
    [
        Checkpoint("somebody.else", 1, ROOT),
        Checkpoint(KEY.name, -1, ROOT),
        Checkpoint(KEY.name, 2**63, ROOT),
        Checkpoint(KEY.name, 1, ROOT[:31]),
        Checkpoint(KEY.name, 1, ROOT, ("",)),
        Checkpoint(KEY.name, 1, ROOT, ("one\ntwo",)),
        Checkpoint(KEY.name, 1, ROOT, ("tab\there",)),
        Checkpoint(KEY.name, 1, ROOT, ("\ud800",)),
    ],
)
def test_nothing_is_signed_that_would_be_refused_or_read_otherwise(checkpoint: Checkpoint):
    with pytest.raises(ValueError):  # noqa: PT011 - the reasons are those of the refusals
        sign(checkpoint, KEY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PeterNeumann",
        "PeterNeumann+c74f20a3",
        NEUMANN.replace("c74f20a3", "c74f20a4"),
        NEUMANN.replace("c74f20a3", "C74F20A3"),
        NEUMANN.replace("Peter", "Pater"),
        NEUMANN + "\n",
        NEUMANN + "=",
        NEUMANN.replace("ARpc", "AZpc"),
        NEUMANN.replace("ARpc", "Arpc"),
        NEUMANN[:-4],
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "\ud800+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "é+c74f20a3+é",
    ],
)
def test_a_key_that_is_not_written_as_it_was_handed_out_is_refused(text: str):
    for kind, written in ((VerifierKey, text), (SigningKey, f"PRIVATE+KEY+{text}"), (SigningKey, text)):
        with pytest.raises(ValueError):  # noqa: PT011 - one of several reasons
            kind.from_text(written)


def test_a_generated_key_is_read_back_and_does_not_show_itself():
    key = SigningKey.generate("ledger.example/log")
    assert SigningKey.from_text(key.text) == key
    assert VerifierKey.from_text(key.verifier.text) == key.verifier
    assert key.text not in repr(key)
    assert repr(key.private) not in repr(key)


@pytest.mark.parametrize(
    "extensions",
    [
        (),
        ("prev AAAA", "at 2026-07-01T10:00:00.000000Z"),
        ("prev ", "at now"),
        ("at 2026-07-01T10:00:00.000000Z", "prev AAAA"),
        ("prev x", "at 2026-13-01T10:00:00.000000Z"),
        ("prev x", "at 2026-07-01T10:00:00Z"),
        ("prev x", "at 2026-07-01T10:00:00.000000+00:00"),
        ("prev x", "at 2026-07-01T10:00:00.000000Z", "more"),
    ],
)
def test_a_checkpoint_that_is_not_chained_says_neither_when_nor_after_what(extensions: tuple[str, ...]):
    checkpoint = Checkpoint(KEY.name, 1, ROOT, extensions)
    with pytest.raises(NoteRefused):
        (signed_notes.previous(checkpoint), signed_notes.at(checkpoint))
