"""How a request may come, before anything in it is read: over HTTPS, as UTF-8, of a stated length."""

import re
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from predictions.problem_details import problem_response, wants_problem_details

FOR_SYSTEMS = ("/api/", "/oauth/", "/.well-known/")
# Load balancers ask over plain HTTP whether a machine is well, and send no secret.
OF_BALANCERS = "/api/v1/health"
UNREADABLE = "breastrisk.unreadable_content_type"
LONGEST_CONTENT_TYPE = 300
_TOKEN = r"[A-Za-z0-9!#$%&'+.^_`|~-]+"  # noqa: S105 - as RFC 9110 calls it, but for the star of RFC 2231
_PARAMETER = rf"\s*;\s*({_TOKEN})=(\"[ !#-\[\]-~]*\"|[!#-:<-~]+)"
_CONTENT_TYPE = re.compile(rf"{_TOKEN}/{_TOKEN}({_PARAMETER})*\s*;?\s*", re.ASCII)
_UTF_8 = {"utf-8", "utf8"}


class Handler(WSGIHandler):
    """Django's, but for a Content-Type that is not readable as UTF-8: it never reaches the request.

    Django decodes a request with whatever codec of Python's its charset names, also with "hex" and
    "unicode_escape", and where that fails it fails before there is a request to answer.
    """

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> HttpResponseBase:
        if not _is_readable(environ.get("CONTENT_TYPE", "")):
            environ = {**environ, "CONTENT_TYPE": "", UNREADABLE: True}
        return super().__call__(environ, start_response)


class RefusePlainHttp:
    """Middleware: in production a system that asks over plain HTTP is refused, where a page is redirected.

    A redirect would hide from whoever set the system up that its key travels in the clear, each time.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SECURE_SSL_REDIRECT and not request.is_secure() and _is_for_systems(request.path):
            return problem_response("https-required", "Nothing was read: the request came over plain HTTP.")
        return self.get_response(request)


def _is_for_systems(path: str) -> bool:
    return path.startswith(FOR_SYSTEMS) and not path.startswith(OF_BALANCERS)


class RefuseUnreadable:
    """Middleware: text that is not UTF-8, and bodies of no stated length, are refused before they are read.

    The API does that by itself, once it knows whose request it is.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Ours are printable; Django would take an escaped NUL to the database.
        request.COOKIES = {name: text for name, text in request.COOKIES.items() if text.isprintable()}
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> None:
        """Called by Django when it is known who asks, and before any part of the body is read."""
        if wants_problem_details(request):
            return
        if UNREADABLE in request.META:
            raise BadRequest("Another charset than UTF-8")
        if "Transfer-Encoding" in request.headers:
            raise BadRequest("A chunked body")


def _is_readable(content_type: str) -> bool:
    """Whether it is empty, or a media type (RFC 9110) that names no other charset than UTF-8."""
    if not content_type:
        return True
    if len(content_type) > LONGEST_CONTENT_TYPE or not _CONTENT_TYPE.fullmatch(content_type):
        return False
    parameters = re.findall(_PARAMETER, content_type, re.ASCII)
    return all(value.strip('"').lower() in _UTF_8 for name, value in parameters if name.lower() == "charset")
