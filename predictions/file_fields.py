"""The fields that every form with values of genes has, whether of one sample or of many."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from predictions.intake.detection import READERS
from predictions.intake.tables import Choices
from predictions.intake.units import UNITS
from predictions.wording import say_lazily


class PlatformForm(forms.Form):
    """A form of samples of the model's platform, or of one that the organisation has a profile of."""

    platform = forms.ChoiceField(
        label=gettext_lazy("Platform"),
        required=False,
        help_text=gettext_lazy("Another one only if your organisation has a profile of it."),
    )

    def __init__(self, *args: Any, platforms: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["platform"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - it stands above
        field.choices = [("", _("That of the model")), *((name, name) for name in platforms)]
        self.has_platforms = bool(platforms)


def unit_field(help_text: Any = "") -> forms.ChoiceField:
    """The unit of the values; that it is missing is said with everything else that is wrong with them."""
    return forms.ChoiceField(
        label=gettext_lazy("Unit of the values"),
        choices=[
            ("", gettext_lazy("Choose the unit")),
            *((code, say_lazily(words)) for code, words in UNITS.items()),
        ],
        required=False,
        help_text=help_text,
    )


def reader_field() -> forms.ChoiceField:
    """The format of the file."""
    return forms.ChoiceField(
        label=gettext_lazy("Format"),
        choices=[
            ("", gettext_lazy("Recognise it")),
            *((code, say_lazily(reader.NAME)) for code, reader in READERS.items()),
        ],
        required=False,
    )


def part_field() -> forms.CharField:
    """The part of the file, as a form has it that cannot ask a second time."""
    return forms.CharField(
        label=gettext_lazy("Sheet, strand or layer"),
        required=False,
        help_text=gettext_lazy("Only where the file has several: what is wrong names them."),
    )


def former_symbols_field() -> forms.BooleanField:
    """Whether former names may stand for the current ones."""
    return forms.BooleanField(
        label=gettext_lazy("Read former gene symbols and aliases as the current ones"), required=False
    )


def declared(form: forms.Form, name: str) -> str:
    """What was chosen in a field, or what was sent in place of a choice: whoever reads it refuses that."""
    return str(form.cleaned_data.get(name, form.data.get(name, "")))


def choices_of(form: forms.Form) -> Choices:
    """How the file of a form is to be read."""
    cleaned = form.cleaned_data
    return Choices(cleaned.get("part", ""), cleaned.get("reader", ""), declared(form, "unit"))
