"""A panel that a release can read: every check passed, every transformation on record."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml_models.manifest import Manifest
from ml_models.units import detect_unit
from predictions.exceptions import PanelRefused, Problem
from predictions.intake.conversions import problem_of_scale, way
from predictions.intake.gene_names import names_of
from predictions.intake.identifiers import (
    KINDS,
    Identified,
    Matched,
    identify,
    match,
    name_damaged,
    name_others,
)
from predictions.intake.measurements import PanelRequest, Step
from predictions.intake.scales import Profile, Scaled, scale_steps, to_scale, unit_read
from predictions.intake.units import check_unit
from predictions.sentences import Sentence, sentence

YOUNGEST, OLDEST = 18, 110
LONGEST_REFERENCE = 100
AGE_POINTER = "/case/age_years"
UNIT_POINTER = "/expression/unit"
VALUES_POINTER = "/expression/values"


@dataclass(frozen=True)
class Panel:
    """The values of one sample in the gene order of a release, and how they came about.

    `values` maps each HGNC symbol of the panel to its value on the release's scale, None where it was not
    measured; `measured` to its value as declared, where that is another. `total` is the sum over all genes of
    the sample as declared, where it is known and values were converted. Two panels with the same `sha256` get
    the same bits from the same release.
    """

    values: dict[str, float | None]
    age_years: int | None
    unit_declared: str
    unit_detected: str
    identifiers: str
    former_symbols: dict[str, str]
    not_in_panel: tuple[str, ...]
    steps: tuple[Step, ...]
    measured: dict[str, float | None] | None = None
    profile: Profile | None = None
    total: float | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """The symbols of the genes that were not measured."""
        return tuple(symbol for symbol, value in self.values.items() if value is None)

    @property
    def vector(self) -> NDArray[np.float64]:
        """The values, shape (genes,), NaN where a gene was not measured."""
        return np.array(
            [np.nan if value is None else value for value in self.values.values()], dtype=np.float64
        )

    @property
    def facts(self) -> dict[str, Any]:
        """What a prediction keeps of it; the age is the case's."""
        return {
            "values": self.values,
            "unit_declared": self.unit_declared,
            "unit_detected": self.unit_detected,
            "identifiers": self.identifiers,
            "former_symbols": self.former_symbols,
            "not_in_panel": list(self.not_in_panel),
            "steps": [{"code": step.code, "detail": str(step.detail)} for step in self.steps],
            "measured": self.measured,
            "profile": self.profile and self.profile.facts,
            "total": self.total,
        }

    @property
    def sha256(self) -> str:
        """The SHA-256 of what is scored: unit, values and age in canonical JSON."""
        scored: dict[str, Any] = {
            "unit": self.unit_declared,
            "values": self.values,
            "age_years": self.age_years,
        }
        return sha256(json.dumps(scored, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def build_panel(
    request: PanelRequest,
    manifest: Manifest,
    profile: Profile | None = None,
    matched: Matched | None = None,
) -> Panel:
    """Check a request against the panel of a release, and bring it to the release's scale.

    `profile` is that of the platform which the request names. `matched` is what its identifiers stand for,
    where that was found already for all samples of a file.

    Raises
    ------
    PanelRefused
        With every problem that was found.
    """
    found = identify(request.measurements, matched or _match(request, manifest))
    measured = np.array([[found.values.get(symbol) for symbol in manifest.symbols]], dtype=np.float64)
    look = detect_unit(list(found.values.values())) if found.values else None
    totals = None if request.total is None else np.array([request.total])
    required, has_totals = unit_read(manifest, profile), totals is not None
    wrong_unit = check_unit(request.unit, look, required, UNIT_POINTER, has_totals=has_totals)
    scaled = None if wrong_unit else to_scale(measured, request.unit, manifest, profile, totals)
    problems = [
        *request.problems,
        *_check_header(request, manifest),
        *found.matched.problems,
        *wrong_unit,
        *_check_scale(request, manifest, profile, scaled),
        *_check_identity(request, manifest, profile),
        *_check_coverage(request, found, manifest, profile),
    ]
    if problems or look is None or scaled is None:
        raise PanelRefused(problems)
    steps = scale_steps(request.unit, manifest, profile, request.total)
    return Panel(
        values=_by_symbol(scaled.values, manifest),
        age_years=request.age_years,
        unit_declared=request.unit,
        unit_detected=look.code,
        identifiers=found.matched.kind,
        former_symbols=found.matched.former,
        not_in_panel=tuple(found.matched.not_in_panel),
        steps=(*request.steps, *found.steps, *steps),
        measured=_by_symbol(measured, manifest) if steps else None,
        profile=profile,
        total=request.total if steps else None,
    )


def _by_symbol(values: NDArray[np.float64], manifest: Manifest) -> dict[str, float | None]:
    row = values[0].tolist()
    return {
        symbol: None if isnan(value) else value for symbol, value in zip(manifest.symbols, row, strict=True)
    }


def is_reference(text: str) -> bool:
    """Whether a text may stand for a case or a sample."""
    return len(text) <= LONGEST_REFERENCE and text.isprintable()


def _match(request: PanelRequest, manifest: Manifest) -> Matched:
    if request.identifiers is not None and request.identifiers not in KINDS:
        problem = Problem(
            "identifiers_unknown",
            sentence(
                "'{kind}' is not a kind of identifier that is known here.", kind=request.identifiers[:40]
            ),
            sentence("Use one of: {choices}.", choices=", ".join(KINDS)),
            pointer="/expression/identifiers",
            value=request.identifiers[:40],
        )
        raise PanelRefused([problem])
    accept = request.accept_former_symbols
    return match(request.measurements, manifest.genes, request.identifiers, accept_former=accept)


def _check_header(request: PanelRequest, manifest: Manifest) -> Iterator[Problem]:
    """A first row without a number is a header, unless it names a gene of the panel."""
    if request.header and names_of(manifest.genes).names(request.header.identifier):
        yield Problem(
            "not_a_number",
            sentence("The value of {gene} is not a finite decimal number.", gene=request.header.identifier),
            sentence("Write it like 7.12, or leave it empty (or NA) if the gene was not measured."),
            row=request.header.row,
        )


def _check_scale(
    request: PanelRequest, manifest: Manifest, profile: Profile | None, scaled: Scaled | None
) -> Iterator[Problem]:
    if scaled is not None and scaled.impossible.any():
        symbols = [manifest.symbols[index] for index in np.flatnonzero(scaled.impossible[0])]
        has_totals = request.total is not None
        steps = way(request.unit, unit_read(manifest, profile), has_totals=has_totals) or ()
        yield problem_of_scale(symbols, steps, VALUES_POINTER)


def _check_identity(request: PanelRequest, manifest: Manifest, profile: Profile | None) -> Iterator[Problem]:
    age = request.age_years
    if age is not None and not YOUNGEST <= age <= OLDEST:
        yield Problem(
            "age_out_of_range",
            sentence(
                "The age is given in whole years, {youngest} to {oldest}.", youngest=YOUNGEST, oldest=OLDEST
            ),
            sentence("Correct the age, or leave it out: the risk is then read without it."),
            AGE_POINTER,
            value=str(age)[:20],
        )
    if request.platform and request.platform != (profile.platform if profile else manifest.platform):
        yield Problem(
            "platform_not_supported",
            sentence(
                "The model learned from {platform}; this sample is declared as another platform.",
                platform=manifest.platform,
            ),
            sentence("Values of another platform need a profile of that platform."),
            "/sample/platform",
            value=request.platform[:40],
        )
    for text, pointer in ((request.case_reference, "/case/reference"), (request.sample_id, "/sample/id")):
        if not is_reference(text):
            yield Problem(
                "reference_unreadable",
                sentence("A reference has at most {most} printable characters.", most=LONGEST_REFERENCE),
                sentence("Use the reference that your own system knows, without line breaks."),
                pointer,
                value=ascii(text)[1:-1][:80],
            )


def _mend_of_missing(found: Identified, missing: list[str], manifest: Manifest) -> Sentence:
    """What to do, and what stands there in place of the genes that are missing."""
    others = found.matched.not_in_panel
    if not others:
        return sentence("Check the identifiers, or ask the lab for the whole panel.")
    named = name_others(others, missing, manifest.genes)
    if damaged := name_damaged(others, found.matched.kind):
        return sentence(
            "Check the identifiers, or ask the lab for the whole panel. Not of the panel: {others}. "
            "Damaged by a spreadsheet: {damaged}.",
            others=named,
            damaged=damaged,
        )
    return sentence(
        "Check the identifiers, or ask the lab for the whole panel. Not of the panel: {others}.", others=named
    )


def _check_coverage(
    request: PanelRequest, found: Identified, manifest: Manifest, profile: Profile | None
) -> Iterator[Problem]:
    symbols = manifest.symbols
    read = found.values.keys() & profile.genes.keys() if profile else found.values.keys()
    missing = [symbol for symbol in symbols if symbol not in read | found.unsettled]
    share = 1 - len(missing) / len(symbols)
    if share < manifest.missing.refuse_below:
        yield Problem(
            "too_few_genes",
            sentence(
                "{measured} of the {total} genes of the panel were measured; at least {needed} % are needed. "
                "Missing: {missing}.",
                measured=len(symbols) - len(missing),
                total=len(symbols),
                needed=round(100 * manifest.missing.refuse_below),
                missing=", ".join(missing),
            ),
            _mend_of_missing(found, missing, manifest),
            VALUES_POINTER,
        )
    elif missing and not request.allow_missing_genes:
        yield Problem(
            "genes_missing",
            sentence("Not measured: {missing}.", missing=", ".join(missing)),
            sentence("Send the whole panel, or allow missing genes."),
            VALUES_POINTER,
        )
