"""An OpenID Connect provider that is real, but for asking anybody: HTTP on localhost, keys of its own, RS256.

What it says of the person who is at the browser, and how it signs it, is set by the tests.
"""

import hashlib
import json
import secrets
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "breast risk: tests", "not a secret: 100 %"
Sign = Callable[[dict[str, Any]], str]


class OidcProvider:
    """The provider, running while `run` lasts."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.key = new_key()
        self.person = {"sub": "id-of-alice", "email": "alice@clinic.example", "email_verified": True}
        self.changed: dict[str, Any] = {}
        self.sign: Sign = self.sign_as_ever
        self.asked: dict[str, str] = {}
        self.configured: dict[str, Any] = {}
        self.profile: dict[str, Any] = {}
        self._codes: dict[str, dict[str, str]] = {}

    def sign_as_ever(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, self.key, "RS256", headers={"kid": "one"})

    def configuration(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize?tenant=clinic",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            **self.configured,
        }

    def keys(self) -> dict[str, Any]:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "other"}, {**public, "kid": "one"}]}

    def authorize(self, asked: dict[str, str]) -> str:
        """Where the browser goes with its code."""
        self.asked = asked
        code = secrets.token_urlsafe()
        self._codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, sent: dict[str, str], authorization: str) -> dict[str, str] | None:
        """For a code that was not used before, with what proves that it was got by whoever brings it."""
        asked = self._codes.pop(sent["code"], None)
        digest = hashlib.sha256(sent["code_verifier"].encode()).digest()
        challenge = urlsafe_b64encode(digest).rstrip(b"=").decode()
        quoted = "breast%20risk%3A%20tests:not%20a%20secret%3A%20100%20%25"
        known = b64decode(authorization.removeprefix("Basic ")).decode() == quoted
        if not (asked and known and asked["code_challenge"] == challenge):
            return None
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "auth_time": now,
            **self.person,
            **self.changed,
        }
        return {"access_token": "shown once", "token_type": "Bearer", "id_token": self.sign(claims)}

    def profile_for(self, authorization: str) -> dict[str, Any]:
        """What is told to whoever shows the access token, and to nobody else."""
        return self.profile if authorization == "Bearer shown once" else {}


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65_537, 2_048)


@contextmanager
def run() -> Iterator[OidcProvider]:
    """A provider on a free port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    provider = OidcProvider(f"http://127.0.0.1:{server.server_port}")
    server.provider = provider  # type: ignore[attr-defined]
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    @property
    def _provider(self) -> OidcProvider:
        return self.server.provider  # type: ignore[attr-defined,no-any-return]

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.path == "/authorize":
            self.send_response(302)
            self.send_header("Location", self._provider.authorize(_pairs(address.query)))
            self.end_headers()
            return
        told = {
            "/.well-known/openid-configuration": self._provider.configuration,
            "/keys": self._provider.keys,
            "/profile": lambda: self._provider.profile_for(self.headers["Authorization"]),
        }
        self._answer(told[address.path]())

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._answer(self._provider.token(_pairs(sent), self.headers["Authorization"]))

    def _answer(self, told: dict[str, Any] | None) -> None:
        body = json.dumps(told or {"error": "invalid_grant"}).encode()
        self.send_response(200 if told else 400)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


def _pairs(text: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(text).items()}
