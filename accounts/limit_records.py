"""How many requests of a kind somebody may send, as an operator set it: one row for each."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

MOST_REQUESTS = 1_000_000
LONGEST_WINDOW = 86_400


class Kind(models.TextChoices):
    """What a request asks for."""

    PREDICT = "predict", _("One panel read")
    COHORT = "cohort", _("A file of many samples sent")
    READ = "read", _("Anything else read or changed")
    SIGN_IN = "sign_in", _("Pages of signing in")
    TOKEN = "token", _("Access tokens")
    PUBLIC = "public", _("Pages for everybody, as receipts")


class Subject(models.TextChoices):
    """Whose requests are counted together."""

    KEY = "key", _("API key or client")
    PERSON = "person", _("Person")
    ORGANISATION = "organisation", _("Organisation")
    ADDRESS = "address", _("Network address")


class RateLimit(models.Model):
    """So many requests of one kind in so many seconds by one subject. Without a row there is no limit.

    Migration 0014 puts the first numbers in.
    """

    kind = models.CharField(_("requests"), max_length=12, choices=Kind.choices)
    subject = models.CharField(_("counted for each"), max_length=12, choices=Subject.choices)
    requests = models.PositiveIntegerField(
        _("at most"), validators=[MinValueValidator(1), MaxValueValidator(MOST_REQUESTS)]
    )
    seconds = models.PositiveIntegerField(
        _("in seconds"), validators=[MinValueValidator(1), MaxValueValidator(LONGEST_WINDOW)]
    )

    class Meta:
        ordering = ["kind", "subject"]
        verbose_name = _("rate limit")
        verbose_name_plural = _("rate limits")
        constraints = [
            models.UniqueConstraint(fields=["kind", "subject"], name="ratelimit_once"),
            models.CheckConstraint(
                condition=models.Q(requests__range=(1, MOST_REQUESTS), seconds__range=(1, LONGEST_WINDOW)),
                name="ratelimit_possible",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.get_subject_display()}"
