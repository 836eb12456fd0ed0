"""Which reports were made of a prediction: what anybody who holds one can compare it with. Never changed."""

from django.db import models
from uuid_utils.compat import uuid7

from accounts.models import Event


class MadeReport(models.Model):
    """The digest of a report that was made, first made when `made_at` says.

    `contents_digest` is keyed and stands for all that was set; `template` for what set it. Both the same in
    two rows would mean that the same gave other bytes.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    prediction = models.ForeignKey("Prediction", on_delete=models.PROTECT, related_name="+")
    template = models.CharField(max_length=12)
    language = models.CharField(max_length=10)
    contents_digest = models.CharField(max_length=64)
    sha256 = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField()
    event = models.OneToOneField(Event, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["contents_digest", "template"], name="report_made_once")
        ]

    def __str__(self) -> str:
        return f"Report of {self.prediction_id} in {self.language}"
