"""What is wrong with the settings of the audit trail and the identity provider, told before a start."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from accounts.anchoring import open_anchors
from accounts.anchors import WrongAnchor

LONGEST_ISSUER = 200
HERE = ("localhost", "127.0.0.1", "::1")


@register
def check_anchors(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:  # noqa: ARG001
    """Every anchor that LEDGER_ANCHORS names can be understood; none is asked anything yet."""
    try:
        open_anchors()
    except WrongAnchor as wrong:
        hint = f"{wrong} docs/anchors.md tells how to set each kind up."
        return [Error("LEDGER_ANCHORS cannot be read.", hint=hint, id="accounts.E001")]
    return []


@register
def check_provider(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:  # noqa: ARG001
    """The issuer is an address that nobody on the way can change, and does not speak of everybody."""
    if not settings.OIDC_ISSUER:
        return []
    wrong: list[CheckMessage] = []
    if not _is_issuer(settings.OIDC_ISSUER):
        hint = (
            "It is an address that begins with https://, without ? and #, exactly as the provider spells it."
        )
        wrong.append(Error("OIDC_ISSUER is no issuer.", hint=hint, id="accounts.E002"))
    if not settings.OIDC_EMAIL_DOMAINS:
        hint = "Name the domains whose addresses it may sign in, with commas between: clinic.example"
        wrong.append(Error("OIDC_EMAIL_DOMAINS is empty.", hint=hint, id="accounts.E003"))
    return wrong


def _is_issuer(text: str) -> bool:
    try:
        address = urlsplit(text)
    except ValueError:
        return False
    is_safe = address.scheme == "https" or (
        address.scheme == "http" and not settings.PRODUCTION and address.hostname in HERE
    )
    return is_safe and bool(address.hostname) and not set("?#") & set(text) and len(text) <= LONGEST_ISSUER
