"""The page on which an organisation's administrator says from where its people and systems may come."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.actors import Actor
from accounts.doors import networks_of, set_networks
from accounts.key_forms import NetworksForm
from accounts.network import client_address
from accounts.organisation_pages import for_administrators


@require_http_methods(["GET", "HEAD", "POST"])
@for_administrators
def keep_networks(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The list as it is, and where a new one is sent."""
    address = client_address(request)
    sent = request.POST if request.method == "POST" else None
    form = NetworksForm(sent, initial={"networks": networks_of(actor.organisation.id)}, address=address)
    if request.method == "POST" and form.is_valid():
        set_networks(actor, form.cleaned_data["networks"])
        messages.success(request, _("The networks were kept; they hold from now on."))
        return redirect("networks")
    context = {"actor": actor, "form": form, "address": address}
    return render(request, "accounts/networks.html", context, status=422 if form.errors else 200)
