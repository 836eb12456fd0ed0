"""The pages of an organisation: one's own roles for everybody, its people for its administrators."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from uuid import UUID

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import invitations, members
from accounts.actors import Actor, NoOrganisation, actor_of_person
from accounts.admission import fresh_sign_in_required
from accounts.forms import AcceptForm, InviteForm, RolesForm
from accounts.invitations import InvitationRefused
from accounts.models import Invitation, Membership, Organisation, Person
from accounts.views import MODEL_BACKEND

P = ParamSpec("P")


def for_administrators(
    view: Callable[Concatenate[HttpRequest, Actor, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """A page for who keeps the organisation that they act for; for everybody else it is not there."""

    @wraps(view)
    def page(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        assert isinstance(request.user, Person)  # noqa: S101 - login_required saw to it
        try:
            actor = actor_of_person(request.user)
        except NoOrganisation:
            raise Http404 from None
        if not actor.administers:
            raise Http404
        return view(request, actor, *args, **kwargs)

    return never_cache(login_required(fresh_sign_in_required(page)))


@never_cache
@require_safe
@login_required
def show_organisation(request: HttpRequest) -> HttpResponse:
    """Which organisations somebody belongs to, as what, and for which they act."""
    assert isinstance(request.user, Person)  # noqa: S101 - likewise
    own: dict[Organisation, list[str]] = {}
    for membership in Membership.objects.filter(person=request.user).select_related("organisation"):
        own.setdefault(membership.organisation, []).append(membership.get_role_display())
    actor = actor_of_person(request.user) if own else None
    return render(request, "accounts/organisation.html", {"own": own, "actor": actor})


@require_POST
@login_required
def act_for(request: HttpRequest) -> HttpResponse:
    """From now on act for another organisation of one's own."""
    assert isinstance(request.user, Person)  # noqa: S101 - likewise
    chosen = Organisation.objects.filter(
        memberships__person=request.user, slug=request.POST.get("organisation", "")[:60]
    ).first()
    if chosen is None:
        raise Http404
    request.user.acting_for = chosen
    request.user.save(update_fields=["acting_for"])
    messages.success(request, _("You now act for {organisation}.").format(organisation=chosen))
    return redirect("organisation")


@require_http_methods(["GET", "HEAD", "POST"])
@for_administrators
def keep_people(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The people of an organisation, the invitations that are open, and a new one."""
    form = InviteForm(_sent(request))
    link = ""
    if request.method == "POST" and form.is_valid():
        email, role = form.cleaned_data["email"], form.cleaned_data["role"]
        link = invitations.invite(request, actor.organisation, email, role)
        if invitations.send(link, email, actor.organisation):
            messages.success(request, _("The invitation was sent to {address}.").format(address=email))
            return redirect("people")
        form = InviteForm()
    context = {
        "actor": actor,
        "form": form,
        "link": link,
        "members": members.list_members(actor.organisation),
        "invitations": invitations.open_invitations(actor.organisation).select_related("invited_by"),
    }
    return render(request, "accounts/people.html", context, status=422 if form.errors else 200)


@require_POST
@for_administrators
def withdraw_invitation(request: HttpRequest, actor: Actor, invitation_id: UUID) -> HttpResponse:
    """Let an invitation open nothing any more."""
    invitations.withdraw(request, actor.organisation, invitation_id)
    return redirect("people")


@require_http_methods(["GET", "HEAD", "POST"])
@for_administrators
def keep_person(request: HttpRequest, actor: Actor, person_id: UUID) -> HttpResponse:
    """The roles of somebody of the organisation, and what to do when they leave or lose their telephone."""
    member = members.find_member(actor.organisation, person_id)
    if member is None:
        raise Http404
    form = RolesForm(_sent(request), initial={"roles": list(member.roles)})
    if request.method == "POST" and form.is_valid():
        try:
            members.set_roles(request, member.person, actor.organisation, form.cleaned_data["roles"])
        except members.LastAdministrator:
            needed = _("Somebody has to keep the organisation: make another its administrator first.")
            form.add_error("roles", needed)
        else:
            messages.success(request, _("The roles of {person} were changed.").format(person=member.person))
            return redirect("people")
    context = {"member": member, "form": form}
    return render(request, "accounts/person.html", context, status=422 if form.errors else 200)


@require_POST
@for_administrators
def reset_factor(request: HttpRequest, actor: Actor, person_id: UUID) -> HttpResponse:
    """Remove the second factors of somebody who lost them."""
    member = members.find_member(actor.organisation, person_id)
    if member is None:
        raise Http404
    try:
        members.reset_second_factor(request, member.person, actor.organisation)
    except members.BelongsElsewhere:
        messages.error(request, _("They belong to other organisations too: ask whoever operates this site."))
    else:
        messages.success(request, _("They set a new second factor up when they next sign in."))
    return redirect("person", person_id)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def accept_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Where the link of an invitation leads: a new account, or one more role for the one that there is."""
    try:
        invitation = invitations.find_invitation(token)
        if account := invitations.account_of(invitation):
            return _join(request, token, invitation, account)
        return _begin(request, token, invitation)
    except InvitationRefused:
        return render(request, "accounts/invitation_refused.html", status=410)


def _join(request: HttpRequest, token: str, invitation: Invitation, account: Person) -> HttpResponse:
    if request.user != account:
        return render(request, "accounts/invitation_known.html", {"invitation": invitation})
    if request.method != "POST":
        return render(request, "accounts/invitation.html", {"invitation": invitation})
    invitations.join(request, token, account)
    return redirect("organisation")


def _begin(request: HttpRequest, token: str, invitation: Invitation) -> HttpResponse:
    form = AcceptForm(_sent(request), invitation=invitation)
    if request.method != "POST" or not form.is_valid():
        context = {"invitation": invitation, "form": form}
        return render(request, "accounts/invitation.html", context, status=422 if form.errors else 200)
    person = invitations.accept(request, token, form.cleaned_data["name"], form.cleaned_data["password1"])
    login(request, person, backend=MODEL_BACKEND)
    UserSession.objects.create_from_request(request)
    return redirect("mfa_index")


def _sent(request: HttpRequest) -> QueryDict | None:
    """What a form sent; no box that is ticked is something that it sent too."""
    return request.POST if request.method == "POST" else None
