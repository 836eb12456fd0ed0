"""The pages on which a result is decided about: the review, and the page for the patient."""

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.actors import Actor
from accounts.refusals import record_refused_request
from predictions import review
from predictions.exceptions import CaseErased, PredictionNotFound, StepRefused
from predictions.forms import ReviewForm
from predictions.patient_page import patient_words
from predictions.views import answer_erased, for_members, result_page


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
def review_prediction(request: HttpRequest, actor: Actor, prediction_id: UUID) -> HttpResponse:
    """Take a review, or show the result again with what was typed and what is wrong with it."""
    decision = reverse("prediction", args=[prediction_id]) + "#decision"
    if request.method != "POST":  # whoever had to sign in first is sent here
        return redirect(decision)
    if not actor.may_submit:
        record_refused_request(request, 403)
        raise PermissionDenied
    form = ReviewForm(request.POST)
    try:
        if form.is_valid():
            review.record_review(actor, prediction_id, **form.cleaned_data)
            return redirect(decision)
    except PredictionNotFound:
        raise Http404 from None
    except CaseErased as erased:
        return answer_erased(request, erased)
    except StepRefused as refusal:
        form.add_error(None, str(refusal))
    return result_page(request, actor, prediction_id, form, status=422)


@require_safe
@for_members
def show_patient_page(request: HttpRequest, actor: Actor, prediction_id: UUID) -> HttpResponse:
    """The page to hand to the patient, or why it is closed."""
    try:
        facts, cohort = review.show_to_patient(actor, prediction_id)
    except PredictionNotFound:
        raise Http404 from None
    except CaseErased as erased:
        return answer_erased(request, erased)
    except StepRefused as refusal:
        closed = {"prediction_id": prediction_id, "why": str(refusal)}
        return render(request, "predictions/patient_closed.html", closed, status=403)
    return render(request, "predictions/patient.html", {"facts": facts, **patient_words(facts, cohort)})
