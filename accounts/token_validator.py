"""What the OAuth library asks us, once the client is known."""

from collections.abc import Collection
from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator

# Where the token endpoint leaves the client that it knows; no header of a request has such a name.
CLIENT = "breastrisk.oauth_client"


class TokenValidator(OAuth2Validator):  # type: ignore[misc]  # the library is untyped
    """A client that the endpoint authenticated gets the scopes of its key, or fewer."""

    def authenticate_client(self, request: Any, *_args: Any, **_options: Any) -> bool:
        request.client = request.headers[CLIENT]
        return True

    def get_default_scopes(self, client_id: str, request: Any, *_args: Any, **_options: Any) -> list[str]:  # noqa: ARG002
        return list(request.client.key.scopes)

    def validate_scopes(
        self,
        client_id: str,  # noqa: ARG002 - the library's signature
        scopes: Collection[str],
        client: Any,
        request: Any,  # noqa: ARG002 - likewise
        *_args: Any,
        **_options: Any,
    ) -> bool:
        return set(scopes) <= set(client.key.scopes)
