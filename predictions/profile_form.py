"""The form for reference samples: shape only. What they mean is for `profiles` to say."""

from typing import Any, BinaryIO, cast

import numpy as np
from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext_lazy
from numpy.typing import NDArray

from ml_models.manifest import Manifest
from predictions.cohort_choices import problem_of_choice
from predictions.exceptions import PanelRefused, Problem
from predictions.file_fields import (
    choices_of,
    declared,
    former_symbols_field,
    part_field,
    reader_field,
    unit_field,
)
from predictions.intake.detection import ReaderUnclear
from predictions.intake.gene_names import wanted_by
from predictions.intake.opening import open_table, settle_unit
from predictions.intake.tables import PartUnclear, Table
from predictions.profiles import LONGEST_PLATFORM, MOST_SAMPLES, Reference
from predictions.sentences import sentence

LARGEST_FILE = 50_000_000

Floats = NDArray[np.float64]


class ProfileForm(forms.Form):
    """Reference samples of one platform."""

    platform = forms.CharField(
        label=gettext_lazy("Name of the platform"),
        required=False,  # `profiles` says what is missing, together with everything else
        validators=[MaxLengthValidator(LONGEST_PLATFORM)],
        widget=forms.TextInput(attrs={"autocomplete": "off", "required": True}),
        help_text=gettext_lazy(
            "As every sample will name it, such as our-rnaseq. The same name again makes the next version."
        ),
    )
    unit = unit_field(gettext_lazy("As the lab states it; a format that states its own needs none."))
    file = forms.FileField(
        label=gettext_lazy("File of reference samples"),
        required=False,
        allow_empty_file=True,
        widget=forms.ClearableFileInput(attrs={"required": True}),
        help_text=gettext_lazy("Many samples in one file, in any of the formats that are read."),
    )
    accept_former_symbols = former_symbols_field()
    reader = reader_field()
    part = part_field()

    def as_reference(self, manifest: Manifest) -> Reference:
        """The same samples in the terms of `profiles`, with everything that is wrong with them so far.

        Raises
        ------
        PanelRefused
            When the file cannot be read.
        """
        self.full_clean()
        file: UploadedFile[Any] | None = self.files.get("file")
        if file is None:
            raise PanelRefused([_no_file()])
        table = _read(self, file, manifest)
        values, totals, problems = _gather(table)
        unit, contradiction = settle_unit(declared(self, "unit"), table.unit)
        return Reference(
            platform=declared(self, "platform").strip(),
            unit=unit,
            identifiers=table.identifiers,
            values=values,
            accept_former_symbols=self.cleaned_data["accept_former_symbols"],
            problems=(*problems, *contradiction),
            totals=totals,
        )


def _no_file() -> Problem:
    detail = sentence("No file was chosen.")
    return Problem("form_incomplete", detail, sentence("Choose the file of the reference samples."))


def _read(form: ProfileForm, file: "UploadedFile[Any]", manifest: Manifest) -> Table:
    size = file.size or 0
    if size > LARGEST_FILE:
        detail = sentence("The file has {size} bytes; at most {most} are read.", size=size, most=LARGEST_FILE)
        raise PanelRefused([Problem("too_large", detail, sentence("Send the columns of the panel only."))])
    try:
        opened = cast(BinaryIO, file.file)
        return open_table(opened, file.name or "", wanted_by(manifest.genes), choices_of(form))
    except (ReaderUnclear, PartUnclear) as unclear:
        raise PanelRefused([problem_of_choice(unclear)]) from None


def _gather(table: Table) -> tuple[Floats, Floats | None, tuple[Problem, ...]]:
    """Values (samples, identifiers), totals if all are known, and problems.

    Of a file with far too many samples, as many as tell so.
    """
    values, totals, problems, count = [np.empty((0, len(table.identifiers)))], [np.empty(0)], [], 0
    for chunk in table.chunks:
        values.append(chunk.values)
        totals.append(np.full(len(chunk.rows), np.nan) if chunk.totals is None else chunk.totals)
        problems += [problem for found in chunk.problems.values() for problem in found]
        count += len(chunk.sample_ids)
        if count > MOST_SAMPLES:
            break
    known = np.concatenate(totals)
    return np.concatenate(values), None if np.isnan(known).any() else known, tuple(problems)
