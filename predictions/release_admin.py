"""Releases in Django admin: read there, and taken from one state to another step by step, never edited."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.actors import Steward
from accounts.admission import prove_again
from accounts.models import Person
from accounts.row_scope import across_organisations
from ml_models.manifest import Manifest
from predictions import comparison, lifecycle, releases
from predictions.exceptions import ReleaseUnavailable, StepRefused
from predictions.kept_reports import open_report
from predictions.models import Activation, Proposal, Release, ShadowReading
from predictions.release_steps import BY_SLUG, STEPS, Step, StepForm


@admin.register(Release)
class ReleaseAdmin(admin.ModelAdmin):
    """For administrators, who take the steps, and auditors, who approve and otherwise look on."""

    list_display = ("release", "state", "since", "proposed_by", "decided_by")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.step_view)
        step = path("<uuid:release_id>/step/<slug:slug>/", view, name="predictions_release_step")
        return [step, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Release]:
        people = ("activations__proposed_by", "activations__decided_by", "proposals__proposed_by")
        return super().get_queryset(request).prefetch_related(*people)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Release | None = None) -> bool:  # noqa: ARG002
        return isinstance(request.user, Person) and lifecycle.may_approve(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Release | None = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Release | None = None) -> bool:  # noqa: ARG002
        return False

    @admin.display(description=_("Release"))
    def release(self, release: Release) -> str:
        """Name and version."""
        return str(release)

    @admin.display(description=_("Since (UTC)"), ordering="state_changed_at")
    def since(self, release: Release) -> str:
        """When it came into its state."""
        return f"{release.state_changed_at:%Y-%m-%d %H:%M}"

    @admin.display(description=_("Proposed by"))
    def proposed_by(self, release: Release) -> str:
        """Of the latest proposal, and whether it can still be approved."""
        latest = next(iter(release.proposals.all()), None)
        if latest is None:
            return ""
        if lifecycle.why_closed(latest):
            return str(latest.proposed_by)
        return gettext("{person}, waits for approval").format(person=latest.proposed_by)

    @admin.display(description=_("Made live by"))
    def decided_by(self, release: Release) -> str:
        """Who approved it, or rolled back to it; nobody did so for the first."""
        latest = next(iter(release.activations.all()), None)
        return str(latest.decided_by or latest.get_kind_display()) if latest else ""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {"title": gettext("Releases"), **(extra_context or {})})

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",  # noqa: ARG002 - Django's signature
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> HttpResponse:
        """Everything that is known of a release, and the buttons of the steps that this person may take."""
        person = self._visitor(request)
        release = self.get_object(request, object_id)
        if release is None:
            raise Http404
        return self._page(request, "detail", release, _detail(release, person))

    def step_view(self, request: HttpRequest, release_id: UUID, slug: str) -> HttpResponse:
        """The page that asks whether one really wants to take a step, and takes it."""
        person = self._visitor(request)
        release, step = get_object_or_404(Release, id=release_id), BY_SLUG.get(slug)
        if step is None:
            raise Http404
        if not step.may(person):
            raise PermissionDenied
        if not step.is_urgent and (asked := prove_again(request)):
            return asked
        if request.method == "POST":
            return self._take(request, step, release, Steward(person, "form"))
        form = step.form(initial=_initial(release))
        return self._ask(request, step, release, form, step.why_not(release, person))

    def _take(self, request: HttpRequest, step: Step, release: Release, by: Steward) -> HttpResponse:
        form = step.form(request.POST)
        if not form.is_valid():
            return self._ask(request, step, release, form, status=422)
        try:
            step.take(release, by, form.cleaned_data)
        except (StepRefused, ReleaseUnavailable) as refusal:
            return self._ask(request, step, release, form, str(refusal), status=409)
        messages.success(request, str(step.done).format(release=release))
        return redirect("admin:predictions_release_change", release.id)

    def _ask(
        self,
        request: HttpRequest,
        step: Step,
        release: Release,
        form: StepForm,
        refusal: str = "",
        *,
        status: int = 200,
    ) -> HttpResponse:
        proposal = _latest_proposal(release)
        context = {
            "title": gettext("{step} {release}?").format(step=step.label, release=release),
            "step": step,
            "says": str(step.says).format(target=_roll_back_target()),
            "form": form,
            "refusal": refusal,
            "proposal": proposal,
            "report": proposal and open_report(proposal),
        }
        return self._page(request, "step", release, context, status)

    def _page(
        self, request: HttpRequest, page: str, release: Release, context: dict[str, Any], status: int = 200
    ) -> HttpResponse:
        shared = {**self.admin_site.each_context(request), "opts": self.opts, "release": release}
        template = f"admin/predictions/release/{page}.html"
        return TemplateResponse(request, template, {**shared, **context}, status=status)

    def _visitor(self, request: HttpRequest) -> Person:
        if not isinstance(request.user, Person) or not self.has_view_permission(request):
            raise PermissionDenied
        return request.user


def _detail(release: Release, person: Person) -> dict[str, Any]:
    proposals = list(release.proposals.select_related("proposed_by", "activation__decided_by"))
    return {
        "title": str(release),
        "steps": [step for step in STEPS if step.is_open(release, person)],
        "proposals": [
            (proposal, open_report(proposal), lifecycle.why_closed(proposal)) for proposal in proposals
        ],
        "activations": release.activations.select_related("proposed_by", "decided_by"),
        **_manifest(release),
        **_shadow(release),
    }


def _manifest(release: Release) -> dict[str, Manifest | str]:
    try:
        return {"manifest": releases.manifest_of(release)}
    except ReleaseUnavailable as error:
        return {"unavailable": str(error)}


@across_organisations()
def _shadow(release: Release) -> dict[str, Any]:
    """What it said in the shadow, if it was one and the manifests can be opened."""
    readings = ShadowReading.objects.filter(release=release)
    try:
        report = comparison.compare_shadow(release) if readings.exists() else None
    except ReleaseUnavailable:
        report = None
    return {"shadow_readings": readings.count(), "shadow_report": report}


def _latest_proposal(release: Release) -> Proposal | None:
    return release.proposals.select_related("proposed_by").first()


def _roll_back_target() -> Release | None:
    try:
        return lifecycle.roll_back_target(lifecycle.current_activation()).release
    except StepRefused:
        return None


def _initial(release: Release) -> dict[str, UUID]:
    """What the steps' hidden fields hold: what this person has in front of them."""
    shown: dict[str, Proposal | Activation | None] = {
        "proposal": _latest_proposal(release),
        "leaving": lifecycle.current_activation(),
    }
    return {name: row.id for name, row in shown.items() if row}
