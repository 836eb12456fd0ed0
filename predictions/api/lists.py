"""Lists of predictions for systems: newest first, page by page, and those of one case."""

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import QueryDict
from django.urls import reverse
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field
from rest_framework.request import Request
from rest_framework.response import Response

from predictions import disclosure
from predictions.api.body import Closed, parse_as
from predictions.api.strict_json import parse_object
from predictions.api.views import ApiView, check_transport
from predictions.exceptions import PanelRefused, ParametersRefused, Problem
from predictions.facts import facts_in_list
from predictions.intake.panel import is_reference
from predictions.selectors import Wanted


def _read_time(text: Any) -> datetime:
    """RFC 3339, which is what `fromisoformat` writes; it reads far more, and pydantic numbers too."""
    if not isinstance(text, str) or len(text) < len("2026-11-25T00:00:00Z"):
        raise ValueError("This is no time like 2026-11-25T00:00:00Z")
    return datetime.fromisoformat(text)


def _reference(text: str) -> str:
    if not (text and is_reference(text)):
        raise ValueError("This is no reference of a case")
    return text


Time = Annotated[AwareDatetime, BeforeValidator(_read_time)]
Id = Annotated[UUID, Field(strict=False)]
Name = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,100}$")]


class Asked(Closed):
    """Which predictions are listed; all that is said holds of each."""

    model: Name | None = None
    version: Name | None = None
    since: Time | None = None
    until: Time | None = None
    before: Id | None = None

    def as_wanted(self, case_reference: str = "") -> Wanted:
        """The same in the terms of `selectors`."""
        return Wanted(
            case_reference, self.model or "", self.version or "", self.since, self.until, self.before
        )


class AskedOfCase(Asked):
    """The body of `POST /api/v1/predictions/search`."""

    case: Annotated[str, AfterValidator(_reference)]


class PredictionsView(ApiView):
    """`GET /api/v1/predictions`: those of the key's organisation, 50 a page."""

    scopes = {"GET": "read", "HEAD": "read", "OPTIONS": "read"}

    def get(self, request: Request) -> Response:
        given: QueryDict = request.query_params
        try:
            asked = parse_as(Asked, _once_each(given))
        except PanelRefused as refusal:
            raise ParametersRefused(refusal.problems) from None
        page = _page(self, asked.as_wanted())
        before = page["before"]
        further = urlencode({**given.dict(), "before": before})
        return Response({**page, "next": f"{reverse('api_predictions')}?{further}" if before else None})


class SearchView(ApiView):
    """`POST /api/v1/predictions/search`: those of one case, whose reference belongs into no address."""

    scopes = {"POST": "read", "OPTIONS": "read"}

    def post(self, request: Request) -> Response:
        check_transport(request)
        try:
            asked = parse_as(AskedOfCase, parse_object(request.body))
        except PanelRefused as refusal:
            raise ParametersRefused(refusal.problems) from None
        return Response(_page(self, asked.as_wanted(asked.case)))


def _page(view: ApiView, wanted: Wanted) -> dict[str, Any]:
    rows, following = disclosure.disclose_list(view.actor, wanted)
    return {
        "predictions": [
            {**facts_in_list(row), "address": reverse("api_prediction", args=[row.id])} for row in rows
        ],
        "before": following and str(following),
    }


def _once_each(given: QueryDict) -> dict[str, Any]:
    """The parameters. Raises ParametersRefused when one was given twice."""
    if twice := [name for name, values in given.lists() if len(values) > 1]:
        what, mend = "This is given more than once.", "Give it once."
        raise ParametersRefused([Problem("given_twice", what, mend, f"/{name[:80]}") for name in twice])
    return given.dict()
