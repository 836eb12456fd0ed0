"""Releases and predictions in Django admin, to look at only."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from predictions.models import Prediction, Release


class _ReadOnlyAdmin(admin.ModelAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


@admin.register(Release)
class ReleaseAdmin(_ReadOnlyAdmin):
    """Releases of the model; `manage.py activate_model` changes which one is live."""

    list_display = ("name", "version", "state", "state_changed_at", "sha256")


@admin.register(Prediction)
class PredictionAdmin(_ReadOnlyAdmin):
    """Predictions of every organisation: for the superuser alone, everybody else reads them on the site."""

    list_display = ("created_at", "id", "organisation", "release", "door", "second_reading_difference")
    list_select_related = ("organisation", "release")
    show_full_result_count = False
