"""From where an organisation's people and systems may come."""

from django.db import models
from django.utils import timezone


class OrganisationNetworks(models.Model):
    """The networks (CIDR) of one organisation. Without a row, or with an empty list, from everywhere."""

    organisation = models.OneToOneField(
        "accounts.Organisation", on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    networks = models.JSONField(default=list)
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"Networks of {self.organisation}"
