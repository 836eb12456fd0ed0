"""What people and systems read when something is missing, broken or away."""

import logging
import sys
from collections.abc import Callable

from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from accounts.case_keys import CaseUnreadable
from accounts.refusals import record_refused_request
from accounts.request_ids import current_request_id
from predictions.exceptions import ReleaseUnavailable
from predictions.problem_details import problem_response, wants_problem_details

RETRY_AFTER = {"Retry-After": "5"}
OUTAGES = (OperationalError, InterfaceError, ReleaseUnavailable, CaseUnreadable)

logger = logging.getLogger(__name__)


class AnswerOutages:
    """Middleware: a database, a model or a key that is away is a 503 with Retry-After, never a 500."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Called by Django for what a view raises."""
        if isinstance(error, OUTAGES):
            return _unavailable(request, error)
        return None


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A request that cannot be read, or is larger than any of ours."""
    too_large = isinstance(exception, RequestDataTooBig)
    status = 413 if too_large else 400
    record_refused_request(request, status)
    if wants_problem_details(request):
        return problem_response(
            "too-large" if too_large else "bad-request", f"Refused: {type(exception).__name__}."
        )
    return render(None, "errors/bad_request.html", {"too_large": too_large}, status=status)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Nothing at this address."""
    if wants_problem_details(request):
        return problem_response("not-found", "Nothing is served at this address.")
    return render(request, "errors/not_found.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Something that nobody foresaw. The page needs neither the database nor the session."""
    error = sys.exception()
    if isinstance(error, OUTAGES):  # outside of a page, as where the session is kept
        return _unavailable(request, error)
    if wants_problem_details(request):
        return problem_response("internal-error", "Nothing was recorded.")
    context = {"now": timezone.now(), "request_id": current_request_id()}
    return render(None, "errors/server_error.html", context, status=500)


def _unavailable(request: HttpRequest, error: Exception) -> HttpResponse:
    logger.error("Unavailable: %s", type(error).__name__)
    if wants_problem_details(request):
        return problem_response("unavailable", "The service cannot answer now.", headers=RETRY_AFTER)
    page = render(None, "errors/unavailable.html", {"now": timezone.now()}, status=503)
    page["Retry-After"] = RETRY_AFTER["Retry-After"]
    return page
