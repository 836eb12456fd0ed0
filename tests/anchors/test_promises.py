"""What every anchor promises: a file, S3, Azure Blob Storage and Google Cloud Storage."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from accounts.anchors import AnchorConflict
from accounts.anchors.anchor import LONGEST_NOTE
from tests.anchors.notes import OTHER_ROOT, note_of


def test_one_in_which_nothing_was_kept_has_no_notes(anchor):
    assert list(anchor.notes()) == []


def test_notes_come_back_byte_for_byte_by_size_in_whatever_order_they_were_kept(make):
    for size in (10, 9, 100, 0, 2**62):
        make().keep(size, note_of(size))
    assert list(make().notes()) == [note_of(size) for size in (0, 9, 10, 100, 2**62)]


def test_the_same_note_again_changes_nothing(make):
    for _ in range(3):
        make().keep(7, note_of(7))
    assert list(make().notes()) == [note_of(7)]


def test_another_note_of_the_same_size_is_refused_and_the_first_stays(make):
    make().keep(7, note_of(7))
    with pytest.raises(AnchorConflict, match="another note is kept"):
        make().keep(7, note_of(7, OTHER_ROOT))
    make().keep(7, note_of(7))
    assert list(make().notes()) == [note_of(7)]


def test_of_many_who_keep_different_notes_of_one_size_at_once_one_succeeds(make):
    def keep(root):
        try:
            make().keep(7, note_of(7, root))
        except AnchorConflict:
            return None
        return root

    with ThreadPoolExecutor(8) as pool:
        (winner,) = filter(None, pool.map(keep, "ABCDEFGH"))
    assert list(make().notes()) == [note_of(7, winner)]


def test_many_who_keep_the_same_note_at_once_all_succeed(make):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: make().keep(7, note_of(7)), range(8)))
    assert list(make().notes()) == [note_of(7)]


def test_its_name_opens_it_again(anchor, make):
    assert anchor.name == make().name
    assert anchor.name.startswith(("file:///", "s3://", "gs://", "azure://"))


@pytest.mark.parametrize(
    ("size", "note"),
    [
        (-1, note_of(-1)),
        (7, note_of(8)),
        (7, b""),
        (7, b"7\n"),
        (7, b"ledger\n07\nroot\n"),
        (7, note_of(7)[:-1]),
        (7, note_of(7) + b"--\n"),
        (7, note_of(7) + b"(torn)\n"),
        (7, b"--\n7\nroot\n"),
        (7, note_of(7) + b"x" * LONGEST_NOTE + b"\n"),
    ],
)
def test_what_could_not_be_told_apart_from_other_notes_is_not_kept(anchor, size, note):
    with pytest.raises(ValueError, match=r"This is not|A note is|No line"):
        anchor.keep(size, note)
    assert list(anchor.notes()) == []
