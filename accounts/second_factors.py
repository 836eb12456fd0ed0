"""Second factors, where the library for them asks us: secrets are encrypted, codes are good for once.

The secret of an authenticator app and the seed of recovery codes are AES-256-GCM under CASE_KEYS, which the
database does not have.
"""

from allauth.account.adapter import get_adapter as account_adapter
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa.adapter import DefaultMFAAdapter, get_adapter
from allauth.mfa.models import Authenticator
from axes.handlers.proxy import AxesProxyHandler
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts import case_keys
from accounts.models import Person

PLACE = b"second-factor"
# A code of an authenticator app fits for 90 seconds: its own half minute, and one on each side.
CODE_SECONDS = 90
# Whoever guesses codes has the password already: after so many in a quarter of an hour from anywhere, nobody
# is let in until it is over.
MOST_FAILURES, FAILURE_SECONDS = 20, 900


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth is untyped
    """Names and encryption."""

    def encrypt(self, text: str) -> str:
        return case_keys.encrypt_text(text, PLACE)

    def decrypt(self, encrypted_text: str) -> str:
        return case_keys.decrypt_text(encrypted_text, PLACE)

    def get_totp_issuer(self) -> str:
        return f"Breast risk ({self._get_site_name()})"

    def generate_authenticator_name(self, user: Person, type: Authenticator.Type) -> str:  # noqa: A002
        count = Authenticator.objects.filter(user=user, type=type).count()
        return _("Passkey {number}").format(number=count + 1)


def require_not_locked(request: HttpRequest, person: Person) -> None:
    """Before a code is looked at: nobody who guessed too often is asked for more.

    Raises
    ------
    ValidationError
        For the person. Who guessed from this address reads the page for whoever is locked out instead.
    """
    credentials = {"username": person.email}
    if not AxesProxyHandler.is_allowed(request, credentials):
        request.axes_locked_out = True  # type: ignore[attr-defined]  # the middleware of axes reads them
        request.axes_credentials = credentials  # type: ignore[attr-defined]
        raise account_adapter().validation_error("too_many_login_attempts")
    if int(cache.get(_failures_of(person), 0)) >= MOST_FAILURES:
        raise account_adapter().validation_error("too_many_login_attempts")


def count_failure(person: Person) -> None:
    """Another wrong code of this person, from wherever."""
    key = _failures_of(person)
    cache.set(key, int(cache.get(key, 0)) + 1, FAILURE_SECONDS)


def spend_code(person: Person, code: str) -> None:
    """A code that fits is never good again; the library forgets it before it is out of date.

    Raises
    ------
    ValidationError
    """
    if not cache.add(f"code-of:{person.pk}:{normalize_user_code(code)}", True, CODE_SECONDS):
        raise get_adapter().validation_error("incorrect_code")


def _failures_of(person: Person) -> str:
    return f"wrong-codes-of:{person.pk}"
