"""Who is locked out after wrong passwords, and what they read."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def name_of_credentials(_request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """The e-mail address that a sign-in tried, whichever door and form it came through."""
    given = credentials or {}
    return str(given.get("username") or given.get("email") or given.get("login") or "").strip().lower()


def answer_locked_out(
    request: HttpRequest,
    response: HttpResponse | None = None,  # noqa: ARG001 - django-axes passes it
    credentials: dict[str, Any] | None = None,  # noqa: ARG001 - likewise
) -> HttpResponse:
    """429: this address has tried too often for this account."""
    page = render(request, "accounts/locked_out.html", status=429)
    page["Retry-After"] = "900"
    return page
