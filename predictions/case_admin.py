"""Cases in Django admin: found, handed out, erased by two people, and kept as long as a rule says."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.text import format_lazy
from django.utils.translation import get_language, gettext, override
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor, audited_organisations
from accounts.admission import prove_before_export
from accounts.models import Organisation, Person
from predictions import cases, erasure, retention
from predictions.access_export import Export, export_case
from predictions.case_document import as_json, as_pdf
from predictions.erasure_records import LONGEST_KEPT_YEARS, ErasureReason, ErasureRequest, RetentionProposal
from predictions.exceptions import StepRefused

EXPORTS: dict[str, Callable[[Export], bytes]] = {"pdf": as_pdf, "json": as_json}


class FindForm(forms.Form):
    """Sent by POST: a case reference does not belong in an address."""

    case = forms.CharField(label=_("Case reference, or identifier of a prediction"), max_length=100)


class RequestForm(forms.Form):
    """Why a case is to be erased. The answer outlives the case."""

    reason = forms.ChoiceField(label=_("Reason"), choices=ErasureReason.choices)
    note = forms.CharField(
        label=_("Note"),
        max_length=300,
        required=False,
        help_text=_("Kept for good, also afterwards: write no name, no reference, nothing of the patient."),
    )


class YearsForm(forms.Form):
    """How long cases are kept."""

    years = forms.IntegerField(
        label=_("Years after the last prediction of a case"),
        min_value=0,
        max_value=LONGEST_KEPT_YEARS,
        help_text=format_lazy(_("1 to {most}; 0 keeps cases for good."), most=LONGEST_KEPT_YEARS),
    )


@admin.register(ErasureRequest)
class CaseAdmin(admin.ModelAdmin):
    """For auditors and administrators, each for the cases of their organisations. Nothing is edited."""

    list_display = ("case", "requested", "organisation", "requested_by", "reason", "outcome")
    list_select_related = ("organisation", "requested_by", "decision")

    def get_urls(self) -> list[URLPattern]:
        pages = [
            path("find/", self._page(self.find), name="predictions_case_find"),
            path(
                "case/<uuid:organisation_id>/<uuid:key_id>/",
                self._page(self.case_view),
                name="predictions_case",
            ),
            path(
                "case/<uuid:organisation_id>/<uuid:key_id>/export.<slug:kind>",
                self._page(self.export),
                name="predictions_case_export",
            ),
            path(
                "<uuid:request_id>/decide/<slug:step>/",
                self._page(self.decide),
                name="predictions_case_decide",
            ),
            path("retention/", self._page(self.retention_view), name="predictions_retention"),
        ]
        return [*pages, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ErasureRequest]:
        return super().get_queryset(request).filter(organisation__in=_organisations_of(request))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return bool(_organisations_of(request))

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    @admin.display(description=_("Case"))
    def case(self, asked: ErasureRequest) -> str:
        """By the identifier of its key: its reference is known to nobody here."""
        return str(asked.case_key_id)

    @admin.display(description=_("Requested (UTC)"), ordering="id")
    def requested(self, asked: ErasureRequest) -> str:
        """When somebody asked."""
        return f"{asked.requested_at:%Y-%m-%d %H:%M}"

    @admin.display(description=_("Outcome"))
    def outcome(self, asked: ErasureRequest) -> str:
        """What was decided, if anything was."""
        return str(getattr(asked, "decision", gettext("waits for somebody else")))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {"title": gettext("Erasures"), **(extra_context or {})})

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",  # noqa: ARG002 - Django's signature
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> HttpResponse:
        """A request is looked at on the page of its case."""
        asked = self.get_object(request, object_id)
        if asked is None:
            raise Http404
        return redirect("admin:predictions_case", asked.organisation_id, asked.case_key_id)

    def find(self, request: HttpRequest) -> HttpResponse:
        """Look for a case by its reference."""
        form = FindForm(request.POST or None)
        context: dict[str, Any] = {"title": gettext("Find a case"), "form": form}
        if request.method == "POST" and form.is_valid():
            actors = [_actor(request, organisation.id) for organisation in _organisations_of(request)]
            wanted = form.cleaned_data["case"]
            context["found"] = [case for actor in actors for case in cases.find_cases(actor, wanted)]
        return self._answer(request, "find", context)

    def case_view(self, request: HttpRequest, organisation_id: UUID, key_id: UUID) -> HttpResponse:
        """What is held on a case, who asked for its erasure, and the form to ask for it."""
        actor = _actor(request, organisation_id)
        case = cases.find_case(actor.organisation, key_id)
        if case is None:
            raise Http404
        form, refusal, status = RequestForm(request.POST or None), "", 200
        if request.method == "POST" and form.is_valid():
            try:
                erasure.request_erasure(
                    key_id, actor, ErasureReason(form.cleaned_data["reason"]), form.cleaned_data["note"]
                )
            except StepRefused as refused:
                refusal, status = str(refused), 409
            else:
                messages.success(request, gettext("Asked for. Somebody else approves it or declines."))
                return redirect(request.path)
        requests = ErasureRequest.objects.filter(case_key_id=key_id).select_related(
            "requested_by", "decision__decided_by"
        )
        context = {
            "title": gettext("Case"),
            "case": case,
            "form": form,
            "refusal": refusal,
            "requests": requests,
            "waiting": erasure.open_request(key_id),
            "person": request.user,
        }
        return self._answer(request, "case", context, status)

    def export(self, request: HttpRequest, organisation_id: UUID, key_id: UUID, kind: str) -> HttpResponse:
        """All that is held on a case, as a file that is not named after it."""
        actor = _actor(request, organisation_id)
        case, write = cases.find_case(actor.organisation, key_id), EXPORTS.get(kind)
        if case is None or write is None or request.method != "POST":
            raise Http404
        if asked := prove_before_export(request):
            return asked
        # JSON says the same whoever reads it; paper speaks the reader's language.
        with override(settings.LANGUAGE_CODE if kind == "json" else get_language()):
            text = write(export_case(case, actor))
        answer = HttpResponse(text, content_type=f"application/{kind}")
        answer["Content-Disposition"] = f'attachment; filename="case-{key_id}.{kind}"'
        return answer

    def decide(self, request: HttpRequest, request_id: UUID, step: str) -> HttpResponse:
        """Approve what somebody else asked for, or leave the case as it is."""
        asked = get_object_or_404(self.get_queryset(request), id=request_id)
        take = {"approve": erasure.approve, "decline": erasure.decline}.get(step)
        if take is None or request.method != "POST":
            raise Http404
        try:
            decision = take(asked, _actor(request, asked.organisation_id))
        except StepRefused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"{decision.get_kind_display()}.")
        return redirect("admin:predictions_case", asked.organisation_id, asked.case_key_id)

    def retention_view(self, request: HttpRequest) -> HttpResponse:
        """How long each organisation keeps cases, what that erases next, and a form to change it."""
        if request.method == "POST":
            self._change_rule(request)
            return redirect(request.path)
        rules = [_rule_of(organisation, request) for organisation in _organisations_of(request)]
        context = {
            "title": gettext("Retention"),
            "rules": rules,
            "backup_days": settings.BACKUP_RETENTION_DAYS,
        }
        return self._answer(request, "retention", context)

    def _change_rule(self, request: HttpRequest) -> None:
        try:
            actor = _actor(request, UUID(request.POST.get("organisation", "")))
            if "proposal" in request.POST:
                waiting = RetentionProposal.objects.filter(organisation=actor.organisation)
                retention.approve(get_object_or_404(waiting, id=UUID(request.POST["proposal"])), actor)
                messages.success(request, gettext("It holds from now on."))
                return
        except ValueError:
            raise Http404 from None
        except StepRefused as refusal:
            messages.error(request, str(refusal))
            return
        form = YearsForm(request.POST)
        if not form.is_valid():
            messages.error(request, _wrong_years())
            return
        retention.propose(form.cleaned_data["years"], actor)
        messages.success(request, gettext("Proposed. Somebody else approves it."))

    def _answer(
        self, request: HttpRequest, page: str, context: dict[str, Any], status: int = 200
    ) -> HttpResponse:
        shared = {**self.admin_site.each_context(request), "opts": self.opts}
        template = f"admin/predictions/erasurerequest/{page}.html"
        return TemplateResponse(request, template, {**shared, **context}, status=status)

    def _page(self, view: Any) -> Any:
        """Only for those who may see any case at all."""

        def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not self.has_view_permission(request):
                raise PermissionDenied
            answer: HttpResponse = view(request, *args, **kwargs)
            return answer

        return self.admin_site.admin_view(page)


def _organisations_of(request: HttpRequest) -> list[Organisation]:
    """Not even the superuser sees cases without a role in the organisation."""
    if not isinstance(request.user, Person) or not request.user.is_active:
        return []
    return audited_organisations(request.user)


def _actor(request: HttpRequest, organisation_id: UUID) -> Actor:
    """The person, acting for one of the organisations that they audit; another is as good as none."""
    for organisation in _organisations_of(request):
        if organisation.id == organisation_id and isinstance(request.user, Person):
            return Actor(organisation, "form", person=request.user)
    raise Http404


def _wrong_years() -> str:
    return gettext("Years: a whole number from 0 to {most}.").format(most=LONGEST_KEPT_YEARS)


def _rule_of(organisation: Organisation, request: HttpRequest) -> dict[str, Any]:
    rule, proposal = retention.current_rule(organisation), retention.open_proposal(organisation)
    return {
        "organisation": organisation,
        "rule": rule,
        "preview": retention.preview(organisation, rule.years) if rule and rule.years else [],
        "proposal": proposal,
        "proposal_preview": retention.preview(organisation, proposal.years)
        if proposal and proposal.years
        else [],
        "may_approve": proposal is not None and proposal.proposed_by != request.user,
        "form": YearsForm(),
    }
