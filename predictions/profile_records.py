"""What reference samples told of a laboratory's platform. Never changed: each upload is a new version."""

import hashlib
from typing import ClassVar

from django.db import models
from uuid_utils.compat import uuid7

from accounts import ledger
from accounts.models import ApiKey, Event, Organisation, Person


class PlatformProfile(models.Model):
    """Location and scale of each gene of a release's panel on one platform of one organisation.

    `genes` maps a symbol to both, in `unit`; they come from `samples` reference samples, after `left_out`
    others that failed. No value of a single sample is kept. `receptor_variance` tells whether they looked
    like consecutive cases (`ml_models.consecutive_cases`). `sha256` stands in the event too.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    release = models.ForeignKey("Release", on_delete=models.PROTECT, related_name="+")
    platform = models.CharField(max_length=64)
    version = models.PositiveIntegerField()
    unit = models.CharField(max_length=20)
    samples = models.PositiveIntegerField()
    left_out = models.PositiveIntegerField()
    genes = models.JSONField()
    receptor_variance = models.FloatField(null=True)
    looks_consecutive = models.BooleanField(null=True)
    sha256 = models.CharField(max_length=64)
    event = models.OneToOneField(Event, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    api_key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering: ClassVar[list[str]] = ["-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["organisation", "release", "platform", "version"], name="profile_version_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.platform}, version {self.version}"

    @property
    def digest(self) -> str:
        """The SHA-256 of what samples are mapped by, as it is now."""
        mapped_by = {name: getattr(self, name) for name in ("platform", "version", "unit", "genes")}
        return hashlib.sha256(ledger.canonical_json(mapped_by)).hexdigest()
