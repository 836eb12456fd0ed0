"""What the superuser keeps in Django admin: organisations, people and their roles. Keys are only shown."""

from http import HTTPStatus
from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from accounts import (
    audit_admin,  # noqa: F401 - registers the audit trail
    events,
)
from accounts.keys import revoke_key
from accounts.limit_records import RateLimit
from accounts.models import ApiKey, Membership, Organisation, Person
from accounts.oauth_records import OAuthClient
from accounts.visits import record_visit

admin.site.site_header = _("Breast risk administration")
admin.site.site_title = "Breast risk"


class _OnRecord(admin.ModelAdmin):
    """Whoever stands in the audit trail stays: people are deactivated, organisations are left empty.

    What is saved is on record, in the transaction of the page, by the names of the fields: never by values.
    """

    added, changed = "", ""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001
        super().save_model(request, obj, form, change)
        fields = sorted(set(form.changed_data) & set(form.fields))
        action = self.changed if change else self.added
        record_visit(request, action, subject=obj.id, fields=fields, **self.facts_of(obj))

    def facts_of(self, obj: Any) -> dict[str, Any]:  # noqa: ARG002
        """What else is on record of it."""
        return {}

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


class MembershipInline(admin.StackedInline):
    """The roles of a person."""

    model = Membership
    extra = 1


@admin.register(Person)
class PersonAdmin(_OnRecord, UserAdmin):
    """People, by e-mail address."""

    added, changed = events.PERSON_ADDED, events.PERSON_CHANGED

    list_display = ("email", "name", "is_active", "is_staff")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email", "name")
    ordering = ("email",)
    filter_horizontal = ()
    inlines = [MembershipInline]
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        (_("Access"), {"fields": ("is_active", "is_staff", "is_superuser")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "name", "password1", "password2")}),)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:  # noqa: FBT001
        super().save_formset(request, form, formset, change)
        changed = [membership for membership, _ in formset.changed_objects]
        for action, memberships in (
            (events.ROLE_GRANTED, formset.new_objects),
            (events.ROLE_CHANGED, changed),
            (events.ROLE_WITHDRAWN, formset.deleted_objects),
        ):
            for membership in memberships:
                record_visit(request, action, **_facts_of_membership(membership))

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        response = super().user_change_password(request, id, form_url)
        if response.status_code == HTTPStatus.FOUND:
            record_visit(request, events.PERSON_CHANGED, subject=id, fields=["password"])
        return response


def _facts_of_membership(membership: Membership) -> dict[str, Any]:
    return {
        "subject": membership.person_id,
        "organisation": membership.organisation_id,
        "role": membership.role,
    }


@admin.register(Organisation)
class OrganisationAdmin(_OnRecord):
    """Organisations."""

    added, changed = events.ORGANISATION_ADDED, events.ORGANISATION_CHANGED

    list_display = ("name", "slug")
    prepopulated_fields = {"slug": ["name"]}


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):
    """API keys without their secrets; who keeps an organisation makes them, or `manage.py issue_key`."""

    list_display = (
        "name", "organisation", "prefix", "scopes", "networks", "created_at", "expires_at", "last_used_at",
        "revoked_at",
    )  # fmt: skip
    actions = ["revoke"]
    exclude = ("secret_sha256",)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:  # noqa: ARG002
        return False

    @admin.action(description=_("Revoke the selected keys"))
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        """For good, within a second."""
        assert isinstance(request.user, Person)  # noqa: S101 - the admin saw to it
        for key in keys:
            revoke_key(key, request.user)
        self.message_user(request, _("The keys open nothing any more."))


class OAuthClientAdmin(admin.ModelAdmin):
    """Systems that fetch access tokens, without their secrets. The library registers it; keys end them."""

    list_display = ("name", "client_id", "key", "created")
    fields = ("name", "client_id", "key", "jwks")
    view_on_site = False  # the library's model has an address that is not served

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: OAuthClient | None = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: OAuthClient | None = None) -> bool:  # noqa: ARG002
        return False


@admin.register(RateLimit)
class RateLimitAdmin(_OnRecord):
    """How many requests somebody may send. What is changed holds within seconds, in every process."""

    changed = events.LIMIT_CHANGED

    list_display = ("kind", "subject", "requests", "seconds")
    readonly_fields = ("kind", "subject")

    def facts_of(self, obj: RateLimit) -> dict[str, Any]:
        return {"limit": f"{obj.kind}-{obj.subject}", "requests": obj.requests, "seconds": obj.seconds}

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False
