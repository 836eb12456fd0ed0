"""Amazon S3 and what speaks like it. Address and credentials are found as boto3 finds them."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from storages.backends.s3 import S3Storage

from predictions.object_stores.bucket import CONNECT_SECONDS, READ_SECONDS, Bucket

PATIENCE = Config(
    connect_timeout=CONNECT_SECONDS,
    read_timeout=READ_SECONDS,
    retries={"mode": "standard", "total_max_attempts": 2},
)


class S3Bucket(Bucket):
    """Objects of an S3 bucket."""

    failures = (ClientError, BotoCoreError)

    def __init__(self, bucket: str, prefix: str) -> None:
        super().__init__(
            S3Storage(bucket_name=bucket, client_config=PATIENCE), address=f"s3://{bucket}", prefix=prefix
        )

    @property
    def _client(self) -> Any:
        return self._backend.connection.meta.client  # of this thread

    def _keys(self, prefix: str) -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._backend.bucket_name, Prefix=prefix
        )
        return (found["Key"] for page in pages for found in page.get("Contents", ()))

    def _first_bytes(self, key: str, count: int) -> bytes:
        # A stream rather than a range: of an empty object there is no range to ask for.
        answer = self._client.get_object(Bucket=self._backend.bucket_name, Key=key)
        with closing(answer["Body"]) as body:
            content: bytes = body.read(count)
        return content

    def _store_new(self, key: str, content: bytes) -> None:
        self._client.put_object(
            Bucket=self._backend.bucket_name,
            Key=key,
            Body=content,
            IfNoneMatch="*",
            **self._backend.object_parameters,
        )

    def _is_missing(self, error: Exception) -> bool:
        return _code(error) in {"NoSuchKey", "NoSuchBucket"}

    def _is_taken(self, error: Exception) -> bool:
        return _code(error) in {"PreconditionFailed", "ConditionalRequestConflict"}


def _code(error: Exception) -> str:
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else ""
