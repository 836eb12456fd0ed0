"""Google Cloud Storage, reached with the application default credentials (or STORAGE_EMULATOR_HOST)."""

from collections.abc import Iterator

from google.api_core.exceptions import (
    GoogleAPIError,
    NotFound,
    PreconditionFailed,
    RequestRangeNotSatisfiable,
)
from google.auth.exceptions import GoogleAuthError
from google.cloud.storage.retry import DEFAULT_RETRY
from requests import RequestException
from storages.backends.gcloud import GoogleCloudStorage

from predictions.object_stores.bucket import CONNECT_SECONDS, READ_SECONDS, Bucket

TIMEOUT = (CONNECT_SECONDS, READ_SECONDS)
RETRY = DEFAULT_RETRY.with_timeout(CONNECT_SECONDS)
CONTENT_TYPE = "application/octet-stream"


class GoogleBucket(Bucket):
    """Objects of a Google Cloud Storage bucket."""

    failures = (GoogleAPIError, GoogleAuthError, RequestException)

    def __init__(self, bucket: str, prefix: str) -> None:
        super().__init__(GoogleCloudStorage(bucket_name=bucket), address=f"gs://{bucket}", prefix=prefix)

    def _keys(self, prefix: str) -> Iterator[str]:
        found = self._backend.bucket.list_blobs(prefix=prefix, timeout=TIMEOUT, retry=RETRY)
        return (blob.name for blob in found)

    def _first_bytes(self, key: str, count: int) -> bytes:
        blob = self._backend.bucket.blob(key)
        try:
            # Raw: a small object with a Content-Encoding could be unpacked to any size.
            content: bytes = blob.download_as_bytes(
                end=count - 1, raw_download=True, timeout=TIMEOUT, retry=RETRY
            )
        except RequestRangeNotSatisfiable:  # it is empty
            return b""
        return content

    def _store_new(self, key: str, content: bytes) -> None:
        self._backend.bucket.blob(key).upload_from_string(
            content, CONTENT_TYPE, if_generation_match=0, timeout=TIMEOUT, retry=RETRY
        )

    def _is_missing(self, error: Exception) -> bool:
        return isinstance(error, NotFound)

    def _is_taken(self, error: Exception) -> bool:
        return isinstance(error, PreconditionFailed)
