"""Amazon S3 and what speaks like it. Address and credentials are found as boto3 finds them."""

from collections.abc import Iterator
from contextlib import closing
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from accounts.anchors.anchor import LONGEST_NOTE, AnchorAway
from accounts.anchors.bucket import CONNECT_SECONDS, READ_SECONDS, Bucket

PATIENCE = Config(
    connect_timeout=CONNECT_SECONDS,
    read_timeout=READ_SECONDS,
    retries={"mode": "standard", "total_max_attempts": 2},
)


class S3Bucket(Bucket):
    """Notes in a bucket, locked by S3 Object Lock in compliance mode."""

    failures = (ClientError, BotoCoreError)

    @cached_property
    def _client(self) -> Any:
        try:
            return boto3.session.Session().client("s3", config=PATIENCE)
        except ValueError as error:  # AWS_ENDPOINT_URL_S3 is no URL
            raise AnchorAway(f"{self.name}: {error}") from error

    def _versions(self, prefix: str) -> Iterator[tuple[str, str]]:
        pages = self._client.get_paginator("list_object_versions").paginate(
            Bucket=self._bucket_name, Prefix=prefix
        )
        return ((found["Key"], found["VersionId"]) for page in pages for found in page.get("Versions", ()))

    def _read(self, key: str, version: str) -> bytes:
        # A stream rather than a range: of an empty object there is no range to ask for.
        answer = self._client.get_object(Bucket=self._bucket_name, Key=key, VersionId=version)
        with closing(answer["Body"]) as body:
            content: bytes = body.read(LONGEST_NOTE + 1)
        return content

    def _create(self, key: str, note: bytes) -> None:
        until = self._retained_until()
        lock = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until} if until else {}
        self._client.put_object(Bucket=self._bucket_name, Key=key, Body=note, IfNoneMatch="*", **lock)

    def _is_taken(self, error: Exception) -> bool:
        return _code(error) in {"PreconditionFailed", "ConditionalRequestConflict"}

    def _weaknesses(self) -> Iterator[str]:
        if self._client.get_bucket_versioning(Bucket=self._bucket_name).get("Status") != "Enabled":
            yield f"{self._bucket_name} keeps no versions: a note that is overwritten leaves no trace."
        lock = self._lock()
        if not lock:
            yield (
                f"{self._bucket_name} has no Object Lock, so whoever may write to it can overwrite and "
                "delete notes, and retain_days cannot be kept: turn it on."
            )
        elif not self._retain_days and not _locks_for_good(lock):
            yield (
                f"{self._bucket_name} does not lock notes in compliance mode by itself, and nothing asks it "
                "to: add ?retain_days=DAYS."
            )

    def _lock(self) -> dict[str, Any]:
        try:
            answer = self._client.get_object_lock_configuration(Bucket=self._bucket_name)
        except ClientError as error:
            if _code(error) == "ObjectLockConfigurationNotFoundError":
                return {}
            raise
        configuration: dict[str, Any] = answer["ObjectLockConfiguration"]
        return configuration


def _locks_for_good(lock: dict[str, Any]) -> bool:
    retention = lock.get("Rule", {}).get("DefaultRetention", {})
    return bool(retention.get("Mode") == "COMPLIANCE")


def _code(error: Exception) -> str:
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else ""
