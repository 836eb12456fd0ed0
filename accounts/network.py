"""Where a request comes from."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts.allow_lists import plain_address


def client_address(request: HttpRequest) -> str:
    """The network address of the client, as the trusted proxies saw it.

    Each proxy appends to X-Forwarded-For whom it heard: with TRUSTED_PROXIES=N only the last N entries were
    written by machines of ours, and the first of these names the client. With 0 the header is ignored.
    It is empty where there is none, as behind a Unix socket.
    """
    return _forwarded_address(request) or plain_address(request.META.get("REMOTE_ADDR", ""))


def _forwarded_address(request: HttpRequest) -> str:
    entries = request.headers.get("X-Forwarded-For", "").split(",")
    if not 0 < settings.TRUSTED_PROXIES <= len(entries):
        return ""
    return plain_address(entries[-settings.TRUSTED_PROXIES])


def facts_of_request(request: HttpRequest) -> dict[str, Any]:
    """What an event says of a request: its method, the name of its page, and where it came from."""
    return {
        "method": request.method,
        "page": request.resolver_match.url_name if request.resolver_match else None,
        "network_address": client_address(request),
    }
