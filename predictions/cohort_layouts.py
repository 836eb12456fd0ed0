"""A stored file as samples of a release's panel: the same for whoever takes it and for whoever reads it."""

from dataclasses import asdict, replace
from typing import Any, BinaryIO

from ml_models.manifest import Manifest
from predictions.cohort_inputs import Stored
from predictions.exceptions import PanelRefused
from predictions.intake.cohort_panels import Layout, lay_out
from predictions.intake.gene_names import wanted_by
from predictions.intake.measurements import PanelRequest
from predictions.intake.opening import open_table, settle_unit
from predictions.intake.tables import Choices, Table

# What of a request is the same for each sample of a file, and kept with the cohort.
SHARED = ("unit", "identifiers", "platform", "accept_former_symbols", "allow_missing_genes")


def options_of(request: PanelRequest, choices: Choices) -> dict[str, Any]:
    """What is kept of a request to read it again."""
    return {name: getattr(request, name) for name in SHARED} | asdict(choices)


def request_of(options: dict[str, Any]) -> tuple[PanelRequest, Choices]:
    """The request of which these options were kept."""
    shared = {name: options[name] for name in SHARED}
    return PanelRequest(measurements=(), **shared), Choices(options["part"], options["reader"])


def open_layout(
    stored: Stored, request: PanelRequest, choices: Choices, manifest: Manifest
) -> tuple[BinaryIO, Table, Layout]:
    """A stored file, its samples, which are read on demand, and what they share.

    Raises
    ------
    PanelRefused
        With every problem for which no sample of it could be read.
    ReaderUnclear, PartUnclear
        When it has to be chosen first how it is read.
    """
    file = stored.open()
    table = open_table(file, stored.name, wanted_by(manifest.genes), choices)
    unit, problems = settle_unit(request.unit, table.unit)
    if problems:
        raise PanelRefused(problems)
    return file, table, lay_out(table, replace(request, unit=unit), manifest)
