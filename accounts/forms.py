"""The forms of signing in, for ASCII addresses only and without the library's second list of addresses."""

from typing import Any

from allauth.account.fields import EmailField
from allauth.account.forms import LoginForm, ResetPasswordForm

from accounts.addresses import normal_address, validate_ascii
from accounts.models import Person


class SignInForm(LoginForm):  # type: ignore[misc]  # allauth is untyped
    """Address and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].validators.append(validate_ascii)


class AskForResetForm(ResetPasswordForm):  # type: ignore[misc]  # likewise
    """The address of an account whose password is forgotten."""

    email = EmailField(required=True, validators=[validate_ascii])

    def clean_email(self) -> str:
        address = normal_address(self.cleaned_data["email"])
        self.users = list(Person.objects.filter(email=address, is_active=True))
        return address
