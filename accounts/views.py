from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.links import LinkRefused, use_link

MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


@never_cache
@require_http_methods(["GET", "POST"])
def sign_in_once(request: HttpRequest, token: str) -> HttpResponse:
    """Sign in with a one-time link. Only the button spends it: browsers fetch links ahead of the click."""
    if request.method == "GET":
        return render(request, "accounts/sign_in_once.html")
    try:
        person = use_link(token)
    except LinkRefused:
        return render(request, "accounts/sign_in_once.html", {"refused": True}, status=410)
    login(request, person, backend=MODEL_BACKEND)
    messages.success(request, f"You are signed in as {person}.")
    return redirect("new_prediction")
