"""A stored file as samples of a release's panel: the same for whoever takes it and for whoever reads it."""

from typing import Any, BinaryIO

from ml_models.manifest import Manifest
from predictions.intake.cohort_panels import Layout, lay_out
from predictions.intake.gene_names import wanted_by
from predictions.intake.measurements import PanelRequest
from predictions.intake.readers import samples_in_rows
from predictions.intake.tables import Choices, Table

# What of a request is the same for each sample of a file, and kept with the cohort.
SHARED = ("unit", "identifiers", "platform", "accept_former_symbols", "allow_missing_genes")


def options_of(request: PanelRequest) -> dict[str, Any]:
    """What is kept of a request to read it again."""
    return {name: getattr(request, name) for name in SHARED}


def request_of(options: dict[str, Any]) -> PanelRequest:
    """The request of which these options were kept."""
    return PanelRequest(measurements=(), **options)


def open_layout(file: BinaryIO, request: PanelRequest, manifest: Manifest) -> tuple[Table, Layout]:
    """The samples of a file, read on demand, and what they share.

    Raises
    ------
    PanelRefused
        With every problem for which no sample of it could be read.
    """
    table = samples_in_rows.read(file, wanted_by(manifest.genes), Choices())
    return table, lay_out(table, request, manifest)
