"""A number for every request, so that its answer, the log and the audit trail can be laid side by side."""

from collections.abc import Callable
from typing import Any

from django.core.signals import request_finished
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

from accounts.request_ids import begin_request, end_request

HEADER = "X-Request-Id"


class NumberRequests:
    """Middleware, outside of all that refuses: whatever is answered has its number."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = begin_request(request.headers.get(HEADER, ""))
        response = self.get_response(request)
        response.headers[HEADER] = request_id
        return response


@receiver(request_finished)
def _end(**_signal: Any) -> None:
    # Not before: Django logs what it answered when all middleware is done.
    end_request()
