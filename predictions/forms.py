"""The browser's door: shape only. What a panel means is for `submission` to say."""

from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO, cast

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from predictions.exceptions import PanelRefused, Problem
from predictions.file_fields import (
    PlatformForm,
    choices_of,
    declared,
    former_symbols_field,
    reader_field,
    unit_field,
)
from predictions.intake.detection import READERS, ReaderUnclear
from predictions.intake.measurements import PanelRequest
from predictions.intake.opening import Sample, only_sample, open_pasted, open_table, settle_age, settle_unit
from predictions.intake.panel import LONGEST_REFERENCE
from predictions.intake.tables import PartUnclear, Wanted
from predictions.intake.text_files import open_text
from predictions.intake.whole_numbers import whole_number
from predictions.models import Verdict
from predictions.sentences import sentence
from predictions.wording import say

LONGEST_REVIEW = 2_000
# A table of transcripts is some 20 megabytes; what is put back into the form has to be sent again as text.
MOST_UPLOADED, MOST_KEPT = 50_000_000, 2_000_000
NEED_WORDS = (Verdict.NOT_USED, Verdict.DISAGREE, Verdict.NOTE)


class WholeNumberField(forms.IntegerField):
    """A whole number in ASCII digits, as everywhere else."""

    def to_python(self, value: Any) -> int | None:
        if value in self.empty_values:
            return None
        try:
            return whole_number(value)
        except ValueError:
            raise forms.ValidationError(self.error_messages["invalid"], "invalid") from None


