"""Requests that a system may send again without being answered twice."""

from django.db import models


class AnsweredRequest(models.Model):
    """What was made of a request that carried an Idempotency-Key. It holds nothing of the patient.

    `digest` stands for the API key and what it called its request, `request_sha256` for all that was asked.
    """

    digest = models.CharField(max_length=64, primary_key=True)
    request_sha256 = models.CharField(max_length=64)
    made = models.UUIDField()
    made_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.digest
