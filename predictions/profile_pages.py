"""The pages of the platform profiles: which there are, one of them, and the upload of reference samples."""

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.actors import Actor
from accounts.refusals import record_refused_request
from predictions import profiles, releases
from predictions.exceptions import PanelRefused
from predictions.profile_form import ProfileForm
from predictions.profile_records import PlatformProfile
from predictions.views import for_members

LIMITS = {"fewest": profiles.FEWEST_SAMPLES, "advised": profiles.ADVISED_SAMPLES}


@require_safe
@for_members
def list_profiles(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The profiles of one's organisation, newest first."""
    context = {"profiles": profiles.profiles_of(actor), "may_learn": profiles.may_learn(actor), **LIMITS}
    return render(request, "predictions/profiles.html", {**context, "actor": actor})


@require_safe
@for_members
def show_profile(request: HttpRequest, actor: Actor, profile_id: UUID) -> HttpResponse:
    """One profile: how it came about, and location and scale of each gene."""
    profile = profiles.profiles_of(actor).filter(id=profile_id).first()
    if profile is None:
        raise Http404
    genes = [(symbol, *pair) for symbol, pair in sorted(profile.genes.items())]
    return render(request, "predictions/profile.html", {"profile": profile, "genes": genes})


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
def new_profile(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The form for reference samples, and where it is sent."""
    if not profiles.may_learn(actor):
        record_refused_request(request, 403)
        raise PermissionDenied
    if request.method != "POST":
        return render(request, "predictions/new_profile.html", {"form": ProfileForm(), **LIMITS})
    form = ProfileForm(request.POST, request.FILES)
    try:
        profile = _learn(form, actor)
    except PanelRefused as refusal:
        context = {"form": form, "problems": refusal.problems, "is_profile": True, **LIMITS}
        return render(request, "predictions/new_profile.html", context, status=422)
    return redirect("profile", profile.id)


def _learn(form: ProfileForm, actor: Actor) -> PlatformProfile:
    """What cannot even be read is a refusal on record too."""
    manifest = releases.manifest_of(releases.find_release())
    try:
        reference = form.as_reference(manifest)
    except PanelRefused as refusal:
        profiles.record_refusal(refusal, actor)
        raise
    return profiles.learn_profile(reference, actor)
