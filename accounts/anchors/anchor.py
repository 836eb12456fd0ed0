"""What an anchor promises, and which notes it takes.

A note is a checkpoint of the ledger as https://c2sp.org/tlog-checkpoint has it: its second line is the size.
"""

import re
from collections.abc import Iterator
from typing import Protocol

LONGEST_NOTE = 4096
END_LINE, TORN_LINE = b"--", b"(torn)"
_SIZE = re.compile(rb"[^\n]+\n(0|[1-9][0-9]{0,18})\n")


class WrongAnchor(Exception):
    """For the operator: a setting names no anchor."""


class AnchorAway(Exception):
    """For whoever keeps or verifies notes: the anchor cannot be used now; try again later."""


class AnchorConflict(Exception):
    """For the operator: another note is kept for the same size; the ledger forked, or somebody wrote here."""


class Anchor(Protocol):
    """A place outside the database that keeps notes.

    Attributes
    ----------
    name : str
        Its URL, which holds no secret.
    """

    @property
    def name(self) -> str: ...

    def keep(self, size: int, note: bytes) -> None:
        """Keep the note of a size. To keep the same one again does nothing.

        Raises
        ------
        AnchorAway
            When it is not known to be kept.
        AnchorConflict
        ValueError
            For the programmer: it is not the note of a checkpoint of this size.
        """

    def notes(self) -> Iterator[bytes]:
        """Every note that is kept, by size.

        Also all that others wrote here, so that whoever verifies can tell: several notes of one size, or what
        is no note. Of an object no more than ``LONGEST_NOTE + 1`` bytes are read.

        Raises
        ------
        AnchorAway
        """

    def weaknesses(self) -> list[str]:
        """What it does not protect against as it is set up now, in sentences.

        There are none when it is as strong as its kind gets.

        Raises
        ------
        AnchorAway
        """


def size_in(note: bytes) -> int:
    """The size that a note speaks of; -1 when it is no checkpoint."""
    found = _SIZE.match(note)
    return int(found[1]) if found else -1


def check_note(size: int, note: bytes) -> None:
    """Refuse what could not be told apart from other notes when it is read back.

    Raises
    ------
    ValueError
    """
    if size < 0 or size_in(note) != size:
        raise ValueError(f"This is not the note of a checkpoint of size {size}.")
    if not note.endswith(b"\n") or len(note) > LONGEST_NOTE:
        raise ValueError(f"A note is of whole lines, {LONGEST_NOTE} bytes of them at most.")
    if {END_LINE, TORN_LINE} & set(note.split(b"\n")):
        raise ValueError("No line of a note can be -- or (torn): these come between the notes of a file.")
