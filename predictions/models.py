"""Releases of the model, how they came to be live, and the predictions made with them."""

from contextlib import suppress
from typing import Any, ClassVar, Self

from django.db import models
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy
from uuid_utils.compat import uuid7

from accounts.models import ApiKey, CaseKey, Event, Organisation, Person
from predictions import (  # noqa: F401 - Django looks for models here
    cohort_records,
    erasure_records,
    idempotency_records,
    profile_records,
    report_records,
)
from predictions.exceptions import CaseErased
from predictions.sealed_contents import open_contents


class ReleaseState(models.TextChoices):
    """What a release may be used for. `predictions.lifecycle` says how one becomes another."""

    CALLABLE = "callable", gettext_lazy("Callable: answers those who name it")
    LIVE = "live", gettext_lazy("Live: answers unless another release is named")
    SHADOW = "shadow", gettext_lazy("Shadow: reads every new prediction, answers nobody")
    RETIRED = "retired", gettext_lazy("Retired: explains and replays what it answered, answers nothing new")
    QUARANTINED = "quarantined", gettext_lazy("Quarantined: cannot be trusted, answers nobody")

    @property
    def word(self) -> str:
        """The state in the word that its label begins with."""
        return self.label.partition(":")[0].lower()


class Release(models.Model):
    """A sealed release of the model, pinned to the SHA-256 of its manifest.

    The database lets nothing change but the state, and that only along the known ways (migration 0004).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=60)
    version = models.CharField(max_length=30)
    sha256 = models.CharField(max_length=64, unique=True)
    state = models.CharField(
        gettext_lazy("state"), max_length=12, choices=ReleaseState.choices, default=ReleaseState.CALLABLE
    )
    registered_at = models.DateTimeField(default=timezone.now)
    state_changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-registered_at"]
        verbose_name = gettext_lazy("release")
        verbose_name_plural = gettext_lazy("releases")
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


class Proposal(models.Model):
    """That a release go live, with what this would have changed for the latest inputs. Never changed.

    `against` is the activation that was current then: as soon as another follows it, the proposal is stale.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="proposals")
    against = models.ForeignKey("Activation", on_delete=models.PROTECT, null=True, related_name="+")
    proposed_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(default=timezone.now)
    report = models.JSONField()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"Proposal of {self.release} by {self.proposed_by}"


class ActivationKind(models.TextChoices):
    """How a release came to be live."""

    FIRST = "first", gettext_lazy("First of the installation")
    APPROVED = "approved", gettext_lazy("Proposed and approved")
    ROLLED_BACK = "rolled_back", gettext_lazy("Rolled back to")


