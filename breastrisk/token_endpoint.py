"""`POST /oauth/token`: access tokens for systems (RFC 6749, client credentials), and where that is said."""

import binascii
from base64 import b64decode
from typing import Any
from urllib.parse import unquote_plus

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_safe
from oauth2_provider.oauth2_backends import get_oauthlib_core

from accounts import events, ledger
from accounts.actors import Actor
from accounts.doors import NetworkRefused, TooMany, admit_key, turn_away
from accounts.keys import SCOPES
from accounts.limit_records import Kind
from accounts.limits import headers_of
from accounts.network import client_address
from accounts.oauth_clients import ClientRefused, Proof, authenticate, named_in
from accounts.oauth_records import OAuthClient
from accounts.public_keys import ALGORITHMS
from accounts.token_validator import CLIENT
from predictions.problem_details import problem_response

LARGEST_BODY = 32_768
FORM = "application/x-www-form-urlencoded"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt"]


class Unreadable(Exception):
    """For the caller: the request is none for a token, and why."""


@csrf_exempt
@sensitive_post_parameters()
@sensitive_variables("proof")
def hand_out(request: HttpRequest) -> HttpResponse:
    """A token for the client that shows its secret, or signs."""
    if request.method != "POST":
        return problem_response("method-not-allowed", "Only post to it.", headers={"Allow": "POST"})
    if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_BODY:
        return problem_response("too-large", f"At most {LARGEST_BODY:,} bytes are read.")
    try:
        proof = _read_proof(request)
    except Unreadable as why:
        return _error("invalid_request", str(why), 400)
    return _answer(request, proof)


@require_safe
def describe(request: HttpRequest) -> JsonResponse:
    """What the token endpoint takes (RFC 8414)."""
    return JsonResponse(
        {
            "issuer": request.build_absolute_uri("/").rstrip("/"),
            "response_types_supported": [],
            **_facts(request),
        }
    )


@require_safe
def describe_smart(request: HttpRequest) -> JsonResponse:
    """The same for SMART Backend Services; no user is ever asked here."""
    return JsonResponse({"capabilities": ["client-confidential-asymmetric"], **_facts(request)})


def _answer(request: HttpRequest, proof: Proof) -> HttpResponse:
    try:
        return _admit(request, proof)
    except NetworkRefused:
        return problem_response("network-refused", "The client may not come from this network address.")
    except TooMany as refused:
        again = {"Retry-After": str(refused.wait), **headers_of(refused.standings)}
        detail = "Too many requests, or wrong secrets, came."
        return problem_response("too-many-requests", detail, headers=again)


def _admit(request: HttpRequest, proof: Proof) -> HttpResponse:
    """Raises NetworkRefused or TooMany."""
    address = client_address(request)
    try:
        client = authenticate(proof, request.build_absolute_uri(reverse("oauth_token")))
    except ClientRefused:
        turn_away(address, proof.client_id)
        refusal = _error("invalid_client", "The client is unknown, or did not show that it is itself.", 401)
        refusal["WWW-Authenticate"] = "Basic"
        return refusal
    standings = admit_key(client.key, Kind.TOKEN, address)
    answer = _issue(request, client)
    for name, value in headers_of(standings).items():
        answer[name] = value
    return answer


@transaction.atomic
def _issue(request: HttpRequest, client: OAuthClient) -> HttpResponse:
    request.META[CLIENT] = client
    _, headers, body, status = get_oauthlib_core().create_token_response(request)
    if status == 200:  # noqa: PLR2004 - as the library says it
        actor = Actor(client.key.organisation, "api", api_key=client.key)
        ledger.record(events.TOKEN_ISSUED, actor, network_address=client_address(request))
    return HttpResponse(body, status=status, headers=headers)


def _read_proof(request: HttpRequest) -> Proof:
    """What a client shows, in the one way that it chose (RFC 6749, section 2.3).

    Raises
    ------
    Unreadable
    """
    if request.META.get("QUERY_STRING"):
        raise Unreadable("Send everything in the body: addresses are written down in many places.")
    if request.content_type != FORM:
        raise Unreadable(f"Send Content-Type: {FORM}.")
    given = request.POST
    if repeated := [name for name, values in given.lists() if len(values) > 1]:
        raise Unreadable(f"Send each parameter once; more than once came {ascii(repeated[0])[:80]}.")
    ways = [
        bool(request.headers.get("Authorization")), "client_secret" in given, "client_assertion" in given,
    ]  # fmt: skip
    if sum(ways) != 1:
        raise Unreadable("Show who the client is in one way: Basic, client_secret or client_assertion.")
    if ways[0]:
        return _of_header(request)
    if ways[1]:
        return Proof(given.get("client_id", ""), secret=given["client_secret"])
    return _of_assertion(request)


def _of_header(request: HttpRequest) -> Proof:
    scheme, _, encoded = request.headers["Authorization"].partition(" ")
    try:
        name, colon, secret = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        colon = ""
    if scheme.lower() != "basic" or not colon:
        raise Unreadable("Send Authorization: Basic with client_id:client_secret.")
    return _consistent(request, Proof(unquote_plus(name), secret=unquote_plus(secret)))


def _of_assertion(request: HttpRequest) -> Proof:
    if request.POST.get("client_assertion_type") != ASSERTION_TYPE:
        raise Unreadable(f"Send client_assertion_type={ASSERTION_TYPE}.")
    assertion = request.POST["client_assertion"]
    return _consistent(request, Proof(named_in(assertion), assertion=assertion))


def _consistent(request: HttpRequest, proof: Proof) -> Proof:
    if request.POST.get("client_id", proof.client_id) != proof.client_id:
        raise Unreadable("The client_id of the body is another.")
    return proof


def _error(code: str, description: str, status: int) -> HttpResponse:
    """As RFC 6749 writes it, section 5.2."""
    return JsonResponse({"error": code, "error_description": description}, status=status)


def _facts(request: HttpRequest) -> dict[str, Any]:
    return {
        "token_endpoint": request.build_absolute_uri(reverse("oauth_token")),
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": METHODS,
        "token_endpoint_auth_signing_alg_values_supported": sorted(ALGORITHMS.values()),
        "scopes_supported": list(SCOPES),
    }
