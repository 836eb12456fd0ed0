"""The browser's pages."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.actors import Actor, NoOrganisation, actor_of_person
from accounts.models import Person
from accounts.receipts import NotSealed
from accounts.refusals import record_refused_request
from ml_models.manifest import Manifest
from predictions import cohorts, disclosure, example_panel, releases, review, selectors, submission
from predictions.erasure_records import words_of_erasure
from predictions.exceptions import (
    CaseErased,
    PanelRefused,
    PredictionNotFound,
    ReleaseUnavailable,
    UnknownRelease,
)
from predictions.facts import Facts, facts_of_status
from predictions.file_fields import choices_of
from predictions.forms import PanelForm, ReviewForm, choice_of
from predictions.icon_array import figure
from predictions.intake.detection import ReaderUnclear
from predictions.intake.measurements import PanelRequest
from predictions.intake.opening import SeveralSamples
from predictions.intake.tables import PartUnclear
from predictions.presentation import horizon_words
from predictions.problem_details import TYPES
from predictions.profiles import platforms_of
from predictions.reporting import disclose_report
from predictions.result_charts import curve_of, people_of
from predictions.result_words import status_words, words_of
from predictions.second_opinion import ask_another, other_releases
from predictions.selectors import Wanted

P = ParamSpec("P")

VIEWS = {"text": _("Text"), "icons": _("Icons"), "curve": _("Curve"), "table": _("Table")}
YEAR = 365 * 24 * 60 * 60
STOP_POLLING = 286  # htmx's own: put it in the page and ask no more


def for_members(
    view: Callable[Concatenate[HttpRequest, Actor, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """A page for people of an organisation: signed in, acting for it, and never cached."""

    @wraps(view)
    def page(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
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
        manifest = _live_manifest()
        example = _example(manifest) if manifest and "example" in request.GET else {}
        context = {
            "form": PanelForm(initial=example, platforms=platforms_of(actor)),
            "manifest": manifest,
            "is_example": bool(example),
        }
        return render(request, "predictions/new.html", context)
    if not actor.may_submit:
        record_refused_request(request, 403)
        raise PermissionDenied
    form = PanelForm(request.POST, request.FILES, platforms=platforms_of(actor))
    try:
        address = _take(form, actor)
    except PanelRefused as refusal:
        form.keep_file()
        refused = {"form": form, "problems": refusal.problems, "manifest": _live_manifest()}
        return render(request, "predictions/new.html", refused, status=422)
    except (ReaderUnclear, PartUnclear) as unclear:
        form.keep_file()
        asked = {"form": form, "choice": choice_of(unclear), "manifest": _live_manifest()}
        return render(request, "predictions/new.html", asked, status=422)
    return redirect(address)


@require_safe
@for_members
def download_example(request: HttpRequest, actor: Actor) -> HttpResponse:  # noqa: ARG001 - every member may
    """The made-up panel as the file that the form takes."""
    manifest = releases.manifest_of(releases.find_release())
    return HttpResponse(
        f"gene,value\n{example_panel.as_text(manifest, ',')}\n",
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="sample.csv"'},
    )


@require_safe
@for_members
def show_prediction(request: HttpRequest, actor: Actor, prediction_id: UUID) -> HttpResponse:
    """The result of one prediction, with an empty form for its review."""
    return result_page(request, actor, prediction_id, ReviewForm())


def result_page(
    request: HttpRequest, actor: Actor, prediction_id: UUID, form: ReviewForm, status: int = 200
) -> HttpResponse:
    """The result in the view that the reader chose, and the review as far as it is filled in."""
    try:
        disclosed = disclosure.disclose_with_history(actor, prediction_id)
    except PredictionNotFound:
        raise Http404 from None
    except CaseErased as erased:
        return answer_erased(request, erased)
    chosen = _chosen_view(request)
    decision = review.decision_of(actor, disclosed.prediction, disclosed.facts)
    context = {**result_context(disclosed, chosen), "decision": decision, "form": form}
    response = render(request, "predictions/result.html", context, status=status)
    if "view" in request.GET:
        name, is_secure = _view_cookie(request), request.is_secure()
        response.set_cookie(name, chosen, samesite="Lax", secure=is_secure, max_age=YEAR)
    return response


def result_context(disclosed: disclosure.Disclosed, chosen: str = "text") -> dict[str, Any]:
    """What the result page is drawn from."""
    facts, words = disclosed.facts, words_of(disclosed.facts)
    return {
        "facts": facts,
        "words": words,
        "views": [{"key": key, "name": name, "is_chosen": key == chosen} for key, name in VIEWS.items()],
        "chosen": chosen,
        "filled": figure(is_filled=True),
        "open": figure(is_filled=False),
        "hundreds": [(people_of(finding.words), finding.range) for finding in words.findings],
        "curve": curve_of(facts),
        "years": [horizon_words(point) for point in facts["result"]["curve"]],
        "genes": sorted(facts["contributions"], key=lambda part: (part["of"] == "age", part["of"])),
        "history": disclosed.history,
        "later": next((entry for entry in disclosed.history[:1] if str(entry.id) != facts["id"]), None),
        "others": other_releases(disclosed.prediction),
    }


def answer_erased(request: HttpRequest, erased: CaseErased) -> HttpResponse:
    """Gone: who had the case erased, when and why."""
    words = words_of_erasure(erased.case_key_id)
    return render(request, "predictions/erased.html", {"words": words}, status=410)


@require_safe
@for_members
def show_second_reading(request: HttpRequest, actor: Actor, prediction_id: UUID) -> HttpResponse:  # noqa: ARG001
    """What became of the second reading, for the result page that waits for it; nothing of the patient."""
    try:
        prediction = selectors.find_prediction(actor, prediction_id)
    except PredictionNotFound:
        raise Http404 from None
    status = facts_of_status(prediction)
    response = HttpResponse(
        status_words(status["status"]), status=STOP_POLLING if status["terminal"] else 200
    )
    if status["status"] == "disputed":
        response.headers["HX-Refresh"] = "true"  # the whole page has to say so
    return response


@require_safe
@for_members
def compare_prediction(request: HttpRequest, actor: Actor, prediction_id: UUID) -> HttpResponse:
    """A result beside what another release says of the same panel."""
    try:
        opinions = ask_another(actor, prediction_id, request.GET.get("release", ""))
    except (PredictionNotFound, UnknownRelease):
        raise Http404 from None
    except CaseErased as erased:
        return answer_erased(request, erased)
    sides = [_side(facts) for facts in (opinions.facts, opinions.others) if facts]
    context = {
        "facts": opinions.facts,
        "first": sides[0],
        "other": opinions,
        "sides": sides,
        "problems": opinions.problems,
    }
    return render(request, "predictions/compare.html", context)


def _side(facts: Facts) -> dict[str, Any]:
    model, words = facts["model"], words_of(facts)
    c_index = next(term.text for term in words.tested if term.key == "c_index")
    return {"release": f"{model['name']} {model['version']}", "words": words, "c_index": c_index}


def _chosen_view(request: HttpRequest) -> str:
    wanted = request.GET.get("view") or request.COOKIES.get(_view_cookie(request), "")
    return wanted if wanted in VIEWS else "text"


def _view_cookie(request: HttpRequest) -> str:
    """As `views.js` names it: browsers let nobody but this very host set a cookie of the longer name."""
    return "__Host-view" if request.is_secure() else "view"


@require_safe
@for_members
def download_receipt(request: HttpRequest, actor: Actor, prediction_id: UUID) -> HttpResponse:
    """What proves to a third party that the prediction is on record."""
    try:
        receipt = disclosure.disclose_receipt(actor, prediction_id)
    except PredictionNotFound:
        raise Http404 from None
    except NotSealed:
        messages.info(request, _("The receipt is ready in a few seconds, when its event is sealed."))
        return redirect("prediction", prediction_id)
    name = f'attachment; filename="receipt-{prediction_id}.json"'
    return JsonResponse(receipt, headers={"Content-Disposition": name})


@require_safe
@for_members
def download_report(request: HttpRequest, actor: Actor, prediction_id: UUID) -> HttpResponse:
    """The result on paper."""
    try:
        report = disclose_report(actor, prediction_id, request.build_absolute_uri)
    except PredictionNotFound:
        raise Http404 from None
    except CaseErased as erased:
        return answer_erased(request, erased)
    return HttpResponse(report.pdf, content_type="application/pdf", headers=report.headers)


@require_safe
@for_members
def list_predictions(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The predictions of one's organisation, newest first."""
    rows, following = disclosure.disclose_list(actor, Wanted(before=_before(request)))
    return render(request, "predictions/list.html", {"rows": rows, "following": following, "actor": actor})


