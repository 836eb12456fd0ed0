"""Systems that fetch access tokens (OAuth 2.0), and the assertions that they have used up."""

from typing import ClassVar

from django.db import models
from oauth2_provider.models import AbstractApplication


class OAuthClient(AbstractApplication):  # type: ignore[misc]  # the library is untyped
    """A system that trades a secret, or a signature, for tokens of an hour.

    Its rights are those of `key`, whose prefix is its client identifier: whatever is asked of API keys, and
    recorded of them, is of clients too. The secret's digest is there, not in `client_secret`, which nobody
    knows. `jwks` are the public keys (RFC 7517) of a system that signs.
    """

    key = models.OneToOneField("accounts.ApiKey", on_delete=models.PROTECT, related_name="client")
    jwks = models.JSONField(default=list)
    # Who made it. The library's own field would delete it together with them.
    user = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering: ClassVar[list[str]] = ["-created"]

    def __str__(self) -> str:
        return f"{self.name} ({self.client_id})"


class SpentAssertion(models.Model):
    """An assertion (RFC 7523) that was taken once, by the digest of its client and its jti."""

    digest = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.digest
