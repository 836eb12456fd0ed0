"""Times as the audit trail has them: microseconds since 1970 in UTC, and identifiers that begin with one."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def time_of(microseconds: int) -> datetime:
    """The time that is so many microseconds after 1970 began."""
    return _EPOCH + microseconds * _MICROSECOND


def microseconds_of(time: datetime) -> int:
    """Whole microseconds since 1970 began."""
    return (time - _EPOCH) // _MICROSECOND


def first_id_at(time: datetime) -> UUID:
    """The lowest identifier of version 7 (RFC 9562) that can be made at a time."""
    return UUID(int=microseconds_of(time) // 1000 << 80)


def milliseconds_of(identifier: UUID) -> int:
    """When an identifier of version 7 was made: its first 48 bits."""
    return identifier.int >> 80