@require_safe
def explain_problem(request: HttpRequest, slug: str) -> HttpResponse:
    """What one type of problem details means, and what to do about it."""
    if slug not in TYPES:
        raise Http404
    return render(request, "predictions/problem.html", {"problem_type": TYPES[slug]})


def _take(form: PanelForm, actor: Actor) -> str:
    """Where the answer is: of one sample its result, of many how far they are read."""
    try:
        return reverse("prediction", args=[submission.submit_panel(_read(form, actor), actor).id])
    except SeveralSamples:
        file, shared = form.as_cohort()
        return reverse("cohort", args=[cohorts.start_cohort(file, shared, actor, choices_of(form)).id])


def _read(form: PanelForm, actor: Actor) -> PanelRequest:
    """The request that the form makes; what cannot even be read is a refusal on record too."""
    form.full_clean()
    try:
        return form.as_request(submission.wanted_by_release())
    except PanelRefused as refusal:
        submission.record_refusal(refusal, actor, form.named_case)
        raise


def _live_manifest() -> Manifest | None:
    """What the live release says of itself; nothing while none can be opened."""
    try:
        return releases.manifest_of(releases.find_release())
    except ReleaseUnavailable:
        return None


def _example(manifest: Manifest) -> dict[str, str]:
    return {
        "pasted": example_panel.as_text(manifest, "\t"),
        "unit": manifest.unit,
        "case_reference": example_panel.CASE_REFERENCE,
    }


def _before(request: HttpRequest) -> UUID | None:
    try:
        return UUID(request.GET["before"]) if "before" in request.GET else None
    except ValueError:
        raise Http404 from None
