"""One-time sign-in links: a way in for the demo accounts and for an operator who is locked out."""

import secrets
from datetime import timedelta
from hashlib import sha256

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import Person, SignInLink

LIFETIME = timedelta(hours=24)


class LinkRefused(Exception):
    """For the person: the link is unknown, used or expired."""


def make_link(person: Person, base_url: str) -> str:
    """An address that signs this person in, once, within 24 hours."""
    token = secrets.token_urlsafe(32)
    SignInLink.objects.create(
        token_sha256=_digest(token), person=person, expires_at=timezone.now() + LIFETIME
    )
    return base_url.rstrip("/") + reverse("sign_in_once", args=[token])


@transaction.atomic
def use_link(token: str) -> Person:
    """Spend the link and return whom it signs in.

    Raises
    ------
    LinkRefused
        When it was never made, was used, has expired, or its person may not sign in.
    """
    live = SignInLink.objects.filter(
        token_sha256=_digest(token), used_at=None, expires_at__gt=timezone.now(), person__is_active=True
    )
    link = live.select_for_update(of=["self"]).select_related("person").first()
    if link is None:
        raise LinkRefused
    link.used_at = timezone.now()
    link.save(update_fields=["used_at"])
    return link.person


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
