"""The fields that every form with values of genes has, whether of one sample or of many."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from predictions.intake.detection import READERS
from predictions.intake.tables import Choices
from predictions.intake.units import UNITS
from predictions.wording import say_lazily


def unit_field(help_text: Any = "", units: Iterable[str] = UNITS) -> forms.ChoiceField:
    """The unit of the values; that it is missing is said with everything else that is wrong with them."""
    return forms.ChoiceField(
        label=gettext_lazy("Unit of the values"),
        choices=[
            ("", gettext_lazy("Choose the unit")),
            *((code, say_lazily(UNITS[code])) for code in units),
        ],
        required=False,
        help_text=help_text,
    )


def platform_field() -> forms.ChoiceField:
    """The platform of the samples, to be offered by `offer_platforms`."""
    return forms.ChoiceField(
        label=gettext_lazy("Platform"),
        required=False,
        help_text=gettext_lazy("Another one only if your organisation has a profile of it."),
    )


def offer_platforms(form: forms.Form, platforms: Iterable[str]) -> None:
    """Let the form choose between the platform of the model and these."""
    field = form.fields["platform"]
    assert isinstance(field, forms.ChoiceField)  # noqa: S101 - `platform_field` made it
    field.choices = [("", _("That of the model")), *((name, name) for name in platforms)]


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
    return Choices(part=form.cleaned_data.get("part", ""), reader=form.cleaned_data.get("reader", ""))
