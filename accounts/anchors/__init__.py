"""Anchors keep the signed checkpoints of the ledger where the owner of the database cannot reach them.

Whoever owns the database can cut the ledger's tail off, checkpoints and all. A note that is kept elsewhere
says how long it was. `docs/anchors.md` tells how to set each kind up.

An SDK takes some 20 to 50 MB and up to a second to import, so only those of the anchors in use are imported.
"""

import re
from pathlib import Path

from accounts.anchors.anchor import Anchor, AnchorAway, AnchorConflict, WrongAnchor
from accounts.anchors.notes_file import NotesFile

__all__ = ["Anchor", "AnchorAway", "AnchorConflict", "WrongAnchor", "open_anchor"]

# The services refuse longer retention than a hundred years.
LONGEST_RETENTION = 36_500
_FILE = re.compile(r"file://(?P<path>(?:/(?!\.{1,2}(?:/|$))[^/%?#\x00-\x1f\x7f-\x9f]+)+)")
_CLOUD = re.compile(
    r"(?P<scheme>s3|azure|gs)://(?P<bucket>[a-z0-9][a-z0-9._-]{1,220}[a-z0-9])"
    r"(?P<prefix>(?:/[A-Za-z0-9_=-][A-Za-z0-9._=-]*)*)/?"
    r"(?:\?retain_days=(?P<days>[1-9][0-9]{0,4}))?"
)


def open_anchor(url: str, *, azure_connection_string: str = "") -> Anchor:
    """The anchor at a URL. Nothing is asked of it yet.

    Parameters
    ----------
    url : str
        ``file:///PATH``, or ``s3://BUCKET/PREFIX``, ``azure://CONTAINER/PREFIX`` or ``gs://BUCKET/PREFIX``,
        each of these three with ``?retain_days=DAYS`` when notes are to be locked for so long.
    azure_connection_string : str
        What reaches Azure. The other SDKs find their credentials and addresses by themselves.

    Raises
    ------
    WrongAnchor
        When it is none of these. The message does not repeat the URL: a wrong one may hold a password.
    """
    if found := _FILE.fullmatch(url):
        return NotesFile(Path(found["path"]))
    found = _CLOUD.fullmatch(url)
    if not found or int(found["days"] or 0) > LONGEST_RETENTION:
        raise WrongAnchor(
            "An anchor is file:///PATH, s3://BUCKET/PREFIX, azure://CONTAINER/PREFIX or gs://BUCKET/PREFIX, "
            f"the last three with ?retain_days=DAYS (1 to {LONGEST_RETENTION}) or nothing after it; without "
            "user, password or port, and without any of %?# in a path."
        )
    return _open_cloud(url, found, azure_connection_string)


def _open_cloud(url: str, found: re.Match[str], azure_connection_string: str) -> Anchor:
    bucket, prefix = found["bucket"], found["prefix"].removeprefix("/")
    retain_days = int(found["days"]) if found["days"] else None
    if found["scheme"] == "s3":
        from accounts.anchors.s3 import S3Bucket  # noqa: PLC0415

        return S3Bucket(url, bucket, prefix, retain_days)
    if found["scheme"] == "gs":
        from accounts.anchors.google import GoogleBucket  # noqa: PLC0415

        return GoogleBucket(url, bucket, prefix, retain_days)
    from accounts.anchors.azure import AzureContainer  # noqa: PLC0415

    return AzureContainer(url, bucket, prefix, retain_days, azure_connection_string)
