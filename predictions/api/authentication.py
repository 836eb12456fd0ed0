"""API keys and access tokens at the door of the REST API."""

from contextlib import suppress

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, Throttled, ValidationError
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts import row_scope
from accounts.actors import Actor
from accounts.doors import TooMany, turn_away
from accounts.keys import KeyRefused, find_key, prefix_of
from accounts.models import ApiKey
from accounts.network import client_address
from accounts.tokens import Grant, find_grant

SCHEMES = "Api-Key, Bearer"
ON_BEHALF_OF, LONGEST_NAME = "X-On-Behalf-Of", 100


class ApiClient:
    """The system behind a key or a token, in the shape that the framework expects of a user."""

    is_authenticated = True

    def __init__(self, grant: Grant, on_behalf_of: str = "") -> None:
        self.key, self.scopes, self._on_behalf_of = grant.key, grant.scopes, on_behalf_of

    @property
    def actor(self) -> Actor:
        """The system acting for the organisation of its key."""
        return Actor(self.key.organisation, "api", api_key=self.key, on_behalf_of=self._on_behalf_of)


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Api-Key PREFIX.SECRET`, or `Bearer TOKEN`. One answer for whatever does not fit.

    What does not fit is counted here: the framework's own throttles only see who came in. A token that does
    not fit is no guess: each ends within the hour, and systems find that out by sending it.
    """

    def authenticate(self, request: Request) -> tuple[ApiClient, ApiKey]:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        try:
            grant = _find(scheme.lower(), text.strip())
        except KeyRefused:
            _turn_away(scheme.lower(), text.strip(), client_address(request))
            raise AuthenticationFailed("A valid API key is needed.") from None
        row_scope.narrow_to(grant.key.organisation_id)
        return ApiClient(grant, _read_name(request)), grant.key

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - the framework's signature
        return SCHEMES


class HasScope(BasePermission):
    """The key or token carries the scope that the view names for this method in `scopes`."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        needed: str | None = view.scopes.get(request.method)  # type: ignore[attr-defined]
        self.message = f"The key needs the scope '{needed}'."
        # A method without a scope is not served: the framework answers 405.
        return needed is None or needed in request.user.scopes  # type: ignore[union-attr]


def _read_name(request: Request) -> str:
    """Whom the system says that it acts for; WSGI hands headers over as Latin-1, whatever they are in.

    Raises
    ------
    ValidationError
        When it is no name.
    """
    text = request.headers.get(ON_BEHALF_OF, "")
    with suppress(UnicodeError):
        text = text.encode("latin-1").decode()
    if len(text) > LONGEST_NAME or not text.isprintable():
        raise ValidationError(f"{ON_BEHALF_OF} has to be at most {LONGEST_NAME} printable characters.")
    return text.strip()


def _turn_away(scheme: str, text: str, address: str) -> None:
    """Raises Throttled."""
    try:
        turn_away(address, prefix_of(text) if scheme == "api-key" else None)
    except TooMany as refusal:
        raise Throttled(refusal.wait, "Too many requests without a valid key came from here.") from None


def _find(scheme: str, text: str) -> Grant:
    """Raises KeyRefused."""
    if scheme == "bearer":
        return find_grant(text)
    if scheme != "api-key":
        raise KeyRefused
    key = find_key(text)
    return Grant(key, frozenset(key.scopes))
