"""The browser's pages."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.actors import Actor, NoOrganisation, actor_of_person
from accounts.models import Person
from accounts.refusals import record_refused_request
from predictions import disclosure, releases, submission
from predictions.erasure_records import words_of_erasure
from predictions.exceptions import CaseErased, PanelRefused, PredictionNotFound
from predictions.forms import PanelForm
from predictions.intake.measurements import PanelRequest
from predictions.presentation import page_words
from predictions.problem_details import TYPES

P = ParamSpec("P")


def for_members(
    view: Callable[Concatenate[HttpRequest, Actor, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """A page for people of an organisation: signed in, acting for it, and never cached."""

    @wraps(view)
    def page(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        assert isinstance(request.user, Person)  # noqa: S101 - login_required saw to it
        try:
            actor = actor_of_person(request.user)
        except NoOrganisation:
            return render(request, "predictions/no_organisation.html", status=403)
        return view(request, actor, *args, **kwargs)

    return never_cache(login_required(page))


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
def new_prediction(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The form for one panel, and where it is sent."""
    if request.method != "POST":
        if not actor.may_submit:
            return redirect("predictions")
        return render(request, "predictions/new.html", {"form": PanelForm(initial=_sample(request))})
    if not actor.may_submit:
        record_refused_request(request, 403)
        raise PermissionDenied
    form = PanelForm(request.POST, request.FILES)
    try:
        prediction = submission.submit_panel(_read(form, actor), actor)
    except PanelRefused as refusal:
        form.keep_file()
        context = {"form": form, "problems": refusal.problems}
        return render(request, "predictions/new.html", context, status=422)
    return redirect("prediction", prediction.id)


@require_safe
@for_members
def show_prediction(request: HttpRequest, actor: Actor, prediction_id: UUID) -> HttpResponse:
    """The result of one prediction."""
    try:
        facts = disclosure.disclose(actor, prediction_id)
    except PredictionNotFound:
        raise Http404 from None
    except CaseErased as erased:
        words = words_of_erasure(erased.case_key_id)
        return render(request, "predictions/erased.html", {"words": words}, status=410)
    return render(request, "predictions/result.html", {"facts": facts, "words": page_words(facts)})


@require_safe
@for_members
def download_receipt(request: HttpRequest, actor: Actor, prediction_id: UUID) -> HttpResponse:  # noqa: ARG001
    """What proves to a third party that the prediction is on record."""
    try:
        receipt = disclosure.disclose_receipt(actor, prediction_id)
    except PredictionNotFound:
        raise Http404 from None
    name = f'attachment; filename="receipt-{prediction_id}.json"'
    return JsonResponse(receipt, headers={"Content-Disposition": name})


@require_safe
@for_members
def list_predictions(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The predictions of one's organisation, newest first."""
    rows, following = disclosure.disclose_list(actor, _before(request))
    return render(request, "predictions/list.html", {"rows": rows, "following": following, "actor": actor})


@require_safe
def explain_problem(request: HttpRequest, slug: str) -> HttpResponse:
    """What one type of problem details means, and what to do about it."""
    if slug not in TYPES:
        raise Http404
    return render(request, "predictions/problem.html", {"problem_type": TYPES[slug]})


def _read(form: PanelForm, actor: Actor) -> PanelRequest:
    """The request that the form makes; what cannot even be read is a refusal on record too."""
    form.full_clean()
    try:
        return form.as_request()
    except PanelRefused as refusal:
        submission.record_refusal(refusal, actor, form.named_case)
        raise


def _sample(request: HttpRequest) -> dict[str, str]:
    """A made-up panel near the training means, one click away from the empty form."""
    if "example" not in request.GET:
        return {}
    manifest = releases.manifest_of(releases.find_release())
    shifts = (0.7, -0.7)
    rows = "\n".join(
        f"{gene.symbol}\t{gene.mean + shifts[position % 2] * gene.sd:.4f}"
        for position, gene in enumerate(manifest.genes)
    )
    return {"pasted": rows, "unit": manifest.unit, "case_reference": "EXAMPLE"}


def _before(request: HttpRequest) -> UUID | None:
    try:
        return UUID(request.GET["before"]) if "before" in request.GET else None
    except ValueError:
        raise Http404 from None