class Activation(models.Model):
    """That a release went live. Each follows the one before, so that no two follow the same. Never changed.

    `proposed_by` repeats the proposal's, held equal by a foreign key, so that the database can see that
    two people decided.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=12, choices=ActivationKind.choices)
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="activations")
    activated_at = models.DateTimeField(default=timezone.now)
    follows = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="followed_by")
    proposal = models.OneToOneField(Proposal, on_delete=models.PROTECT, null=True, related_name="activation")
    proposed_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    decided_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    returns_to = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    kind=ActivationKind.FIRST,
                    follows=None,
                    proposal=None,
                    proposed_by=None,
                    decided_by=None,
                    returns_to=None,
                    reason="",
                )
                | models.Q(
                    kind=ActivationKind.APPROVED,
                    proposal__isnull=False,
                    proposed_by__isnull=False,
                    decided_by__isnull=False,
                    returns_to=None,
                    reason="",
                )
                | models.Q(
                    ~models.Q(reason=""),
                    kind=ActivationKind.ROLLED_BACK,
                    follows__isnull=False,
                    proposal=None,
                    proposed_by=None,
                    decided_by__isnull=False,
                    returns_to__isnull=False,
                ),
                name="activation_whole",
            ),
            models.CheckConstraint(
                condition=models.Q(proposed_by=None) | ~models.Q(proposed_by=models.F("decided_by")),
                name="activation_two_people",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.release} live from {self.activated_at:%Y-%m-%d %H:%M:%S} UTC"

    @property
    def left(self) -> Release | None:
        """The release that was live before."""
        return self.follows.release if self.follows else None


class PredictionQuerySet(models.QuerySet["Prediction"]):
    """Predictions, of which some can be read."""

    def readable(self) -> Self:
        """Those of cases that are not erased, each with its key."""
        has_key = models.Exists(CaseKey.objects.filter(id=models.OuterRef("case_key")))
        return self.filter(has_key).select_related("case_key")


class Prediction(models.Model):
    """One panel and the risk that one release read from it.

    The database refuses every change but one: the stamp of the second reading (migration 0002). What is
    known of the patient is sealed under the key of the case, and unreadable as soon as that is deleted;
    reading it then raises CaseErased.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField()
    event = models.OneToOneField(Event, on_delete=models.PROTECT, related_name="+")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    api_key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, null=True, related_name="+")
    door = models.CharField(max_length=10)

    # No constraint, since the key may go; NULL only for the outer join that finds that it went.
    case_key = models.ForeignKey(
        CaseKey, on_delete=models.DO_NOTHING, null=True, db_constraint=False, related_name="+"
    )
    sealed = models.BinaryField()
    input_sha256 = models.CharField(max_length=64)

    # Which sample of which file it is, counted from 1, where many came in one.
    cohort = models.ForeignKey(
        cohort_records.Cohort, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    cohort_number = models.IntegerField(null=True)

    second_reading_at = models.DateTimeField(null=True)
    second_reading_difference = models.FloatField(null=True)

    objects: ClassVar[PredictionQuerySet] = PredictionQuerySet.as_manager()  # type: ignore[assignment]

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
            models.CheckConstraint(
                condition=models.Q(case_key__isnull=False), name="prediction_sealed_under_a_key"
            ),
            models.UniqueConstraint(
                fields=["cohort", "cohort_number"],
                name="prediction_of_cohort_once",
                condition=models.Q(cohort__isnull=False),
            ),
            models.CheckConstraint(
                condition=models.Q(cohort=None, cohort_number=None)
                | models.Q(cohort__isnull=False, cohort_number__isnull=False),
                name="prediction_has_its_place",
            ),
        ]

    def __str__(self) -> str:
        return f"Prediction {self.id}"

    @property
    def is_erased(self) -> bool:
        """Whether nothing that is known of the patient can be read any more."""
        with suppress(CaseKey.DoesNotExist):
            return self.case_key is None
        return True

    @property
    def key(self) -> CaseKey:
        """The key of its case. Raises CaseErased."""
        with suppress(CaseKey.DoesNotExist):
            if self.case_key:
                return self.case_key
        assert self.case_key_id  # noqa: S101 - a constraint sees to it
        raise CaseErased(self.case_key_id)

    @cached_property
    def contents(self) -> dict[str, Any]:
        """What is known of the patient, decrypted once. Raises CaseErased or CaseUnreadable."""
        opened: dict[str, Any] = open_contents(self.sealed, self.key, self.id, self.organisation_id)
        return opened

    @property
    def case_reference(self) -> str:
        """What the organisation calls the case; empty where none was named."""
        return str(self.contents["case_reference"])

    @property
    def sample_id(self) -> str:
        """What the organisation calls the sample; empty where it was not named."""
        return str(self.contents["sample_id"])

    @property
    def age_years(self) -> int | None:
        """The age of the patient, None where it was not given."""
        age: int | None = self.contents["age_years"]
        return age

    @property
    def panel(self) -> dict[str, Any]:
        """The values as they were read, and how they came about."""
        panel: dict[str, Any] = self.contents["panel"]
        return panel

    @property
    def result(self) -> dict[str, Any]:
        """What the release said, with the evidence that it applies."""
        result: dict[str, Any] = self.contents["result"]
        return result


class ShadowReading(models.Model):
    """What a shadow release says of a prediction that another release answered. Nobody is shown it.

    `refused` is the code of the reason for which the release would not have answered. Never changed. What
    it says is sealed under the key of the case, like the prediction.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    prediction = models.ForeignKey(Prediction, on_delete=models.PROTECT, related_name="+")
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="+")
    read_at = models.DateTimeField(default=timezone.now)
    sealed = models.BinaryField(null=True)
    refused = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["release", "prediction"], name="shadow_reading_once"),
            models.CheckConstraint(
                condition=models.Q(sealed__isnull=False, refused="")
                | models.Q(~models.Q(refused=""), sealed__isnull=True),
                name="shadow_reading_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"Prediction {self.prediction_id} in the shadow of {self.release}"

    @property
    def result(self) -> dict[str, Any] | None:
        """What the release says, None where it would refuse. Raises CaseErased or CaseUnreadable."""
        if self.sealed is None:
            return None
        answered = self.prediction
        opened: dict[str, Any] = open_contents(
            self.sealed, answered.key, self.id, answered.id, answered.organisation_id
        )
        return opened


class Verdict(models.TextChoices):
    """What somebody decides about a result. A note decides nothing."""

    AGREE = "agree", gettext_lazy("Agree")
    NOT_USED = "not_used", gettext_lazy("Not used")
    DISAGREE = "disagree", gettext_lazy("Disagree")
    NOTE = "note", gettext_lazy("Note")


class Review(models.Model):
    """That somebody looked at a result, and what they decide. Never changed: a correction is another row.

    The database takes it only together with its event, which says the same (migration 0010). The text is
    the reason or the note, sealed under the key of the case; only who agrees may leave it out.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    prediction = models.ForeignKey(Prediction, on_delete=models.PROTECT, related_name="+")
    event = models.OneToOneField(Event, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    sealed = models.BinaryField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(verdict__in=Verdict.values), name="review_verdict_known"
            ),
            models.CheckConstraint(
                condition=models.Q(verdict=Verdict.AGREE) | models.Q(sealed__isnull=False),
                name="review_has_its_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_verdict_display()}, by {self.person}"

    @property
    def text(self) -> str:
        """The reason or note, empty where there is none. Raises CaseErased or CaseUnreadable."""
        if self.sealed is None:
            return ""
        about = self.prediction
        opened: str = open_contents(self.sealed, about.key, self.id, about.id, about.organisation_id)
        return opened
