"""What is wrong with the secrets and connections of an installation, told before anything starts."""

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import WARNING, CheckMessage, Error, register

SHORTEST, FEWEST_CHARACTERS = 32, 8
KNOWN = ("django-insecure", "changeme", "change-me", "secret", "password", "example", "insecure", "default")
THIS_MACHINE = ("", "localhost", "127.0.0.1", "::1")
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


@register(deploy=True)
def check_connections(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:  # noqa: ARG001
    """What leaves this machine is encrypted, and the certificate of the other end is checked."""
    hint = "End the address of each database elsewhere with ?sslmode=verify-full, and use rediss://."
    return [
        CheckMessage(
            WARNING, f"The connection to {name} can be listened to.", hint=hint, id="breastrisk.W001"
        )
        for name in _open_connections()
    ]


def _open_connections() -> Iterator[str]:
    for role, database in settings.DATABASES.items():
        is_ours = database["HOST"] in THIS_MACHINE or database["HOST"].startswith("/")
        if not is_ours and database["OPTIONS"].get("sslmode") != "verify-full":
            yield f"the database ({role})"
    bus = urlsplit(settings.REDIS_URL)
    if bus.scheme == "redis" and bus.hostname not in THIS_MACHINE:
        yield "REDIS_URL"


def fault_of(secret: str) -> str:
    """Why a secret can be guessed; empty when nothing speaks for it."""
    if len(secret) < SHORTEST:
        return f"it has fewer than {SHORTEST} characters"
    if len(set(secret)) < FEWEST_CHARACTERS:
        return f"it has fewer than {FEWEST_CHARACTERS} different characters"
    if any(known in secret.lower() for known in KNOWN):
        return "it looks like one of an example"
    return ""
