"""What is kept of a patient, sealed under the key of the case and bound to the row that it stands in."""

from typing import Any
from uuid import UUID

import msgspec

from accounts import case_keys, ledger
from accounts.models import CaseKey


def seal_contents(contents: Any, key: CaseKey, *row: UUID) -> bytes:
    """Canonical JSON, sealed. `row` are the identifiers of the row and of what it belongs to.

    Raises
    ------
    CaseUnreadable
        When CASE_KEYS lacks the key that wrapped this one.
    """
    return case_keys.seal(case_keys.data_key(key), ledger.canonical_json(contents), bound_to(*row))


def open_contents(sealed: bytes | memoryview, key: CaseKey, *row: UUID) -> Any:
    """What `seal_contents` sealed, given the same key and row.

    Raises
    ------
    CaseUnreadable
    """
    return msgspec.json.decode(case_keys.unseal(case_keys.data_key(key), bytes(sealed), bound_to(*row)))


def bound_to(*row: UUID) -> bytes:
    """What contents are bound to: the row that they stand in."""
    return b"row:" + b"".join(part.bytes for part in row)
