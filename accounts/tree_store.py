"""The tree of the audit trail as Postgres keeps it: leaves, some of the nodes, and its checkpoints."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from accounts.merkle import Fetch, Subtree, node_reader

_COLUMNS = "number, size, root, at_us, prev, note"


class Cursor(Protocol):
    """What is needed of a database cursor, Django's or the driver's."""

    def execute(self, sql: str, params: Sequence[Any] = ()) -> Any: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...


@dataclass(frozen=True)
class StoredCheckpoint:
    """A signed note and the columns that repeat it. `number` counts from 0; hashes are 32 bytes."""

    number: int
    size: int
    root: bytes
    at_us: int
    prev: bytes
    note: bytes

    @property
    def note_text(self) -> str:
        """The note as people read it."""
        return self.note.decode()

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> "StoredCheckpoint":
        """From the columns in their order."""
        number, size, root, at_us, prev, note = row
        return cls(number, size, bytes(root), at_us, bytes(prev), bytes(note))


def latest_checkpoint(cursor: Cursor) -> StoredCheckpoint | None:
    """The last checkpoint, if anything was sealed yet."""
    cursor.execute(f"SELECT {_COLUMNS} FROM audit.checkpoint ORDER BY number DESC LIMIT 1")  # noqa: S608
    row = cursor.fetchone()
    return StoredCheckpoint.from_row(row) if row else None


def checkpoint_of_size(cursor: Cursor, size: int) -> StoredCheckpoint | None:
    """The checkpoint of a tree of so many leaves, if there is one."""
    cursor.execute(f"SELECT {_COLUMNS} FROM audit.checkpoint WHERE size = %s", [size])  # noqa: S608
    row = cursor.fetchone()
    return StoredCheckpoint.from_row(row) if row else None


def first_checkpoint_over(cursor: Cursor, index: int) -> StoredCheckpoint:
    """The first checkpoint that covers a leaf that is sealed."""
    cursor.execute(
        f"SELECT {_COLUMNS} FROM audit.checkpoint WHERE size > %s ORDER BY size LIMIT 1",  # noqa: S608
        [index],
    )
    return StoredCheckpoint.from_row(cursor.fetchone())


def all_checkpoints(cursor: Cursor) -> list[StoredCheckpoint]:
    """Every checkpoint, oldest first."""
    cursor.execute(f"SELECT {_COLUMNS} FROM audit.checkpoint ORDER BY number")  # noqa: S608
    return [StoredCheckpoint.from_row(row) for row in cursor.fetchall()]


def stored_nodes(cursor: Cursor) -> Fetch:
    """Nodes of the stored tree, for one proof or one batch: what was read is kept."""

    def read(level: int, first: int, count: int) -> list[bytes]:
        of_level, level_is = ("audit.leaf", "true") if level == 0 else ("audit.subtree", f"level = {level:d}")
        column = "leaf" if level == 0 else "hash"
        cursor.execute(
            f"SELECT {column} FROM {of_level} WHERE {level_is} AND idx >= %s AND idx < %s ORDER BY idx",  # noqa: S608
            [first, first + count],
        )
        return [bytes(node) for (node,) in cursor.fetchall()]

    return node_reader(read)


def add_subtrees(cursor: Cursor, subtrees: Sequence[Subtree]) -> None:
    """Keep subtrees that have become whole."""
    for subtree in subtrees:
        cursor.execute(
            "INSERT INTO audit.subtree (level, idx, hash) VALUES (%s, %s, %s)",
            [subtree.level, subtree.index, subtree.hash],
        )


def add_checkpoint(cursor: Cursor, checkpoint: StoredCheckpoint) -> None:
    """Keep a checkpoint."""
    cursor.execute(
        f"INSERT INTO audit.checkpoint ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s)",  # noqa: S608
        [
            checkpoint.number,
            checkpoint.size,
            checkpoint.root,
            checkpoint.at_us,
            checkpoint.prev,
            checkpoint.note,
        ],
    )
