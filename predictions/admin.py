"""Predictions in Django admin, to look at only."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts import row_scope
from predictions import case_admin, release_admin  # noqa: F401 - each registers its pages
from predictions.models import Prediction


@admin.register(Prediction)
class PredictionAdmin(admin.ModelAdmin):
    """Predictions of every organisation: for the superuser alone, everybody else reads them on the site."""

    list_display = ("created_at", "id", "organisation", "release", "door", "second_reading_difference")
    list_select_related = ("organisation", "release")
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Prediction]:
        row_scope.show_all_rows()  # they are read as late as in the template
        return super().get_queryset(request)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Prediction | None = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Prediction | None = None) -> bool:  # noqa: ARG002
        return False
