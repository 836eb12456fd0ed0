"""E-mail addresses are the names of accounts, so each account has exactly one spelling.

Letters beyond ASCII are refused: some of them look like another letter, and some become one when their case
is changed ("\u0131", "\u017f", "\u212a"), in Postgres others than in Python.
"""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _


def validate_ascii(address: str) -> None:
    """Refuse an address with a character beyond ASCII.

    Raises
    ------
    ValidationError
    """
    if not address.isascii():
        raise ValidationError(_("Use an address without letters beyond a to z."), "not_ascii")


def normal_address(address: str) -> str:
    """The one spelling of an address: in lower case, without blanks around it.

    Raises
    ------
    ValidationError
        When no account can have it.
    """
    validate_ascii(address)
    return address.strip().lower()
