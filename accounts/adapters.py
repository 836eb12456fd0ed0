"""Where the library for signing in asks us."""

import logging
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import session_marks
from accounts.models import Person
from accounts.network import client_address
from accounts.provider_links import has_link

logger = logging.getLogger(__name__)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth is untyped
    """Safe redirects, and the client's address as everywhere else."""

    def is_safe_url(self, url: str) -> bool:
        try:
            return bool(super().is_safe_url(url))
        except ValueError:  # it is no URL at all
            return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)

    def is_reauthentication_required(self, *, app: str, **_: Any) -> bool:  # noqa: ARG002 - the library's signature
        return not session_marks.is_fresh(self.request.session) and bool(
            self.get_reauthentication_methods(self.request.user)
        )

    def get_reauthentication_methods(self, user: Person | AnonymousUser) -> list[dict[str, Any]]:
        """The library's, and the organisation's provider for whom that signs in."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        if settings.OIDC_ISSUER and isinstance(user, Person) and has_link(user, settings.OIDC_ISSUER):
            words = _("Use {provider}").format(provider=settings.OIDC_NAME)
            methods.append({"id": "provider", "description": words, "url": reverse("prove_by_provider")})
        return methods

    def send_notification_mail(
        self,
        template_prefix: str,
        user: Person,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """Tell somebody what was changed at their account. What was done stays done without a mail server."""
        try:
            super().send_notification_mail(template_prefix, user, context, email or user.email)
        except OSError as error:
            logger.error("A notification could not be sent: %s", type(error).__name__)  # noqa: TRY400
