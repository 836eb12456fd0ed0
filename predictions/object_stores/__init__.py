"""The places that MODEL_STORE can name: a folder, S3, Azure Blob Storage or Google Cloud Storage.

An SDK takes some 20 to 50 MB and up to a second to import, so only that of the place in use is imported.
"""

from collections.abc import Callable
from functools import lru_cache
from urllib.parse import urlsplit

from django.conf import settings

from ml_models.storage import Folder, Storage, StoreUnreachableError


@lru_cache(maxsize=4)
def open_storage(location: str) -> Storage:
    """The storage at a location, kept, so that one process has one set of connections.

    Parameters
    ----------
    location : str
        A path, from the checkout on, or ``s3://BUCKET/PREFIX``, ``azure://CONTAINER/PREFIX`` or
        ``gs://BUCKET/PREFIX``.

    Raises
    ------
    StoreUnreachableError
        When it is none of these.
    """
    if "://" not in location:
        return Folder(settings.BASE_DIR / location)
    address = urlsplit(location)
    if address.scheme not in _OPENERS or not address.netloc:
        raise StoreUnreachableError(
            f"MODEL_STORE is {location}: not a path, s3://BUCKET, azure://CONTAINER or gs://BUCKET."
        )
    return _OPENERS[address.scheme](address.netloc, address.path.strip("/"))


def _open_s3(bucket: str, prefix: str) -> Storage:
    from predictions.object_stores.s3 import S3Bucket  # noqa: PLC0415

    return S3Bucket(bucket, prefix)


def _open_azure(container: str, prefix: str) -> Storage:
    from predictions.object_stores.azure import AzureContainer  # noqa: PLC0415

    return AzureContainer(container, prefix)


def _open_google(bucket: str, prefix: str) -> Storage:
    from predictions.object_stores.google import GoogleBucket  # noqa: PLC0415

    return GoogleBucket(bucket, prefix)


_OPENERS: dict[str, Callable[[str, str], Storage]] = {
    "s3": _open_s3,
    "azure": _open_azure,
    "gs": _open_google,
}
