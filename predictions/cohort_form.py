"""The forms for files of many samples: shape only. What they mean is for `cohorts` to say."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from predictions.exceptions import PanelRefused, Problem
from predictions.file_fields import (
    PlatformForm,
    declared,
    former_symbols_field,
    part_field,
    reader_field,
    unit_field,
)
from predictions.intake.measurements import PanelRequest
from predictions.sentences import sentence


class SharedForm(PlatformForm):
    """What all samples of a file share."""

    unit = unit_field()
    accept_former_symbols = former_symbols_field()

    def as_request(self) -> PanelRequest:
        """The request that all samples share; what is missing in it is said with everything else."""
        self.full_clean()
        return PanelRequest(
            measurements=(),
            unit=declared(self, "unit"),
            platform=declared(self, "platform") or None,
            accept_former_symbols=self.cleaned_data["accept_former_symbols"],
        )


class CohortForm(SharedForm):
    """A file of many samples."""

    file = forms.FileField(
        label=gettext_lazy("File of many samples"),
        required=False,
        allow_empty_file=True,
        help_text=gettext_lazy(
            "A table of samples and genes in any of the formats that are read, packed or not."
        ),
    )
    reader = reader_field()
    part = part_field()

    def as_file(self) -> Any:
        """The file as it was sent. Raises PanelRefused when there is none."""
        if file := self.files.get("file"):
            return file
        words = sentence("No file was chosen."), sentence("Choose the file of the samples.")
        raise PanelRefused([Problem("form_incomplete", *words)])
