"""What is wrong with the secrets of an installation, told before anything starts."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

SHORTEST, FEWEST_CHARACTERS = 32, 8
KNOWN = ("django-insecure", "changeme", "change-me", "secret", "password", "example", "insecure", "default")
HINT = "Make one: python -c 'import secrets; print(secrets.token_urlsafe(50))'"


@register
def check_secrets(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:  # noqa: ARG001
    """In production no secret is short, copied from an example, or used for two purposes."""
    if not settings.PRODUCTION:
        return []
    faults = {name: fault_of(getattr(settings, name)) for name in ("SECRET_KEY", "LEDGER_KEY")}
    if settings.SECRET_KEY == settings.LEDGER_KEY:
        faults["LEDGER_KEY"] = "it is the SECRET_KEY too"
    return [
        Error(f"{name} is weak: {fault}.", hint=HINT, id="breastrisk.E001")
        for name, fault in faults.items()
        if fault
    ]


def fault_of(secret: str) -> str:
    """Why a secret can be guessed; empty when nothing speaks for it."""
    if len(secret) < SHORTEST:
        return f"it has fewer than {SHORTEST} characters"
    if len(set(secret)) < FEWEST_CHARACTERS:
        return f"it has fewer than {FEWEST_CHARACTERS} different characters"
    if any(known in secret.lower() for known in KNOWN):
        return "it looks like one of an example"
    return ""
