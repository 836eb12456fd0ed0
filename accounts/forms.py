"""The forms of signing in, for ASCII addresses only and without the library's second list of addresses; and
the one for whoever holds a report.
"""

import hashlib
from typing import Any

from allauth.account.fields import EmailField
from allauth.account.forms import LoginForm, ResetPasswordForm
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.addresses import normal_address, validate_ascii
from accounts.models import Person


class SignInForm(LoginForm):  # type: ignore[misc]  # allauth is untyped
    """Address and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].validators.append(validate_ascii)
        self.fields["login"].label = _("E-mail address")
        for name in ("login", "password"):
            del self.fields[name].widget.attrs["placeholder"]
        self.fields["password"].help_text = ""  # the page has the way to a forgotten one
        self.fields["remember"].label = _("Keep me signed in on this computer")


class AskForResetForm(ResetPasswordForm):  # type: ignore[misc]  # likewise
    """The address of an account whose password is forgotten."""

    email = EmailField(label=_("E-mail address"), required=True, validators=[validate_ascii])

    def clean_email(self) -> str:
        address = normal_address(self.cleaned_data["email"])
        self.users = list(Person.objects.filter(email=address, is_active=True))
        return address


class ReceiptForm(forms.Form):
    """What stands on a report, to be typed by whoever cannot read its code with a telephone."""

    event = forms.UUIDField(label=_("Audit event"))
    leaf = forms.RegexField(
        r"^[0-9A-Fa-f]{64}$", label=_("Digest of the event (64 digits and letters a to f)")
    )


class ReportForm(forms.Form):
    """A file that may be a report of ours."""

    LARGEST = 2_000_000

    file = forms.FileField(label=_("The report, as a PDF file"))

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > self.LARGEST:
            raise ValidationError(gettext("The file is larger than any report of ours."))
        return file

    @property
    def digest(self) -> str:
        """The SHA-256 of the file, in hexadecimal."""
        return hashlib.sha256(self.cleaned_data["file"].read()).hexdigest()
