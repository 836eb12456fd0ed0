"""The API's door: shape only, then the same call as the form."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from django.urls import reverse
from rest_framework.exceptions import APIException, Throttled, UnsupportedMediaType
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import events, ledger
from accounts.actors import Actor
from accounts.case_keys import CaseUnreadable
from accounts.counters import Standing
from accounts.doors import NetworkRefused, TooMany, admit_key
from accounts.limit_records import Kind
from accounts.limits import headers_of
from accounts.models import ApiKey
from accounts.network import client_address, facts_of_request
from accounts.receipts import NotSealed, UnknownCheckpoint
from predictions import disclosure, idempotency, submission
from predictions.api.authentication import ApiKeyAuthentication, HasScope
from predictions.api.body import PredictBody, named_case, parse_body
from predictions.api.strict_json import parse_object
from predictions.erasure_records import words_of_erasure
from predictions.exceptions import (
    CaseErased,
    CohortNotFound,
    IdempotencyKeyMalformed,
    IdempotencyKeyReused,
    PanelRefused,
    ParametersRefused,
    PredictionNotFound,
    ReleaseUnavailable,
    RequestRunning,
    ResultsNotServed,
    UnknownRelease,
)
from predictions.facts import Facts, facts_of
from predictions.idempotency import Made, Row
from predictions.intake.measurements import PanelRequest
from predictions.models import Prediction
from predictions.problem_details import BY_STATUS, problem_response

LARGEST_BODY = 262_144
IDEMPOTENCY_KEY = "Idempotency-Key"
RETRY_AFTER = {"Retry-After": "5"}


class TooLarge(APIException):
    """The body has more bytes than any panel."""

    status_code = 413
    default_detail = f"At most {LARGEST_BODY:,} bytes are read."


class LengthRequired(APIException):
    """A chunked body has no length that WSGI could pass on; Django would read it as empty."""

    status_code = 411
    default_detail = "The body is chunked."


class ApiView(APIView):
    """An address that asks for a key with a scope and answers in JSON."""

    authentication_classes = [ApiKeyAuthentication]
    permission_classes = [HasScope]
    renderer_classes = [JSONRenderer]
    content_negotiation_class = DefaultContentNegotiation
    scopes: dict[str, str] = {}
    # What a method asks for, where it is more than to read or to change something small.
    kinds: dict[str, Kind] = {}
    standings: tuple[Standing, ...] = ()

    @property
    def actor(self) -> Actor:
        """Whose key the request carries."""
        actor: Actor = self.request.user.actor  # type: ignore[union-attr]
        return actor

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Ask for the key first: whatever is refused after that is refused to somebody known."""
        self.perform_authentication(request)
        self._admit(request)
        super().initial(request, *args, **kwargs)

    def _admit(self, request: Request) -> None:
        """Raises NetworkRefused or Throttled."""
        kind = self.kinds.get(request.method or "", Kind.READ)
        try:
            self.standings = admit_key(request.user.key, kind, client_address(request))  # type: ignore[union-attr]
        except TooMany as refusal:
            self.standings = refusal.standings
            raise Throttled(refusal.wait, "Too many requests came.") from None

    def once(self, work: Callable[[], Row], *asked: bytes) -> Made[Row]:
        """Do the work, or find what it made when the same Idempotency-Key came with the same request."""
        key = self.request.headers.get(IDEMPOTENCY_KEY)
        if key is None:
            row = work()
            return Made(row.id, row)
        sender: ApiKey = self.request.auth  # type: ignore[assignment]
        return idempotency.carry_out(idempotency.name_request(sender.id, key, *asked), work)

    def finalize_response(self, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(*args, **kwargs)
        for name, value in headers_of(self.standings).items():
            response[name] = value
        return response

    def handle_exception(self, exc: Exception) -> Response:
        # Too many requests would be as many events.
        if isinstance(exc, APIException) and not isinstance(exc, Throttled) and self.request.auth:
            facts = facts_of_request(self.request)
            ledger.record(events.REQUEST_REFUSED, self.actor, status=exc.status_code, **facts)
        return super().handle_exception(exc)


class PredictView(ApiView):
    """`POST /api/v1/predict`: one panel in, its risk out."""

    scopes = {"POST": "predict", "OPTIONS": "predict"}
    kinds = {"POST": Kind.PREDICT}

    def post(self, request: Request) -> Response:
        body = self._read_body(request)
        made, facts = self._answer(body.as_request(), request.body)
        if not body.options.explain:
            del facts["contributions"]
        headers = {"Location": reverse("api_prediction", args=[made.id]), **headers_of_repeat(made)}
        return Response(facts, status=201, headers=headers)

    def _answer(self, panel: PanelRequest, body: bytes) -> tuple[Made[Prediction], Facts]:
        made = self.once(lambda: submission.submit_panel(panel, self.actor), b"predict", body)
        return made, facts_of(made.fresh) if made.fresh else disclosure.disclose(self.actor, made.id)

    def _read_body(self, request: Request) -> PredictBody:
        check_transport(request)
        parsed: dict[str, Any] = {}
        try:
            parsed = parse_object(request.body)
            return parse_body(parsed)
        except PanelRefused as refusal:
            submission.record_refusal(refusal, self.actor, named_case(parsed))
            raise


class PredictionView(ApiView):
    """`GET /api/v1/predictions/{id}`: one prediction of the key's organisation."""

    scopes = {"GET": "read", "HEAD": "read", "OPTIONS": "read"}

    def get(self, request: Request, prediction_id: UUID) -> Response:  # noqa: ARG002 - Django's signature
        return Response(disclosure.disclose(self.actor, prediction_id))


_ANSWERS: dict[type[Exception], tuple[str, str]] = {
    PredictionNotFound: ("not-found", "There is no such prediction in your organisation."),
    CohortNotFound: ("not-found", "There is no such cohort in your organisation."),
    Http404: ("not-found", "There is no such prediction in your organisation."),
    UnknownRelease: ("not-found", "There is no such release of the model."),
    NetworkRefused: ("network-refused", "The key may not be used from this network address."),
    UnknownCheckpoint: ("not-found", "There is no checkpoint of such a size."),
    NotSealed: ("not-sealed", "Its event is sealed within seconds."),
    IdempotencyKeyMalformed: (
        "bad-request",
        f"{IDEMPOTENCY_KEY} has to be 1 to 255 visible characters of ASCII, as a UUID is.",
    ),
    IdempotencyKeyReused: ("idempotency-key-reused", "Another request had this key within 24 hours."),
    RequestRunning: ("request-running", "No second one was begun."),
    ReleaseUnavailable: ("unavailable", "The model cannot answer now."),
    OperationalError: ("unavailable", "What is kept cannot be read now."),
    InterfaceError: ("unavailable", "What is kept cannot be read now."),
    CaseUnreadable: ("unavailable", "What is kept cannot be read now."),
}


def answer_exception(error: Exception, _context: dict[str, Any]) -> HttpResponse | None:
    """Every refusal as problem details; None leaves what nobody foresaw to the 500 handler."""
    if isinstance(error, PanelRefused):
        return _answer_refusal(error)
    if isinstance(error, CaseErased):
        return problem_response("case-erased", words_of_erasure(error.case_key_id))
    if isinstance(error, ResultsNotServed):
        return problem_response("not-acceptable", str(error))
    if isinstance(error, APIException):
        return _answer_api_exception(error) if error.status_code in BY_STATUS else None
    for kind, (slug, detail) in _ANSWERS.items():
        if isinstance(error, kind):
            again = RETRY_AFTER if slug in {"unavailable", "not-sealed", "request-running"} else None
            return problem_response(slug, detail, headers=again)
    return None


def _answer_refusal(refusal: PanelRefused) -> HttpResponse:
    count = f"{len(refusal.problems)} problem{'s' * (len(refusal.problems) != 1)}."
    if isinstance(refusal, ParametersRefused):
        return problem_response("parameters-refused", f"{count} Nothing was looked for.", refusal.problems)
    malformed = any(problem.code == "malformed_json" for problem in refusal.problems)
    slug = "malformed-body" if malformed else "panel-refused"
    return problem_response(slug, f"{count} No prediction was made.", refusal.problems)


def _answer_api_exception(error: APIException) -> HttpResponse:
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait))
    return problem_response(BY_STATUS[error.status_code].slug, str(error.detail), headers=headers)


def headers_of_repeat(made: Made[Row]) -> dict[str, str]:
    """What tells a system that nothing was done again."""
    return {} if made.fresh else {"Idempotency-Replayed": "true"}


def check_transport(request: Request, largest: int = LARGEST_BODY) -> None:
    """See that the body is whole, not too large and JSON, before it is read.

    Raises
    ------
    LengthRequired, TooLarge, UnsupportedMediaType
    """
    if "Transfer-Encoding" in request.headers:
        raise LengthRequired
    if int(request.META.get("CONTENT_LENGTH") or 0) > largest:
        raise TooLarge(f"At most {largest:,} bytes are read.")
    media_type, _, parameters = request.content_type.partition(";")
    charset = parameters.replace(" ", "").replace('"', "").lower()
    if media_type.strip().lower() != "application/json" or charset not in {"", "charset=utf-8"}:
        raise UnsupportedMediaType(request.content_type)
