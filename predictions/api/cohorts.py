"""Files of many samples through the API: shape only, then the same calls as the pages."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.urls import reverse
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.limit_records import Kind
from predictions import cohort_inputs, cohort_results, cohorts, releases, submission
from predictions.api.views import ApiView, LengthRequired, TooLarge, headers_of_repeat
from predictions.cohort_choices import problem_of_choice
from predictions.cohort_inputs import LARGEST_FILE, Stored
from predictions.cohort_records import Cohort
from predictions.exceptions import PanelRefused, Problem
from predictions.idempotency import Made
from predictions.intake.detection import READERS, ReaderUnclear
from predictions.intake.measurements import PanelRequest
from predictions.intake.tables import Choices, PartUnclear
from predictions.sealed_uploads import SealedUpload, SealingUploadHandler
from predictions.sentences import sentence

MULTIPART = "multipart/form-data"
CHOICES = {
    "alias_policy": ("reject", "accept"),
    "missing_genes": ("allow", "reject"),
    "reader": ("", *READERS),
}
TEXTS = ("unit", "identifiers", "platform", "model")


class CohortTooLarge(TooLarge):
    """The file has more bytes than any that is read."""

    default_detail = f"At most {LARGEST_FILE:,} bytes are read."


class CohortsView(ApiView):
    """`POST /api/v1/cohorts`: a file of many samples in, to be read by workers."""

    scopes = {"POST": "predict", "OPTIONS": "predict"}
    kinds = {"POST": Kind.COHORT}

    def post(self, request: Request) -> Response:
        _check_length(request)
        plain: HttpRequest = request._request  # noqa: SLF001 - DRF would parse the body by itself
        stored, fields = _read(plain)
        try:
            shared = _shared(fields)
        except PanelRefused as refusal:
            cohort_inputs.discard(stored.upload)
            submission.record_refusal(refusal, self.actor)
            raise
        choices = Choices(fields.get("part", ""), fields.get("reader", ""))
        made = self._start_once(stored, fields, lambda: self._start(stored, shared, choices))
        cohort = made.fresh or cohorts.find_cohort(self.actor, made.id)
        headers = {"Location": reverse("api_cohort", args=[cohort.id]), **headers_of_repeat(made)}
        return Response(cohorts.facts_of_cohort(cohort), status=202, headers=headers)

    def _start_once(self, stored: Stored, fields: QueryDict, start: Callable[[], Cohort]) -> Made[Cohort]:
        said = "&".join(sorted(fields.urlencode().split("&")))
        try:
            made = self.once(start, b"cohorts", said.encode(), stored.name.encode(), stored.sha256.encode())
        except BaseException:
            cohort_inputs.discard(stored.upload)
            raise
        if not made.fresh:
            cohort_inputs.discard(stored.upload)
        return made

    def _start(self, stored: Stored, shared: PanelRequest, choices: Choices) -> Cohort:
        try:
            return cohorts.start_cohort(stored, shared, self.actor, choices)
        except (ReaderUnclear, PartUnclear) as unclear:
            refusal = PanelRefused([problem_of_choice(unclear)])
            submission.record_refusal(refusal, self.actor)
            raise refusal from None


class CohortView(ApiView):
    """`GET /api/v1/cohorts/{id}`: how far it is."""

    scopes = {"GET": "read", "HEAD": "read", "OPTIONS": "read"}

    def get(self, request: Request, cohort_id: UUID) -> Response:  # noqa: ARG002 - Django's signature
        return Response(cohorts.facts_of_cohort(cohorts.find_cohort(self.actor, cohort_id)))


class CancelCohortView(ApiView):
    """`POST /api/v1/cohorts/{id}/cancel`: read no more of it."""

    scopes = {"POST": "predict", "OPTIONS": "predict"}

    def post(self, request: Request, cohort_id: UUID) -> Response:  # noqa: ARG002 - Django's signature
        cohorts.cancel(self.actor, cohort_id)
        return Response(cohorts.facts_of_cohort(cohorts.find_cohort(self.actor, cohort_id)))


class CohortProblemsView(ApiView):
    """`GET /api/v1/cohorts/{id}/problems`: a page of the samples that were refused."""

    scopes = {"GET": "read", "HEAD": "read", "OPTIONS": "read"}

    def get(self, request: Request, cohort_id: UUID) -> Response:
        page = cohorts.disclose_problems(self.actor, cohort_id, request.GET.get("after", ""))
        address = reverse("api_cohort_problems", args=[cohort_id])
        return Response(
            {
                "samples": [asdict(sample) for sample in page.samples],
                "next": f"{address}?after={page.following}" if page.following else None,
            }
        )


class _Any(DefaultContentNegotiation):
    """The view chooses by itself: DRF would refuse before it could say what is served."""

    def select_renderer(
        self,
        request: Request,  # noqa: ARG002 - the framework's signature
        renderers: Any,
        format_suffix: str | None = None,  # noqa: ARG002 - likewise
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], JSONRenderer.media_type


class CohortResultsView(ApiView):
    """`GET /api/v1/cohorts/{id}/results`: by `?format=` or Accept; CSV unless another is asked for."""

    scopes = {"GET": "read", "HEAD": "read", "OPTIONS": "read"}
    content_negotiation_class = _Any

    def get(self, request: Request, cohort_id: UUID) -> HttpResponseBase:
        code = request.GET.get("format") or _by_accept(request.headers.get("Accept", ""))
        results = cohort_results.disclose_results(self.actor, cohort_id, code)
        return StreamingHttpResponse(results.content, content_type=results.media_type)


def _by_accept(accept: str) -> str:
    wanted = [part.partition(";")[0].strip() for part in accept.split(",")]
    served = {form.media_type.partition(";")[0]: form.code for form in cohort_results.FORMATS.values()}
    found = next((served[media_type] for media_type in wanted if media_type in served), None)
    if found or {"", "*/*", "text/*"} & set(wanted):
        return found or "csv"
    return accept[:60]  # which is none, and said so


def _check_length(request: Request) -> None:
    if "Transfer-Encoding" in request.headers or not request.META.get("CONTENT_LENGTH"):
        raise LengthRequired
    if int(request.META["CONTENT_LENGTH"]) > LARGEST_FILE:
        raise CohortTooLarge


def _read(request: HttpRequest) -> tuple[Stored, QueryDict]:
    """The file, sealed as it arrives, and what is said about it."""
    if request.content_type != MULTIPART:
        return cohort_inputs.store(request), request.GET
    request.upload_handlers = [SealingUploadHandler(request)]
    file = request.FILES.get("file")
    if not isinstance(file, SealedUpload):
        raise UnsupportedMediaType(MULTIPART, "The form has no part 'file' that is a file.")
    return file.stored, QueryDict(request.POST.urlencode() + "&" + request.GET.urlencode())


def _shared(fields: QueryDict) -> PanelRequest:
    """What is said about all samples. Raises PanelRefused with every word that is not known."""
    if problems := [*_unknown_keys(fields), *_unknown_words(fields)]:
        raise PanelRefused(problems)
    return PanelRequest(
        measurements=(),
        unit=str(fields.get("unit", "")),
        identifiers=fields.get("identifiers") or None,
        platform=fields.get("platform") or None,
        model=str(fields.get("model") or releases.STABLE),
        accept_former_symbols=fields.get("alias_policy") == "accept",
        allow_missing_genes=fields.get("missing_genes", "allow") == "allow",
    )


def _unknown_keys(fields: QueryDict) -> list[Problem]:
    known = {*TEXTS, *CHOICES, "part"}
    mend = sentence("Use one of: {choices}.", choices=", ".join(sorted(known)))
    return [
        Problem("unknown_key", sentence("This is not asked for."), mend, value=ascii(name)[1:-1][:80])
        for name in fields
        if name not in known
    ]


def _unknown_words(fields: QueryDict) -> list[Problem]:
    return [
        Problem(
            "unknown_option",
            sentence("{name} is none of its words.", name=name),
            sentence("Use one of: {choices}.", choices=", ".join(words)),
            value=ascii(fields[name])[1:-1][:80],
        )
        for name, words in CHOICES.items()
        if fields.get(name, words[0]) not in words
    ]
