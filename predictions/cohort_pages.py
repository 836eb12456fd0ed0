"""The pages of files of many samples: how far they are, what was refused, and what comes out."""

from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    QueryDict,
    StreamingHttpResponse,
)
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.actors import Actor
from accounts.refusals import record_refused_request
from predictions import cohort_inputs, cohort_refused, cohort_results, cohorts
from predictions.cohort_choices import problem_of_choice
from predictions.cohort_form import CohortForm, SharedForm
from predictions.cohort_records import Cohort
from predictions.cohort_results import Results
from predictions.exceptions import CohortNotFound, PanelRefused, Problem, ResultsNotServed
from predictions.file_fields import choices_of
from predictions.intake.detection import ReaderUnclear
from predictions.intake.tables import PartUnclear
from predictions.profiles import platforms_of
from predictions.views import STOP_POLLING, for_members


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
def cohorts_page(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The cohorts of one's organisation, newest first, and a form for another."""
    if request.method != "POST":
        return _list(request, actor, CohortForm(platforms=platforms_of(actor)))
    _require_asker(request, actor)
    form = CohortForm(request.POST, request.FILES, platforms=platforms_of(actor))
    shared = form.as_request()
    try:
        cohort = cohorts.start_cohort(form.as_file(), shared, actor, choices_of(form))
    except PanelRefused as refusal:
        return _list(request, actor, form, problems=refusal.problems)
    except (ReaderUnclear, PartUnclear) as unclear:
        return _list(request, actor, form, problems=(problem_of_choice(unclear),))
    return redirect("cohort", cohort.id)


@require_safe
@for_members
def show_cohort(request: HttpRequest, actor: Actor, cohort_id: UUID) -> HttpResponse:
    """How far a cohort is, and what can be done with it."""
    cohort = _find(actor, cohort_id)
    stored = None if cohort.is_open else cohort_inputs.find(cohort)
    has_file = stored is not None and cohort_refused.has_a_line_for_each(cohort, stored)
    context = {**_context(cohort), "form": _form_of(cohort, actor), "has_file": has_file}
    return render(request, "predictions/cohort.html", {**context, "actor": actor})


@require_safe
@for_members
def show_progress(request: HttpRequest, actor: Actor, cohort_id: UUID) -> HttpResponse:
    """The part of the page that changes; the last time it has the whole page loaded again."""
    cohort = _find(actor, cohort_id)
    response = render(request, "predictions/_cohort_progress.html", _context(cohort))
    if not cohort.is_open:
        response.status_code = STOP_POLLING
        response.headers["HX-Refresh"] = "true"
    return response


@require_POST
@for_members
def cancel_cohort(request: HttpRequest, actor: Actor, cohort_id: UUID) -> HttpResponse:
    """Read no more of it."""
    _require_asker(request, actor)
    try:
        cohorts.cancel(actor, cohort_id)
    except CohortNotFound:
        raise Http404 from None
    return redirect("cohort", cohort_id)


@require_POST
@for_members
def read_cohort_again(request: HttpRequest, actor: Actor, cohort_id: UUID) -> HttpResponse:
    """A new cohort of the refused samples."""
    _require_asker(request, actor)
    cohort = _find(actor, cohort_id)
    form = _form_of(cohort, actor, request.POST)
    try:
        again = cohort_refused.read_again(actor, cohort_id, form.as_request())
    except PanelRefused as refusal:
        context = {**_context(cohort), "form": form, "has_file": True, "problems": refusal.problems}
        return render(request, "predictions/cohort.html", {**context, "actor": actor}, status=422)
    except (ResultsNotServed, ReaderUnclear, PartUnclear):
        return redirect("cohort", cohort_id)
    return redirect("cohort", again.id)


@require_safe
@for_members
def list_problems(request: HttpRequest, actor: Actor, cohort_id: UUID) -> HttpResponse:
    """The refused samples with their problems, fifty at a time."""
    try:
        page = cohorts.disclose_problems(actor, cohort_id, request.GET.get("after", ""))
    except CohortNotFound:
        raise Http404 from None
    return render(request, "predictions/cohort_problems.html", {"page": page})


@require_safe
@for_members
def download_results(request: HttpRequest, actor: Actor, cohort_id: UUID, code: str) -> HttpResponseBase:  # noqa: ARG001
    """The results as a file."""
    try:
        return _download(cohort_results.disclose_results(actor, cohort_id, code))
    except (CohortNotFound, ResultsNotServed):
        raise Http404 from None


@require_safe
@for_members
def download_annotated(request: HttpRequest, actor: Actor, cohort_id: UUID) -> HttpResponseBase:  # noqa: ARG001
    """The file as it was sent, with what is wrong in a column of its own."""
    try:
        return _download(cohort_refused.disclose_annotated(actor, cohort_id))
    except (CohortNotFound, ResultsNotServed):
        raise Http404 from None


def _download(results: Results) -> HttpResponseBase:
    name = f'attachment; filename="{results.name}"'
    headers = {"Content-Disposition": name}
    return StreamingHttpResponse(results.content, content_type=results.media_type, headers=headers)


def _list(
    request: HttpRequest, actor: Actor, form: CohortForm, problems: tuple[Problem, ...] = ()
) -> HttpResponse:
    rows = cohorts.list_cohorts(actor)
    context = {"rows": rows, "form": form, "actor": actor, "problems": problems}
    return render(request, "predictions/cohorts.html", context, status=422 if problems else 200)


def _find(actor: Actor, cohort_id: UUID) -> Cohort:
    try:
        return cohorts.find_cohort(actor, cohort_id)
    except CohortNotFound:
        raise Http404 from None


def _form_of(cohort: Cohort, actor: Actor, data: QueryDict | None = None) -> SharedForm:
    """To read refused samples again: a platform that has no profile any more is refused, not left out."""
    platforms = {*platforms_of(actor), cohort.options["platform"]} - {None}
    return SharedForm(data, initial=cohort.options, platforms=sorted(platforms))


def _require_asker(request: HttpRequest, actor: Actor) -> None:
    if not actor.may_submit:
        record_refused_request(request, 403)
        raise PermissionDenied


def _context(cohort: Cohort) -> dict[str, Any]:
    progress = cohorts.progress_of(cohort)
    return {"cohort": cohort, "progress": progress, "formats": list(cohort_results.FORMATS)}
