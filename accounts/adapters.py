"""Where the library for signing in asks us."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from accounts.network import client_address


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth is untyped
    """Safe redirects, and the client's address as everywhere else."""

    def is_safe_url(self, url: str) -> bool:
        try:
            return bool(super().is_safe_url(url))
        except ValueError:  # it is no URL at all
            return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)
