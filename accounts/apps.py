from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("People and audit trail")
    default = True

    def ready(self) -> None:
        from accounts import attendance, checks, row_scope  # noqa: F401, PLC0415 - they need the models

        attendance.listen()
        row_scope.listen()


class AdminSiteConfig(admin_apps.AdminConfig):
    """Django admin with our own site."""

    default = False
    default_site = "accounts.site.Site"
