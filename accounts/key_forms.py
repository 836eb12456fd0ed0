"""The forms of API keys and of lists of networks."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.allow_lists import includes, parse_networks
from accounts.keys import LIFETIME, LONGEST_OVERLAP, OVERLAP
from accounts.public_keys import parse_keys

SCOPE_WORDS = {
    "predict": _("Send panels and files, and have them read"),
    "read": _("Read predictions, reports, receipts and models"),
    "profile": _("Send reference samples of a platform"),
}
LONGEST_LIST = 5_000


class NetworksField(forms.CharField):
    """A list of networks, one a line; empty: no restriction."""

    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, max_length=LONGEST_LIST, **options)

    def prepare_value(self, value: Any) -> Any:
        return value if value is None or isinstance(value, str) else "\n".join(value)

    def clean(self, value: Any) -> Any:
        return parse_networks(super().clean(value))


class DaysField(forms.IntegerField):
    """So many days, as a timedelta."""

    def __init__(self, fewest: int, most: timedelta, **options: Any) -> None:
        limits = [MinValueValidator(fewest), MaxValueValidator(most.days)]
        attributes = {"min": fewest, "max": most.days, "inputmode": "numeric"}
        super().__init__(validators=limits, widget=forms.NumberInput(attrs=attributes), **options)

    def clean(self, value: Any) -> Any:
        return timedelta(days=super().clean(value))


class KeyForm(forms.Form):
    """A new key: what it is for, what it may do, and from where."""

    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        help_text=_("The system that gets it, as it shall stand in the audit trail."),
    )
    scopes = forms.MultipleChoiceField(
        label=_("What it may do"), choices=list(SCOPE_WORDS.items()), widget=forms.CheckboxSelectMultiple
    )
    lifetime = DaysField(
        1, LIFETIME, label=_("Days until it ends"), initial=LIFETIME.days, help_text=_("At most 365.")
    )
    networks = NetworksField(
        label=_("Networks from which it may be used"),
        help_text=_("One a line, like 192.0.2.0/24 or 2001:db8::/48. Without any: from everywhere."),
    )


class ClientForm(KeyForm):
    """A new OAuth client: as a key, and with public keys if it signs."""

    jwks = forms.CharField(
        label=_("Public keys (JWK set)"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text=_(
            "For a system that signs, as SMART Backend Services do: RS384 or ES384, each key with a kid. "
            "Without any the client gets a secret."
        ),
    )

    def clean_jwks(self) -> list[dict[str, str]]:
        return parse_keys(self.cleaned_data["jwks"]) if self.cleaned_data["jwks"] else []


class RotateForm(forms.Form):
    """How long the new key lives, and how long the old one goes on."""

    overlap = DaysField(
        0,
        LONGEST_OVERLAP,
        label=_("Days that the old key goes on"),
        initial=OVERLAP.days,
        help_text=_("Long enough to put the new one in its place; at most 30. 0: it ends now."),
    )
    lifetime = DaysField(
        1,
        LIFETIME,
        label=_("Days until the new key ends"),
        initial=LIFETIME.days,
        help_text=_("At most 365."),
    )


class NetworksForm(forms.Form):
    """From where an organisation's people and systems may come; its administrator wants to stay in, too."""

    networks = NetworksField(
        label=_("Networks"),
        help_text=_("One a line, like 192.0.2.0/24 or 2001:db8::/48. Without any: from everywhere."),
    )
    lock_me_out = forms.BooleanField(
        label=_("Yes, lock me out from the address that I have now"), required=False
    )

    def __init__(self, *args: Any, address: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self._address = address
        self.asks_again = False

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        networks: Sequence[str] | None = given.get("networks")
        if networks is not None and not includes(networks, self._address):
            self.asks_again = True
            if not given.get("lock_me_out"):
                message = gettext(
                    "Your own address, {address}, is in none of these networks: you would be locked out. "
                    "Add it, or tick the box below and send the form again."
                )
                self.add_error("networks", message.format(address=self._address))
        return given
