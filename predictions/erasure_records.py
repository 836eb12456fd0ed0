"""Who asked that a case be erased, who decided, when it was done, and how long cases are kept. Never changed.

No row refers to a case but by the identifier of its key and the digest of its reference.
"""

from typing import Self
from uuid import UUID

from django.core.validators import MaxValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from accounts.models import Event, Organisation, Person

LONGEST_KEPT_YEARS = 100


class ErasureReason(models.TextChoices):
    """Why somebody asks for an erasure."""

    ASKED = "asked", _("The patient asks for it")
    CONSENT = "consent", _("Consent was withdrawn")
    MISTAKE = "mistake", _("It was entered by mistake")
    ORDERED = "ordered", _("A court or an authority orders it")


class ErasureRequest(models.Model):
    """That one person asks for the erasure of a case."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, verbose_name=_("organisation"), related_name="+"
    )
    case_key_id = models.UUIDField(db_index=True)
    case_digest = models.TextField(null=True)  # noqa: DJ001 - NULL says that no case was named
    reason = models.CharField(_("reason"), max_length=10, choices=ErasureReason.choices)
    note = models.CharField(max_length=300, blank=True)
    requested_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, verbose_name=_("requested by"), related_name="+"
    )
    requested_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(reason__in=ErasureReason.values), name="erasure_reason_known"
            )
        ]

    def __str__(self) -> str:
        return f"Erasure of case {self.case_key_id}"


class RetentionProposal(models.Model):
    """That cases be kept for so many years after their last prediction; 0 keeps them for good."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    years = models.PositiveSmallIntegerField(validators=[MaxValueValidator(LONGEST_KEPT_YEARS)])
    proposed_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(years__lte=LONGEST_KEPT_YEARS), name="retention_at_most_a_century"
            )
        ]

    def __str__(self) -> str:
        return f"{self.years} years for {self.organisation}"


class RetentionRule(models.Model):
    """What somebody else approved. The newest of an organisation holds; without one, cases are kept for good.

    Years, organisation and proposer repeat the proposal's, held equal by a foreign key, so that the database
    can see that two people decided.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    years = models.PositiveSmallIntegerField()
    proposal = models.OneToOneField(RetentionProposal, on_delete=models.PROTECT, related_name="rule")
    proposed_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(proposed_by=models.F("decided_by")), name="retention_two_people"
            )
        ]

    def __str__(self) -> str:
        return f"{self.years} years for {self.organisation}"


class DecisionKind(models.TextChoices):
    """What became of a case, or of a request about it."""

    APPROVED = "approved", _("Approved")
    DECLINED = "declined", _("Declined")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    BY_RULE = "by_rule", _("Kept as long as the rule says")
    REPEATED = "repeated", _("Erased before, and brought back by a backup")


ERASING = (DecisionKind.APPROVED, DecisionKind.BY_RULE, DecisionKind.REPEATED)


class ErasureDecisionQuerySet(models.QuerySet["ErasureDecision"]):
    """Decisions, of which some erase."""

    def erasing(self) -> Self:
        """Those after which the key goes."""
        return self.filter(kind__in=ERASING)


class ErasureDecision(models.Model):
    """That a case is erased, or not. Only then the database lets its key go (migration 0008)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=10, choices=DecisionKind.choices)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    case_key_id = models.UUIDField(db_index=True)
    case_digest = models.TextField(null=True, db_index=True)  # noqa: DJ001 - as in the request
    request = models.OneToOneField(
        ErasureRequest, on_delete=models.PROTECT, null=True, related_name="decision"
    )
    requested_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    decided_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    rule = models.ForeignKey(RetentionRule, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(default=timezone.now)

    objects = ErasureDecisionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["case_key_id"], condition=models.Q(kind__in=ERASING), name="erasure_decided_once"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    kind__in=(DecisionKind.APPROVED, DecisionKind.DECLINED, DecisionKind.WITHDRAWN),
                    request__isnull=False,
                    requested_by__isnull=False,
                    decided_by__isnull=False,
                    rule=None,
                )
                | models.Q(
                    kind=DecisionKind.BY_RULE,
                    request=None,
                    requested_by=None,
                    decided_by=None,
                    rule__isnull=False,
                )
                | models.Q(
                    kind=DecisionKind.REPEATED, request=None, requested_by=None, decided_by=None, rule=None
                ),
                name="erasure_whole",
            ),
            models.CheckConstraint(
                condition=models.Q(requested_by=None)
                | models.Q(kind=DecisionKind.WITHDRAWN, requested_by=models.F("decided_by"))
                | models.Q(
                    ~models.Q(requested_by=models.F("decided_by")),
                    kind__in=(DecisionKind.APPROVED, DecisionKind.DECLINED),
                ),
                name="erasure_two_people",
            ),
        ]

    def __str__(self) -> str:
        return gettext("{decision} on {time} UTC").format(
            decision=self.get_kind_display(), time=f"{self.decided_at:%Y-%m-%d %H:%M}"
        )


class ErasureCompletion(models.Model):
    """That the key is gone, with the event that says so."""

    decision = models.OneToOneField(
        ErasureDecision, on_delete=models.PROTECT, primary_key=True, related_name="completion"
    )
    event = models.OneToOneField(Event, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"Completion of {self.decision_id}"


def words_of_erasure(case_key_id: UUID) -> str:
    """When a case was erased, and by which decision."""
    decision = ErasureDecision.objects.erasing().filter(case_key_id=case_key_id).first()
    if decision is None:
        return gettext("No decision on record says so.")
    return gettext("Decided on {day} at {time} UTC: decision {decision}.").format(
        day=f"{decision.decided_at:%Y-%m-%d}", time=f"{decision.decided_at:%H:%M}", decision=decision.id
    )
