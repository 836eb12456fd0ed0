"""Releases of the model, and the predictions made with them."""

from django.db import models
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts.models import ApiKey, Event, Organisation, Person


class ReleaseState(models.TextChoices):
    """What a release may be used for."""

    CALLABLE = "callable", "Callable by name"
    LIVE = "live", "Live: answers unless another release is named"
    QUARANTINED = "quarantined", "Quarantined: its two readings disagreed"


class Release(models.Model):
    """A sealed release of the model, pinned to the SHA-256 of its manifest."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=60)
    version = models.CharField(max_length=30)
    sha256 = models.CharField(max_length=64, unique=True)
    state = models.CharField(max_length=12, choices=ReleaseState.choices, default=ReleaseState.CALLABLE)
    registered_at = models.DateTimeField(default=timezone.now)
    state_changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-registered_at"]
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="release_version_once"),
            models.UniqueConstraint(
                fields=["state"], condition=models.Q(state=ReleaseState.LIVE), name="release_one_live"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=ReleaseState.values), name="release_state_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class Prediction(models.Model):
    """One panel and the risk that one release read from it.

    The database refuses every change but one: the stamp of the second reading (migration 0002).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField()
    event = models.OneToOneField(Event, on_delete=models.PROTECT, related_name="+")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    api_key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, null=True, related_name="+")
    door = models.CharField(max_length=10)

    case_reference = models.CharField(max_length=100, blank=True)
    sample_id = models.CharField(max_length=100, blank=True)
    age_years = models.PositiveSmallIntegerField(null=True)
    input_sha256 = models.CharField(max_length=64)
    panel = models.JSONField()
    result = models.JSONField()

    second_reading_at = models.DateTimeField(null=True)
    second_reading_difference = models.FloatField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["organisation", "-id"], name="prediction_by_organisation"),
            models.Index(
                fields=["id"], name="prediction_awaiting", condition=models.Q(second_reading_at=None)
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(second_reading_at=None, second_reading_difference=None)
                | models.Q(second_reading_at__isnull=False, second_reading_difference__isnull=False),
                name="prediction_second_reading_whole",
            ),
            models.CheckConstraint(
                condition=models.Q(person__isnull=False, api_key=None)
                | models.Q(person=None, api_key__isnull=False)
                | models.Q(door="command", person=None, api_key=None),
                name="prediction_asked_by_one",
            ),
            models.CheckConstraint(
                condition=models.Q(door__in=["form", "api", "command"]), name="prediction_door_known"
            ),
        ]

    def __str__(self) -> str:
        return f"Prediction {self.id}"
