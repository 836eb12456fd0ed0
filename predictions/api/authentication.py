"""API keys at the door of the REST API."""

from dataclasses import dataclass

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.actors import Actor
from accounts.guesses import count_guess
from accounts.keys import KeyRefused, find_key, prefix_of
from accounts.models import ApiKey
from accounts.network import client_address

SCHEME = "Api-Key"


@dataclass(frozen=True)
class ApiClient:
    """The system behind a key, in the shape that the framework expects of a user."""

    key: ApiKey
    is_authenticated: bool = True

    @property
    def actor(self) -> Actor:
        """The system acting for the organisation of its key."""
        return Actor(self.key.organisation, "api", api_key=self.key)


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Api-Key PREFIX.SECRET`. One answer for every key that does not fit.

    Keys that do not fit are counted here: the framework's own throttles only see who came in.
    """

    def authenticate(self, request: Request) -> tuple[ApiClient, ApiKey]:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        text = text.strip() if scheme.lower() == SCHEME.lower() else ""
        try:
            key = find_key(text)
        except KeyRefused:
            if text and (wait := count_guess(prefix_of(text), client_address(request))):
                raise Throttled(wait, "Too many wrong keys came from this network.") from None
            raise AuthenticationFailed("A valid API key is needed.") from None
        return ApiClient(key), key

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - the framework's signature
        return SCHEME


class HasScope(BasePermission):
    """The key carries the scope that the view names for this method in `scopes`."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        needed: str | None = view.scopes.get(request.method)  # type: ignore[attr-defined]
        self.message = f"The key needs the scope '{needed}'."
        # A method without a scope is not served: the framework answers 405.
        return needed is None or needed in request.auth.scopes  # type: ignore[union-attr]
