"""Where, outside of the database, the tree that holds an event is kept."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from accounts.moments import time_of

# Each anchor is found from the one before, and its first checkpoint from the index: there are millions.
_FIRST = """
WITH RECURSIVE place AS (
    SELECT min(anchor) AS anchor FROM audit.anchoring
    UNION ALL
    SELECT (SELECT min(anchor) FROM audit.anchoring WHERE anchor > place.anchor)
    FROM place WHERE anchor IS NOT NULL
)
SELECT place.anchor, first.size, first.anchored_us
FROM place CROSS JOIN LATERAL (
    SELECT size, anchored_us FROM audit.anchoring
    WHERE anchor = place.anchor AND size > %s ORDER BY size LIMIT 1
) AS first
"""


@dataclass(frozen=True)
class Anchoring:
    """A checkpoint of so many leaves at an anchor, since when."""

    anchor: str
    size: int
    anchored_at: datetime


def first_anchorings(index: int) -> list[Anchoring]:
    """For each anchor its first checkpoint that holds the leaf of this index."""
    with connection.cursor() as cursor:
        cursor.execute(_FIRST, [index])
        return [Anchoring(anchor, size, time_of(at)) for anchor, size, at in cursor.fetchall()]
