"""Who is locked out after wrong passwords, and what they read."""

from contextlib import suppress
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.addresses import normal_address


def name_of_credentials(_request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """The e-mail address that a sign-in tried, in the spelling by which the account is looked up.

    Texts that cannot be the address of any account are counted together.
    """
    given = credentials or {}
    with suppress(ValidationError):
        return normal_address(str(given.get("username") or given.get("email") or given.get("login") or ""))
    return ""


def answer_locked_out(
    request: HttpRequest,
    response: HttpResponse | None = None,  # noqa: ARG001 - django-axes passes it
    credentials: dict[str, Any] | None = None,  # noqa: ARG001 - likewise
) -> HttpResponse:
    """429: this address has tried too often for this account."""
    page = render(request, "accounts/locked_out.html", status=429)
    page["Retry-After"] = "900"
    return page
