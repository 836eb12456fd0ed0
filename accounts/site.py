"""Our site of Django admin: what stands in an address is checked before it becomes a query."""

import re
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.core.exceptions import BadRequest
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver

SHOWN = ("accounts", "predictions")
PLAIN = r"[\w .:+-]{0,100}"


class Site(AdminSite):
    """Shows the models of our own rooms, and takes only the queries that its pages make themselves."""

    def register(
        self,
        model_or_iterable: type[Model] | Iterable[type[Model]],
        admin_class: type[ModelAdmin] | None = None,
        **options: Any,
    ) -> None:
        given = [model_or_iterable] if isinstance(model_or_iterable, type) else model_or_iterable
        models = [model for model in given if model._meta.app_label in SHOWN]  # noqa: SLF001 - documented
        super().register(models, _with_known_lookups(admin_class or ModelAdmin), **options)

    def admin_view(
        self,
        view: Any,
        cacheable: bool = False,  # noqa: FBT001, FBT002 - Django's signature
    ) -> Any:
        return super().admin_view(_with_plain_query(view), cacheable)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Without the redirect to an object's own page: no object here has one."""
        return [url for url in super().get_urls() if getattr(url, "name", None) != "view_on_site"]


def _with_known_lookups(admin_class: type[ModelAdmin]) -> type[ModelAdmin]:
    """The rule holds for every admin class, whoever wrote it."""
    rule = {"lookup_allowed": _is_known_lookup, "__module__": admin_class.__module__}
    return type(admin_class.__name__, (admin_class,), rule)


def _is_known_lookup(admin: ModelAdmin, lookup: str, value: str, request: HttpRequest) -> bool:  # noqa: ARG001
    """Whether the pages of this admin class link to such a lookup.

    Those are the ones of `list_filter`, and those that the class names in `known_lookups` together with a
    pattern that the value has to match. Django itself would take every lookup of every field, also a regular
    expression over a password's hash.
    """
    linked = {f"{name}__exact": PLAIN for name in admin.list_filter if isinstance(name, str)}
    pattern = {**linked, **getattr(admin, "known_lookups", {})}.get(lookup)
    return pattern is not None and re.fullmatch(pattern, value, re.ASCII) is not None


def _with_plain_query(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not all(name.isprintable() and value.isprintable() for name, value in _pairs(request)):
            raise BadRequest("The query has characters that are not printable")
        return view(request, *args, **kwargs)

    return checked


def _pairs(request: HttpRequest) -> list[tuple[str, str]]:
    return [(name, value) for name, values in request.GET.lists() for value in values]
