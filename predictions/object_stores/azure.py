"""Azure Blob Storage, reached by AZURE_STORAGE_CONNECTION_STRING."""

from collections.abc import Iterable
from functools import cached_property
from http import HTTPStatus

from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient
from storages.backends.azure_storage import AzureStorage

from ml_models.storage import StoreUnreachableError
from predictions.object_stores.bucket import CONNECT_SECONDS, READ_SECONDS, Bucket


class PatientStorage(AzureStorage):  # type: ignore[misc]
    """The back end with a client that gives up soon: as shipped it tries for minutes."""

    @cached_property
    def service_client(self) -> BlobServiceClient:
        return BlobServiceClient.from_connection_string(
            self.connection_string,
            connection_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retry_total=1,
            initial_backoff=1,
        )


class AzureContainer(Bucket):
    """Blobs of a container."""

    failures = (AzureError,)

    def __init__(self, container: str, prefix: str) -> None:
        super().__init__(_connect(container), address=f"azure://{container}", prefix=prefix)

    def _keys(self, prefix: str) -> Iterable[str]:
        names: Iterable[str] = self._backend.client.list_blob_names(name_starts_with=prefix)
        return names

    def _first_bytes(self, key: str, count: int) -> bytes:
        try:
            # Not unpacked: a small object with a Content-Encoding could become any size.
            stream = self._backend.client.download_blob(key, offset=0, length=count, decompress=False)
        except HttpResponseError as error:
            if error.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:  # it is empty
                return b""
            raise
        content: bytes = stream.readall()
        return content

    def _store_new(self, key: str, content: bytes) -> None:
        self._backend.client.upload_blob(key, content, overwrite=False)

    def _is_missing(self, error: Exception) -> bool:
        return isinstance(error, ResourceNotFoundError)

    def _is_taken(self, error: Exception) -> bool:
        return isinstance(error, ResourceExistsError)


def _connect(container: str) -> PatientStorage:
    try:
        storage = PatientStorage(azure_container=container, overwrite_files=True)
        _ = storage.service_client
    except (TypeError, ValueError):
        raise StoreUnreachableError("AZURE_STORAGE_CONNECTION_STRING is not set, or not one.") from None
    return storage
