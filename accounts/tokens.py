"""Access tokens: what one opens, and how long they are kept."""

from dataclasses import dataclass
from hashlib import sha256
from threading import Lock

from cachetools import TTLCache, cached
from django.utils import timezone
from oauth2_provider.models import clear_expired, get_access_token_model

from accounts.keys import REMEMBERED_SECONDS, KeyRefused, note_first_use
from accounts.models import ApiKey
from accounts.oauth_records import SpentAssertion


@dataclass(frozen=True)
class Grant:
    """The key whose rights a system has, and which of its scopes."""

    key: ApiKey
    scopes: frozenset[str]


@cached(TTLCache(maxsize=1_024, ttl=REMEMBERED_SECONDS), lock=Lock())
def find_grant(text: str) -> Grant:
    """What a token opens. It is remembered for a second, so a revocation of its client bites within one.

    Raises
    ------
    KeyRefused
        When the token is unknown or expired, or its client is revoked or has ended.
    """
    now = timezone.now()
    checksum = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    live = get_access_token_model().objects.filter(
        token_checksum=checksum,
        expires__gt=now,
        application__key__revoked_at=None,
        application__key__expires_at__gt=now,
    )
    token = live.select_related("application__key__organisation").first()
    if token is None:
        raise KeyRefused
    key = token.application.key
    note_first_use(key)
    return Grant(key, frozenset(token.scope.split()) & frozenset(key.scopes))


def forget_expired() -> None:
    """Delete the tokens that have ended, and the assertions that nobody could use again anyway."""
    clear_expired()
    SpentAssertion.objects.filter(expires_at__lt=timezone.now()).delete()
