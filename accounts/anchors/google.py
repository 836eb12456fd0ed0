"""Google Cloud Storage, reached with the application default credentials (or STORAGE_EMULATOR_HOST)."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from google.api_core.exceptions import GoogleAPIError, PreconditionFailed, RequestRangeNotSatisfiable
from google.auth.exceptions import GoogleAuthError
from google.cloud import storage
from google.cloud.storage.retry import DEFAULT_RETRY
from requests import RequestException

from accounts.anchors.anchor import LONGEST_NOTE
from accounts.anchors.bucket import CONNECT_SECONDS, READ_SECONDS, Bucket

PATIENCE = {"timeout": (CONNECT_SECONDS, READ_SECONDS), "retry": DEFAULT_RETRY.with_timeout(CONNECT_SECONDS)}


class GoogleBucket(Bucket):
    """Notes in a bucket, each locked by a retention of its own or all by the bucket's."""

    failures = (GoogleAPIError, GoogleAuthError, RequestException)

    @cached_property
    def _bucket(self) -> Any:
        return storage.Client().bucket(self._bucket_name)

    def _versions(self, prefix: str) -> Iterator[tuple[str, int]]:
        found = self._bucket.list_blobs(prefix=prefix, versions=True, **PATIENCE)
        return ((blob.name, blob.generation) for blob in found)

    def _read(self, key: str, version: int) -> bytes:
        blob = self._bucket.blob(key, generation=version)
        try:
            # Raw: a small object with a Content-Encoding could be unpacked to any size.
            content: bytes = blob.download_as_bytes(end=LONGEST_NOTE, raw_download=True, **PATIENCE)
        except RequestRangeNotSatisfiable:  # it is empty
            return b""
        return content

    def _create(self, key: str, note: bytes) -> None:
        blob = self._bucket.blob(key)
        if until := self._retained_until():
            blob.retention.mode = "Locked"
            blob.retention.retain_until_time = until
        blob.upload_from_string(note, "text/plain", if_generation_match=0, **PATIENCE)

    def _is_taken(self, error: Exception) -> bool:
        return isinstance(error, PreconditionFailed)

    def _weaknesses(self) -> Iterator[str]:
        bucket = self._bucket
        bucket.reload(**PATIENCE)
        if self._retain_days and bucket.object_retention_mode == "Enabled":
            return
        if self._retain_days:
            yield (
                f"{self._bucket_name} was made without object retention, so retain_days cannot be kept: "
                "turn it on."
            )
        elif not bucket.retention_period:
            yield (
                f"Whoever may write to {self._bucket_name} can overwrite and delete notes: "
                "turn object retention on and add ?retain_days=DAYS."
            )
        elif not bucket.retention_policy_locked:
            yield f"The retention policy of {self._bucket_name} is not locked, so it can be removed: lock it."
