"""Problem details (RFC 9457): what every refusal of the API looks like, and what each type means."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from django.http import HttpRequest, JsonResponse

from predictions.exceptions import Problem

CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True)
class ProblemType:
    """A kind of refusal: its status, its title and what a caller does about it."""

    slug: str
    status: int
    title: str
    advice: str


_TYPES = (
    ProblemType("bad-request", 400, "The request cannot be read", "Correct what the detail says."),
    ProblemType("malformed-body", 400, "The body is not one JSON object", "Send one JSON object in UTF-8."),
    ProblemType(
        "unauthenticated",
        401,
        "No valid API key",
        "Send Authorization: Api-Key PREFIX.SECRET, with a key that is neither expired nor revoked.",
    ),
    ProblemType("forbidden", 403, "The key may not do this", "Use a key that has the scope which is named."),
    ProblemType(
        "not-found", 404, "There is no such thing", "Check the address; another organisation's is not shown."
    ),
    ProblemType("method-not-allowed", 405, "This method is not served here", "See the Allow header."),
    ProblemType(
        "not-acceptable",
        406,
        "Nothing is served here in that form",
        "Send Accept: application/json; for a model card also text/markdown, for a report application/pdf.",
    ),
    ProblemType(
        "case-erased",
        410,
        "The case was erased",
        "Take it out of your own records too: it can never be fetched again. The auditors know who decided.",
    ),
    ProblemType(
        "not-sealed",
        409,
        "The event is not in the tree yet",
        "Ask again as soon as Retry-After says. If it stays so, the operator has to see to the workers.",
    ),
    ProblemType(
        "length-required",
        411,
        "The length of the body is not stated",
        "Send the whole body at once with Content-Length; a chunked body is not read.",
    ),
    ProblemType("too-large", 413, "The body is too large", "Send one sample with the genes of the panel."),
    ProblemType(
        "unsupported-media-type", 415, "Only JSON is read here", "Send Content-Type: application/json."
    ),
    ProblemType(
        "panel-refused",
        422,
        "The panel cannot be read",
        "Mend every entry of errors, each of which says where it is and how, and send the panel again.",
    ),
    ProblemType("too-many-requests", 429, "Too many requests", "Wait as long as Retry-After says."),
    ProblemType(
        "internal-error", 500, "Something broke on our side", "Nothing was recorded. Try again later."
    ),
    ProblemType(
        "unavailable", 503, "Part of the service is not available", "Nothing was recorded. See Retry-After."
    ),
)
TYPES = {problem_type.slug: problem_type for problem_type in _TYPES}
BY_STATUS = {problem_type.status: problem_type for problem_type in _TYPES}


def problem_response(
    slug: str, detail: str, errors: Iterable[Problem] = (), headers: dict[str, str] | None = None
) -> JsonResponse:
    """An `application/problem+json` answer of one of the known types."""
    problem_type = TYPES[slug]
    body: dict[str, Any] = {
        "type": f"/problems/{slug}/",
        "title": problem_type.title,
        "status": problem_type.status,
        "detail": detail,
    }
    if entries := [_entry(problem) for problem in errors]:
        body["errors"] = entries
    return JsonResponse(body, status=problem_type.status, content_type=CONTENT_TYPE, headers=headers)


def wants_problem_details(request: HttpRequest) -> bool:
    """Whether the caller is a system: everything below /api/ answers in JSON."""
    return request.path.startswith("/api/")


def _entry(problem: Problem) -> dict[str, Any]:
    return {key: value for key, value in asdict(problem).items() if value is not None}
