"""The forms of signing in, for ASCII addresses only and without the library's second list of addresses; and
the one for whoever holds a report.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.account.fields import EmailField
from allauth.account.forms import LoginForm, ReauthenticateForm, ResetPasswordForm
from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.forms import ReauthenticateForm as ReauthenticateByCodeForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms
from django.contrib.auth.forms import SetPasswordMixin
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.addresses import normal_address, validate_ascii
from accounts.models import Invitation, Person, Role
from accounts.second_factors import require_not_locked, spend_code


class SignInForm(LoginForm):  # type: ignore[misc]  # allauth is untyped
    """Address and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].validators.append(validate_ascii)
        self.fields["login"].label = _("E-mail address")
        for name in ("login", "password"):
            del self.fields[name].widget.attrs["placeholder"]
        self.fields["password"].help_text = ""  # the page has the way to a forgotten one


class AskForResetForm(ResetPasswordForm):  # type: ignore[misc]  # likewise
    """The address of an account whose password is forgotten."""

    email = EmailField(label=_("E-mail address"), required=True, validators=[validate_ascii])

    def clean_email(self) -> str:
        address = normal_address(self.cleaned_data["email"])
        self.users = list(Person.objects.filter(email=address, is_active=True))
        return address


class _SpentCode(forms.Form):
    """A code is good once, and whoever guesses is locked out as with passwords."""

    user: Person

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _as_code(self.fields["code"])

    def clean_code(self) -> str:
        require_not_locked(context.request, self.user)
        code: str = super().clean_code()  # type: ignore[misc]  # the library's form comes behind this one
        spend_code(self.user, code)
        return code


class CodeForm(_SpentCode, AuthenticateForm):  # type: ignore[misc]  # likewise
    """The second step of a sign-in."""


class ProveByCodeForm(_SpentCode, ReauthenticateByCodeForm):  # type: ignore[misc]  # likewise
    """Prove again who you are, by a code."""


class ProveByPasswordForm(ReauthenticateForm):  # type: ignore[misc]  # likewise
    """Prove again who you are, by the password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["password"].widget.attrs["placeholder"]


class ActivateAppForm(ActivateTOTPForm):  # type: ignore[misc]  # likewise
    """The first code that an authenticator app shows, as a proof that it has the secret."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _as_code(self.fields["code"])


class _Credential(forms.JSONField):
    """What a browser says of a passkey, as JSON."""

    widget = forms.HiddenInput

    def to_python(self, value: Any) -> Any:
        with _refuse_malformed():
            return super().to_python(value)


class _CheckedPasskey(forms.Form):
    """A passkey; the library takes what is none for an error of its own."""

    credential = _Credential()

    def clean_credential(self) -> Any:
        with _refuse_malformed():
            return super().clean_credential()  # type: ignore[misc]  # likewise


class SignInByPasskeyForm(_CheckedPasskey, LoginWebAuthnForm):  # type: ignore[misc]  # likewise
    """A passkey instead of address, password and code."""


class PasskeyForm(_CheckedPasskey, AuthenticateWebAuthnForm):  # type: ignore[misc]  # likewise
    """A passkey as the second step of a sign-in."""


class ProveByPasskeyForm(_CheckedPasskey, ReauthenticateWebAuthnForm):  # type: ignore[misc]  # likewise
    """Prove again who you are, by a passkey."""


class AddPasskeyForm(AddWebAuthnForm):  # type: ignore[misc]  # likewise
    """A passkey, and what it is called. Each signs in by itself: it asks for a finger or a PIN."""

    credential = _Credential()
    passwordless = forms.BooleanField(initial=True, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Name")
        self.fields["name"].validators.append(MaxLengthValidator(60))

    def clean(self) -> dict[str, Any]:
        with _refuse_malformed():
            return dict(super().clean())


@contextmanager
def _refuse_malformed() -> Iterator[None]:
    try:
        yield
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        raise get_adapter().validation_error("incorrect_code") from None


def _as_code(field: forms.Field) -> None:
    field.label = _("Code")
    field.widget.attrs |= {"inputmode": "numeric", "autofocus": True}
    del field.widget.attrs["placeholder"]


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


class InviteForm(forms.Form):
    """Whom to invite, as what."""

    email = forms.EmailField(label=_("E-mail address"), max_length=254, validators=[validate_ascii])
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)

    def clean_email(self) -> str:
        return normal_address(self.cleaned_data["email"])

    def clean_role(self) -> Role:
        return Role(self.cleaned_data["role"])


class RolesForm(forms.Form):
    """What somebody is in an organisation; nothing: they leave it."""

    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        choices=Role.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Without any they leave the organisation, and are signed out everywhere."),
    )

    def clean_roles(self) -> set[Role]:
        return {Role(role) for role in self.cleaned_data["roles"]}


class AcceptForm(SetPasswordMixin, forms.Form):  # type: ignore[type-arg]  # it takes none at run time
    """The name and the password of a newcomer."""

    name = forms.CharField(label=_("Your name"), max_length=200, help_text=_("As it shall stand on reports."))
    password1, password2 = SetPasswordMixin.create_password_fields(
        label1=_("Password"), label2=_("Password, once more")
    )

    def __init__(self, *args: Any, invitation: Invitation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._invitation = invitation
        self.fields["name"].widget.attrs["autocomplete"] = "name"

    def clean(self) -> dict[str, Any]:
        self.validate_passwords()
        email, organisation = self._invitation.email, self._invitation.organisation
        newcomer = Person(email=email, name=self.cleaned_data.get("name", ""), acting_for=organisation)
        self.validate_password_for_user(newcomer)
        return super().clean() or {}
