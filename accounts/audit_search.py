"""The form with which an auditor searches. Sent by POST: a case reference does not belong in an address."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from accounts import ledger
from accounts.addresses import normal_address, validate_ascii
from accounts.event_words import action_choices
from accounts.models import ApiKey, Organisation, Person
from accounts.timeline import DIGEST, RELEASE, Search

NOBODY = UUID(int=0)
FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2999, 12, 30, tzinfo=UTC)
# Each organisation has its own digest of a reference, and all of them have to fit into an address.
MOST_DIGESTS = 20
MINUTE = "%Y-%m-%dT%H:%M"


def _minute(label: Any) -> forms.DateTimeField:
    return forms.DateTimeField(
        label=label,
        required=False,
        widget=forms.DateTimeInput(format=MINUTE, attrs={"type": "datetime-local"}),
        validators=[MinValueValidator(FIRST), MaxValueValidator(LAST)],
    )


class EventSearchForm(forms.Form):
    """What to look for. Whatever is given has to hold."""

    case = forms.CharField(label=_("Case reference"), required=False, max_length=100)
    # The reference itself is not kept, so that a search which goes on from another brings its digests.
    kept_case = forms.RegexField(
        f"^{DIGEST}(,{DIGEST})*$", required=False, max_length=1_500, widget=forms.HiddenInput
    )
    person = forms.EmailField(label=_("Person (e-mail address)"), required=False, validators=[validate_ascii])
    key = forms.CharField(label=_("API key (prefix or name)"), required=False, max_length=100)
    release = forms.RegexField(f"^{RELEASE}$", label=_("Release (name version)"), required=False)
    action = forms.ChoiceField(
        label=_("Action"),
        required=False,
        choices=action_choices,
    )
    organisation = forms.ModelChoiceField(
        Organisation.objects.none(), label=_("Organisation"), required=False, empty_label=_("All")
    )
    since = _minute(_("From (UTC)"))
    until = _minute(_("Before (UTC)"))

    def __init__(self, organisations: list[Organisation], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.organisations = organisations
        if len(organisations) > 1:
            ids = [organisation.id for organisation in organisations]
            self.fields["organisation"].queryset = Organisation.objects.filter(id__in=ids)  # type: ignore[attr-defined]
        else:
            del self.fields["organisation"]

    def clean_key(self) -> ApiKey | None:
        """The key of this prefix, or else of this name."""
        wanted = self.cleaned_data["key"]
        keys = ApiKey.objects.filter(organisation__in=self.organisations)
        found = list(keys.filter(prefix=wanted) or keys.filter(name__iexact=wanted)) if wanted else [None]
        if len(found) != 1:
            raise forms.ValidationError(
                _("Several keys have this name: give the prefix.") if found else _("No such key.")
            )
        return found[0]

    def clean(self) -> dict[str, Any]:
        wanted = super().clean() or {}
        if wanted.get("case") and len(self._searched(wanted)) > MOST_DIGESTS:
            self.add_error("organisation", _("Choose the one whose case it is."))
        return wanted

    def as_search(self) -> Search:
        """The criteria by which the events are found; case, person and key no longer readable."""
        wanted = self.cleaned_data
        search = {
            "case": self._digests() or wanted["kept_case"],
            "person": _id_of(wanted["person"]),
            "key": str(wanted["key"].id) if wanted["key"] else "",
            "release": wanted["release"],
            "action": wanted["action"],
            "organisation": str(wanted["organisation"].id) if wanted.get("organisation") else "",
            "since": _written(wanted["since"]),
            "until": _written(wanted["until"]),
        }
        return {name: text for name, text in search.items() if text}

    def _searched(self, wanted: dict[str, Any]) -> list[Organisation]:
        return [wanted["organisation"]] if wanted.get("organisation") else self.organisations

    def _digests(self) -> str:
        case = self.cleaned_data["case"]
        searched = self._searched(self.cleaned_data) if case else []
        return ",".join(ledger.case_digest(organisation.id, case) for organisation in searched)


def filled_in(search: Search, organisations: list[Organisation]) -> EventSearchForm:
    """The form as it was filled in for a search, but for the case."""
    theirs = Person.objects.filter(memberships__organisation__in=organisations)
    person = theirs.filter(id=search["person"]).first() if "person" in search else None
    keys = ApiKey.objects.filter(organisation__in=organisations)
    key = keys.filter(id=search["key"]).first() if "key" in search else None
    shown = {
        **{name: search.get(name) for name in ("release", "action", "organisation", "since", "until")},
        "kept_case": search.get("case"),
        "person": person and person.email,
        "key": key and key.prefix,
    }
    return EventSearchForm(organisations, initial=shown)


def _id_of(address: str) -> str:
    """Who has the address: an address is personal, and does not belong into another address."""
    if not address:
        return ""
    person = Person.objects.filter(email=normal_address(address)).first()
    return str(person.id if person else NOBODY)


def _written(time: datetime | None) -> str:
    return time.astimezone(UTC).strftime(MINUTE) if time else ""
