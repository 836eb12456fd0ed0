"""What the superuser keeps in Django admin: organisations, people and their roles. Keys are only shown."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from accounts import audit_admin  # noqa: F401 - registers the audit trail
from accounts.models import ApiKey, Membership, Organisation, Person

admin.site.site_header = "Breast risk administration"
admin.site.site_title = "Breast risk"


class _NeverDeleted(admin.ModelAdmin):
    """Whoever stands in the audit trail stays: people are deactivated, organisations are left empty."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


class MembershipInline(admin.TabularInline):
    """The roles of a person."""

    model = Membership
    extra = 1


@admin.register(Person)
class PersonAdmin(_NeverDeleted, UserAdmin):
    """People, by e-mail address."""

    list_display = ("email", "name", "is_active", "is_staff")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email", "name")
    ordering = ("email",)
    filter_horizontal = ()
    inlines = [MembershipInline]
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "name", "password1", "password2")}),)


@admin.register(Organisation)
class OrganisationAdmin(_NeverDeleted):
    """Organisations."""

    list_display = ("name", "slug")
    prepopulated_fields = {"slug": ["name"]}


@admin.register(ApiKey)
class ApiKeyAdmin(_NeverDeleted):
    """API keys without their secrets; `manage.py issue_key` makes them."""

    list_display = ("name", "organisation", "prefix", "created_at", "expires_at", "revoked_at")
    exclude = ("secret_sha256",)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:  # noqa: ARG002
        return False
