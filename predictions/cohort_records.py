"""Files of many samples: what was sent, how far it is read, and the samples that were refused."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy
from uuid_utils.compat import uuid7

from accounts.models import ApiKey, Event, Organisation, Person


class CohortState(models.TextChoices):
    """How far a cohort is. The last three are final."""

    WAITING = "waiting", gettext_lazy("Waiting")
    RUNNING = "running", gettext_lazy("Being read")
    FINISHED = "finished", gettext_lazy("Finished")
    CANCELLED = "cancelled", gettext_lazy("Cancelled")
    FAILED = "failed", gettext_lazy("Stopped")


OPEN = (CohortState.WAITING, CohortState.RUNNING)


class Cohort(models.Model):
    """One file of many samples, read by one release, which is pinned when it arrives.

    The database lets nothing change but how far it is (migration 0013): `received` samples were read, each
    of which is a prediction or a refusal. `input_read` of `input_bytes` says how much of the file that was.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField()
    event = models.OneToOneField(Event, on_delete=models.PROTECT, related_name="+")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    release = models.ForeignKey("predictions.Release", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    api_key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, null=True, related_name="+")
    door = models.CharField(max_length=10)
    again_of = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+")
    input_sha256 = models.CharField(max_length=64)
    input_bytes = models.BigIntegerField()
    options = models.JSONField()

    state = models.CharField(
        gettext_lazy("state"), max_length=10, choices=CohortState.choices, default=CohortState.WAITING
    )
    reason = models.CharField(max_length=40, blank=True)
    received = models.IntegerField(default=0)
    predicted = models.IntegerField(default=0)
    refused = models.IntegerField(default=0)
    input_read = models.BigIntegerField(default=0)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["organisation", "-id"], name="cohort_by_organisation"),
            models.Index(fields=["id"], name="cohort_open", condition=models.Q(state__in=OPEN)),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(received=models.F("predicted") + models.F("refused")),
                name="cohort_loses_nothing",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=CohortState.values), name="cohort_state_known"
            ),
        ]

    def __str__(self) -> str:
        return f"Cohort {self.id}"

    @property
    def is_open(self) -> bool:
        """Whether there is more of it to read."""
        return self.state in OPEN


class CohortInput(models.Model):
    """The key of a stored file, wrapped, and its name, sealed. Without this row nobody can read the file."""

    cohort = models.OneToOneField(Cohort, on_delete=models.PROTECT, primary_key=True, related_name="input")
    upload = models.UUIDField(unique=True)
    wrapped = models.BinaryField()
    kek_id = models.TextField()
    parts = models.IntegerField()
    name = models.BinaryField()
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"Input of {self.cohort}"


class InputPart(models.Model):
    """Some megabyte of a stored file, sealed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    upload = models.UUIDField()
    number = models.IntegerField()
    sealed = models.BinaryField()
    stored_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["upload", "number"], name="input_part_once")]

    def __str__(self) -> str:
        return f"Part {self.number} of {self.upload}"


class CohortRefusal(models.Model):
    """A sample of a cohort that was refused. Never changed.

    `codes` says why, without a value. Which sample it is and what stands in it is sealed under the key of
    the stored file, and goes with it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT, related_name="refusals", db_index=False)
    number = models.IntegerField()
    codes = models.JSONField()
    sealed = models.BinaryField()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["cohort", "number"], name="cohort_refusal_once")]

    def __str__(self) -> str:
        return f"Sample {self.number} of {self.cohort}"
