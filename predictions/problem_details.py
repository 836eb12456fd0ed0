"""Problem details (RFC 9457): what every refusal of the API looks like, and what each type means."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from predictions.exceptions import Problem

CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True)
class ProblemType:
    """A kind of refusal: its status, its title and what a caller does about it."""

    slug: str
    status: int
    title: Promise
    advice: Promise


_TYPES = (
    ProblemType("bad-request", 400, _("The request cannot be read"), _("Correct what the detail says.")),
    ProblemType(
        "malformed-body", 400, _("The body is not one JSON object"), _("Send one JSON object in UTF-8.")
    ),
    ProblemType(
        "parameters-refused",
        400,
        _("What is asked for cannot be read"),
        _("Mend every entry of errors, each of which says which parameter it is and how, and ask again."),
    ),
    ProblemType(
        "unauthenticated",
        401,
        _("No valid API key"),
        _(
            "Send Authorization: Api-Key PREFIX.SECRET, with a key that is neither expired nor revoked; or a "
            "Bearer token that has not ended."
        ),
    ),
    ProblemType(
        "https-required",
        403,
        _("Only over HTTPS"),
        _("Ask at the https:// address, with another key; revoke this one: it could be read on the way."),
    ),
    ProblemType(
        "network-refused",
        403,
        _("Not from this network"),
        _(
            "Use the key from a network that its organisation allows; an administrator of the organisation "
            "changes the list."
        ),
    ),
    ProblemType(
        "forbidden", 403, _("The key may not do this"), _("Use a key that has the scope which is named.")
    ),
    ProblemType(
        "not-found",
        404,
        _("There is no such thing"),
        _("Check the address; another organisation's is not shown."),
    ),
    ProblemType("method-not-allowed", 405, _("This method is not served here"), _("See the Allow header.")),
    ProblemType(
        "not-acceptable",
        406,
        _("Nothing is served here in that form"),
        _(
            "Send Accept: application/json; for a model card also text/markdown, for a report "
            "application/pdf."
        ),
    ),
    ProblemType(
        "case-erased",
        410,
        _("The case was erased"),
        _(
            "Take it out of your own records too: it can never be fetched again. The auditors know who "
            "decided."
        ),
    ),
    ProblemType(
        "request-running",
        409,
        _("This request is being carried out"),
        _("Send it again, with the same Idempotency-Key, when Retry-After says: its answer is here then."),
    ),
    ProblemType(
        "not-sealed",
        409,
        _("The event is not in the tree yet"),
        _("Ask again as soon as Retry-After says. If it stays so, the operator has to see to the workers."),
    ),
    ProblemType(
        "length-required",
        411,
        _("The length of the body is not stated"),
        _("Send the whole body at once with Content-Length; a chunked body is not read."),
    ),
    ProblemType(
        "too-large", 413, _("The body is too large"), _("Send one sample with the genes of the panel.")
    ),
    ProblemType(
        "unsupported-media-type", 415, _("Only JSON is read here"), _("Send Content-Type: application/json.")
    ),
    ProblemType(
        "idempotency-key-reused",
        422,
        _("This Idempotency-Key stands for another request"),
        _("Give each request a key of its own, as a UUID; repeat a request byte by byte."),
    ),
    ProblemType(
        "panel-refused",
        422,
        _("The panel cannot be read"),
        _("Mend every entry of errors, each of which says where it is and how, and send the panel again."),
    ),
    ProblemType("too-many-requests", 429, _("Too many requests"), _("Wait as long as Retry-After says.")),
    ProblemType(
        "internal-error", 500, _("Something broke on our side"), _("Nothing was recorded. Try again later.")
    ),
    ProblemType(
        "unavailable",
        503,
        _("Part of the service is not available"),
        _("Nothing was recorded. See Retry-After."),
    ),
)
TYPES = {problem_type.slug: problem_type for problem_type in _TYPES}
# What the framework refuses by itself becomes the last of its status.
BY_STATUS = {problem_type.status: problem_type for problem_type in _TYPES}


def problem_response(
    slug: str, detail: str, errors: Iterable[Problem] = (), headers: dict[str, str] | None = None
) -> JsonResponse:
    """An `application/problem+json` answer of one of the known types."""
    problem_type = TYPES[slug]
    body: dict[str, Any] = {
        "type": f"/problems/{slug}/",
        "title": str(problem_type.title),
        "status": problem_type.status,
        "detail": detail,
    }
    if entries := [_entry(problem) for problem in errors]:
        body["errors"] = entries
    return JsonResponse(body, status=problem_type.status, content_type=CONTENT_TYPE, headers=headers)


def wants_problem_details(request: HttpRequest) -> bool:
    """Whether the caller is a system: everything below /api/ and /oauth/ answers in JSON."""
    return request.path.startswith(("/api/", "/oauth/"))


def _entry(problem: Problem) -> dict[str, Any]:
    return {key: value for key, value in asdict(problem).items() if value is not None}
