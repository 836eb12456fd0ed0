"""A stored file as samples of a release's panel: the same for whoever takes it and for whoever reads it."""

from dataclasses import asdict, replace
from typing import Any, BinaryIO

from ml_models.manifest import Manifest
from predictions import profiles
from predictions.cohort_inputs import Stored
from predictions.exceptions import PanelRefused
from predictions.intake.cohort_panels import Layout, lay_out
from predictions.intake.gene_names import wanted_by
from predictions.intake.measurements import PanelRequest
from predictions.intake.opening import open_table, settle_unit
from predictions.intake.scales import Profile
from predictions.intake.tables import Choices, Table
from predictions.profile_records import PlatformProfile

# What of a request is the same for each sample of a file, and kept with the cohort.
SHARED = ("unit", "identifiers", "platform", "accept_former_symbols", "allow_missing_genes")


def options_of(request: PanelRequest, choices: Choices, profile: Profile | None) -> dict[str, Any]:
    """What is kept of a request to read it again, with the profile that maps its samples, if one does."""
    shared = {name: getattr(request, name) for name in SHARED}
    return {**asdict(choices), **shared, "profile": profile and profile.id}


def open_layout(
    stored: Stored, options: dict[str, Any], manifest: Manifest
) -> tuple[BinaryIO, Table, Layout]:
    """A stored file, its samples, which are read on demand, and what they share.

    Raises
    ------
    PanelRefused
        With every problem for which no sample of it could be read.
    ReaderUnclear, PartUnclear
        When it has to be chosen first how it is read.
    ReleaseUnavailable
        When the profile is not what was put on record.
    """
    request = PanelRequest(measurements=(), **{name: options[name] for name in SHARED})
    file, choices = stored.open(), Choices(options["part"], options["reader"], request.unit)
    table = open_table(file, stored.name, wanted_by(manifest.genes), choices)
    unit, problems = settle_unit(request.unit, table.unit)
    if problems:
        raise PanelRefused(problems)
    layout = lay_out(table, replace(request, unit=unit), manifest, _profile(options))
    return file, table, layout


def _profile(options: dict[str, Any]) -> Profile | None:
    if not options["profile"]:
        return None
    return profiles.as_profile(PlatformProfile.objects.get(id=options["profile"]))
