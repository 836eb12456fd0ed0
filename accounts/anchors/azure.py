"""Azure Blob Storage, reached by a connection string."""

from collections.abc import Iterator
from http import HTTPStatus

from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError
from azure.storage.blob import ContainerClient, ImmutabilityPolicy

from accounts.anchors.anchor import LONGEST_NOTE, WrongAnchor
from accounts.anchors.bucket import CONNECT_SECONDS, READ_SECONDS, Bucket


class AzureContainer(Bucket):
    """Notes in a container, each version of them locked by a policy of its own."""

    failures = (AzureError,)

    def __init__(
        self, url: str, container: str, prefix: str, retain_days: int | None, connection_string: str
    ) -> None:
        super().__init__(url, container, prefix, retain_days)
        self._container = _connect(container, connection_string)

    def _versions(self, prefix: str) -> Iterator[tuple[str, str]]:
        found = self._container.list_blobs(name_starts_with=prefix, include=["versions"])
        # Where the account keeps no versions there is one without a name.
        return ((blob.name, blob.version_id or "") for blob in found)

    def _read(self, key: str, version: str) -> bytes:
        try:
            # Not unpacked: a small blob with a Content-Encoding could become any size.
            stream = self._container.download_blob(
                key, offset=0, length=LONGEST_NOTE + 1, version_id=version or None, decompress=False
            )
        except HttpResponseError as error:
            if error.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:  # it is empty
                return b""
            raise
        content: bytes = stream.readall()
        return content

    def _create(self, key: str, note: bytes) -> None:
        until = self._retained_until()
        policy = ImmutabilityPolicy(expiry_time=until, policy_mode="Locked") if until else None
        self._container.upload_blob(key, note, overwrite=False, immutability_policy=policy)

    def _is_taken(self, error: Exception) -> bool:
        return isinstance(error, ResourceExistsError)

    def _weaknesses(self) -> Iterator[str]:
        container = self._container.get_container_properties()
        if self._retain_days and container.immutable_storage_with_versioning_enabled:
            return
        if self._retain_days:
            yield (
                f"{self._bucket_name} has no version-level immutability, so retain_days cannot be kept: "
                "turn it on."
            )
        elif container.has_immutability_policy:
            yield (
                f"Whether the policy of {self._bucket_name} is locked cannot be seen from here: turn "
                "version-level immutability on and add ?retain_days=DAYS."
            )
        else:
            yield (
                f"Whoever may write to {self._bucket_name} can overwrite and delete notes: turn "
                "version-level immutability on and add ?retain_days=DAYS."
            )


def _connect(container: str, connection_string: str) -> ContainerClient:
    try:
        return ContainerClient.from_connection_string(
            connection_string,
            container,
            connection_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retry_total=1,
            initial_backoff=1,
        )
    except (TypeError, ValueError):
        raise WrongAnchor("AZURE_STORAGE_CONNECTION_STRING is not set, or not one.") from None
