"""The pages of an organisation's API keys: which there are, a new one, its successor, and its end."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.actors import Actor
from accounts.key_forms import SCOPE_WORDS, ClientForm, KeyForm, RotateForm
from accounts.keys import issue_key, revoke_key, rotate_key
from accounts.models import ApiKey, Person
from accounts.oauth_clients import issue_client
from accounts.organisation_pages import for_administrators

WARNED = timedelta(days=14)


@dataclass(frozen=True)
class ShownKey:
    """A key with what is told of it today."""

    key: ApiKey

    @property
    def way(self) -> str:
        """How the system shows that it is itself."""
        client = getattr(self.key, "client", None)
        if client is None:
            return _("API key")
        return _("OAuth client that signs") if client.jwks else _("OAuth client with a secret")

    @property
    def is_live(self) -> bool:
        """Whether it opens something."""
        return not self.key.revoked_at and self.key.expires_at > timezone.now()

    @property
    def ends_soon(self) -> bool:
        """Whether somebody has to see to it within a fortnight."""
        return self.is_live and self.key.expires_at <= timezone.now() + WARNED

    @property
    def scopes(self) -> list[str]:
        """What it may do, in words."""
        return [str(SCOPE_WORDS.get(scope, scope)) for scope in self.key.scopes]


@require_safe
@for_administrators
def list_keys(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Every key of the organisation, the newest first, and which of them end soon."""
    found = ApiKey.objects.filter(organisation=actor.organisation).select_related("replaces", "client")
    shown = [ShownKey(key) for key in found]
    context = {"actor": actor, "keys": shown, "ending": [each for each in shown if each.ends_soon]}
    return render(request, "accounts/keys.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_administrators
def new_key(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The form for a new key, and the key itself, which is shown only now."""
    form = KeyForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        return render(request, "accounts/new_key.html", {"form": form}, status=422 if form.errors else 200)
    key, text = issue_key(actor.organisation, **form.cleaned_data, by=_person(actor))
    return render(request, "accounts/key_made.html", {"key": key, "text": text})


@require_http_methods(["GET", "HEAD", "POST"])
@for_administrators
def new_client(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The form for a new OAuth client, and its secret, which is shown only now; who signs has none."""
    form = ClientForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        return render(request, "accounts/new_client.html", {"form": form}, status=422 if form.errors else 200)
    client, secret = issue_client(actor.organisation, **form.cleaned_data, by=_person(actor))
    context = {
        "client": client,
        "text": secret,
        "address": request.build_absolute_uri(reverse("oauth_token")),
    }
    return render(request, "accounts/client_made.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_administrators
def replace_key(request: HttpRequest, actor: Actor, api_key_id: UUID) -> HttpResponse:
    """A new key with the rights of an old one, which goes on for some days."""
    key = _find_live(actor, api_key_id)
    if hasattr(key, "client"):
        raise Http404
    form = RotateForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        context = {"form": form, "key": key}
        return render(request, "accounts/replace_key.html", context, status=422 if form.errors else 200)
    new, text = rotate_key(key, _person(actor), **form.cleaned_data)
    key.refresh_from_db()
    return render(request, "accounts/key_made.html", {"key": new, "text": text, "old": key})


@require_http_methods(["GET", "HEAD", "POST"])
@for_administrators
def end_key(request: HttpRequest, actor: Actor, api_key_id: UUID) -> HttpResponse:
    """Revoke a key, once the administrator has confirmed which."""
    key = _find_live(actor, api_key_id)
    if request.method != "POST":
        return render(request, "accounts/end_key.html", {"key": key})
    revoke_key(key, _person(actor))
    messages.success(request, _("The key {name} opens nothing any more.").format(name=key))
    return redirect("keys")


def _find_live(actor: Actor, api_key_id: UUID) -> ApiKey:
    """A live key of the organisation. Raises Http404."""
    key = ApiKey.objects.filter(organisation=actor.organisation, id=api_key_id).first()
    if key is None or not ShownKey(key).is_live:
        raise Http404
    return key


def _person(actor: Actor) -> Person:
    assert actor.person is not None  # noqa: S101 - only people open pages
    return actor.person