class PanelForm(PlatformForm):
    """One panel, pasted or as a file, with the little that is asked about it."""

    pasted = forms.CharField(
        label=gettext_lazy("Paste two columns: gene and value"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false", "autocomplete": "off"}),
        help_text=gettext_lazy(
            "As copied from a spreadsheet, or as CSV. HGNC symbols, Entrez or Ensembl identifiers, or probe "
            "sets."
        ),
    )
    file = forms.FileField(
        label=gettext_lazy("or choose the lab's file"),
        required=False,
        allow_empty_file=True,
        widget=forms.ClearableFileInput,
    )
    reader = reader_field()
    part = forms.CharField(required=False, widget=forms.HiddenInput)
    unit = unit_field(
        gettext_lazy(
            "As the lab states it; a format that states its own needs none. What is converted is said with "
            "the result; what cannot be converted soundly is refused."
        )
    )
    age_years = WholeNumberField(
        label=gettext_lazy("Age in years"),
        required=False,
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        help_text=gettext_lazy(
            "Optional. Leave it empty if you do not know it; nothing is put in its place."
        ),
    )
    case_reference = forms.CharField(
        label=gettext_lazy("Case reference"),
        required=False,
        # Not `max_length`: with that attribute a browser cuts off what is pasted, and says nothing.
        validators=[MaxLengthValidator(LONGEST_REFERENCE)],
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("Optional. Your own reference for the case, not the patient's name."),
    )
    accept_former_symbols = former_symbols_field()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        file: UploadedFile[Any] | None = cleaned.get("file")
        if bool(file) == bool(cleaned.get("pasted", "").strip()):
            message = (
                _("Give the panel once: paste it or choose a file, not both.")
                if file
                else _("Paste the panel or choose a file.")
            )
            self.add_error("pasted", message)
        if file and (file.size or 0) > MOST_UPLOADED:
            self.add_error(
                "file", _("The file is larger than the %d bytes that are read here.") % MOST_UPLOADED
            )
        return cleaned

    def as_request(self, wanted: Wanted) -> PanelRequest:
        """The same request in the terms of `submission`, with everything that is wrong with it so far.

        Raises
        ------
        PanelRefused
            When there is no panel that could be read row by row.
        ReaderUnclear, PartUnclear
            When it has to be chosen how the file is read.
        SeveralSamples
        """
        problems = self._as_problems()
        sample = self._read_sample(wanted, problems)
        cleaned = self.cleaned_data
        unit, contradiction = settle_unit(declared(self, "unit"), sample.unit)
        age, other_age = settle_age(cleaned.get("age_years"), sample.age)
        return PanelRequest(
            measurements=sample.measurements,
            unit=unit,
            platform=cleaned.get("platform") or None,
            age_years=age,
            case_reference=self.named_case,
            sample_id=sample.name,
            accept_former_symbols=cleaned["accept_former_symbols"],
            total=sample.total,
            steps=sample.steps,
            problems=(*problems, *sample.problems, *contradiction, *other_age),
        )

    def as_cohort(self) -> tuple[BinaryIO, PanelRequest]:
        """The file of many samples from its start, and what they share.

        Raises
        ------
        PanelRefused
            When something in the form is wrong, or of one sample only.
        """
        problems, cleaned = self._as_problems(), self.cleaned_data
        if cleaned.get("age_years") is not None or self.named_case:
            problems.append(_of_one_sample())
        if problems:
            raise PanelRefused(problems)
        file = cast(BinaryIO, cleaned["file"] or BytesIO(cleaned["pasted"].encode()))
        file.seek(0)
        return file, PanelRequest(
            measurements=(),
            unit=declared(self, "unit"),
            platform=cleaned["platform"] or None,
            accept_former_symbols=cleaned["accept_former_symbols"],
        )

    @property
    def named_case(self) -> str:
        """The reference, if it is one."""
        reference: str = self.cleaned_data.get("case_reference", "")
        return reference

    def keep_file(self) -> None:
        """Put an uploaded file's text where a pasted one stands: browsers do not send a file back again."""
        file: UploadedFile[Any] | None = self.files.get("file")
        if file is None or (file.size or 0) > MOST_KEPT or self.data.get("pasted", "").strip():
            return
        with suppress(PanelRefused):  # what is no text cannot be shown again
            text = "".join(block.decode() for _, block in open_text(cast(BinaryIO, file)).blocks(1_000))
            self.data = {**self.data.dict(), "pasted": text}  # type: ignore[attr-defined]

    def _read_sample(self, wanted: Wanted, problems: list[Problem]) -> Sample:
        if not {"pasted", "file"} <= self.cleaned_data.keys():
            raise PanelRefused(problems)
        file: UploadedFile[Any] | None = self.cleaned_data["file"]
        try:
            if file:
                return only_sample(
                    open_table(cast(BinaryIO, file), file.name or "", wanted, choices_of(self))
                )
            return only_sample(open_pasted(self.cleaned_data["pasted"], wanted, choices_of(self)))
        except PanelRefused as refusal:
            raise PanelRefused([*problems, *refusal.problems]) from None

    def _as_problems(self) -> list[Problem]:
        """The form's own errors in the words of every other problem; the unit's are the panel's to tell."""
        return [
            Problem(
                "form_incomplete",
                f"{self.fields[name].label}: {error}",
                sentence("Correct it in the form."),
            )
            for name, errors in self.errors.items()
            for error in errors
            if name in self.fields and name != "unit"
        ]


def _of_one_sample() -> Problem:
    return Problem(
        "form_incomplete",
        sentence("There are several samples in it; the age and the case reference of the form are of one."),
        sentence("Leave them empty, and give the ages in a column of the file."),
    )


@dataclass(frozen=True)
class Choice:
    """What a person has to choose before a file is read: the form's field, and the options with reasons."""

    field: str
    options: tuple[tuple[str, str, tuple[str, ...]], ...]
    proposed: str


def choice_of(unclear: ReaderUnclear | PartUnclear) -> Choice:
    """The choice in the terms of the form."""
    if isinstance(unclear, PartUnclear):
        options = tuple((part, say(words), ()) for part, words in unclear.parts.items())
        return Choice("part", options, unclear.proposed)
    matches = unclear.matches.items()
    return Choice(
        "reader",
        tuple((code, say(READERS[code].NAME), tuple(map(say, reasons))) for code, reasons in matches),
        "",
    )


class ReviewForm(forms.Form):
    """What somebody decides about a result, and why."""

    verdict = forms.ChoiceField(
        choices=Verdict.choices,
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose one.")},
    )
    text = forms.CharField(
        label=gettext_lazy("Reason or note"),
        required=False,
        validators=[MaxLengthValidator(LONGEST_REVIEW)],
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off"}),
        help_text=gettext_lazy(
            "Needed unless you agree. Encrypted with the case and erased with it. Do not name the patient."
        ),
    )

    def clean_text(self) -> str:
        """Lines end as everywhere else, not as browsers send them."""
        text: str = self.cleaned_data["text"]
        return text.replace("\r\n", "\n")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("verdict") in NEED_WORDS and cleaned.get("text") == "":
            self.add_error("text", _("Say why, or write the note: only agreeing needs no words."))
        return cleaned
