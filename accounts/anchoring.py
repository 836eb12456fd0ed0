"""Checkpoints are kept outside the database, so that its owner cannot cut off the end of the trail unseen."""

import logging

from django.conf import settings
from django.db import connections

from accounts import events, ledger
from accounts.anchors import Anchor, AnchorAway, AnchorConflict, open_anchor
from accounts.database_roles import alias_of
from accounts.tree_store import StoredCheckpoint, latest_checkpoint

logger = logging.getLogger(__name__)


def open_anchors() -> list[Anchor]:
    """The anchors that the settings name.

    Raises
    ------
    WrongAnchor
        When one cannot be read.
    """
    connection_string = settings.AZURE_CONNECTION_STRING
    return [open_anchor(url, azure_connection_string=connection_string) for url in settings.LEDGER_ANCHORS]


def anchor_latest() -> int:
    """Keep the latest checkpoint in every anchor that lacks it, and put on record that it is there.

    An anchor that is away is tried again the next time; one that holds another tree is on record as such.

    Returns
    -------
    int
        In how many anchors it was kept.
    """
    with connections[alias_of("sealer")].cursor() as cursor:
        checkpoint = latest_checkpoint(cursor)
    if checkpoint is None:
        return 0
    return sum(_anchor(checkpoint, anchor) for anchor in open_anchors() if not _is_kept(checkpoint, anchor))


def _is_kept(checkpoint: StoredCheckpoint, anchor: Anchor) -> bool:
    with connections[alias_of("sealer")].cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM audit.anchoring WHERE anchor = %s AND size = %s)",
            [anchor.name, checkpoint.size],
        )
        return bool(cursor.fetchone()[0])


def _anchor(checkpoint: StoredCheckpoint, anchor: Anchor) -> bool:
    try:
        anchor.keep(checkpoint.size, checkpoint.note)
    except AnchorAway as away:
        logger.warning("The anchor %s is away: %s", anchor.name, away)
        return False
    except AnchorConflict as conflict:
        ledger.raise_alarm(events.ANCHOR_REFUSED, anchor=anchor.name, reason=str(conflict))
        return False
    with connections[alias_of("sealer")].cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit.anchoring (anchor, size) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            [anchor.name, checkpoint.size],
        )
    _tell(checkpoint, anchor)
    return True


def _tell(checkpoint: StoredCheckpoint, anchor: Anchor) -> None:
    """Also as a line of the log, which goes elsewhere than the database."""
    root = checkpoint.root.hex()
    logger.info("Anchored at %s: %d events, root %s", anchor.name, checkpoint.size, root)
    ledger.record(events.CHECKPOINT_ANCHORED, anchor=anchor.name, size=checkpoint.size, root_sha256=root)
