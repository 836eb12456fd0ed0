"""An external validation in words and as a drawing."""

from collections.abc import Iterator

from ml_models.manifest import CalibrationPoint, Estimate
from ml_models.validation import Part, Validation

FIGURES = {
    "c_index_harrell": "C (Harrell)",
    "c_index_uno": "C (Uno)",
    "auc_5y": "AUC at 5 years",
    "auc_10y": "AUC at 10 years",
    "brier_5y": "Brier score at 5 years",
    "brier_5y_kaplan_meier": "the same of Kaplan-Meier",
    "brier_gain_5y": "gain over Kaplan-Meier at 5 years",
    "brier_10y": "Brier score at 10 years",
    "brier_10y_kaplan_meier": "the same of Kaplan-Meier",
    "brier_gain_10y": "gain over Kaplan-Meier at 10 years",
    "ibs": "integrated Brier score",
    "ibs_kaplan_meier": "the same of Kaplan-Meier",
    "ibs_gain": "gain over Kaplan-Meier",
    "calibration_slope": "calibration slope (1 is right)",
    "calibration_intercept_5y": "calibration intercept to 5 years (0 is right)",
    "calibration_intercept_10y": "calibration intercept to 10 years",
    "observed_expected_5y": "observed over expected at 5 years (1 is right)",
    "observed_expected_10y": "observed over expected at 10 years",
}
REASONS = {
    "too_few_genes": "too few genes of the panel",
    "unit_contradicted": "the values contradict the unit",
    "wrong_values": "the values do not follow the training cohort",
    "other_platform": "looks like another platform",
    "wrong_scale": "not on the scale of the training cohort",
}
SIDE = 400
EDGE = 60


def as_markdown(found: Validation) -> str:
    """Return the report."""
    return "\n".join([*_head(found), "", *_table(found), "", *_subgroups(found), *_remarks(found), ""])


def _head(found: Validation) -> Iterator[str]:
    missing = f"; missing: {', '.join(found.genes_missing)}" if found.genes_missing else ""
    yield f"# {found.name} {found.version} on {found.cohort}"
    yield ""
    yield (
        f"{found.patients} patients, {found.distant_metastases} events, median follow-up "
        f"{found.median_follow_up_years:.1f} years (reverse Kaplan-Meier). "
        f"{found.genes - len(found.genes_missing)} of {found.genes} genes were measured{missing}. "
        f"Release {found.sha256[:12]}; intervals: 95 %, {found.bootstraps} bootstraps of patients."
    )
    yield ""
    refused = sum(found.refused.values())
    reasons = "; ".join(f"{REASONS[code]}: {count}" for code, count in found.refused.items())
    because = f" ({reasons})" if reasons else ""
    yield f"The product would refuse {refused} of {found.patients} samples{because}."


def _table(found: Validation) -> Iterator[str]:
    columns = [("All patients", found.everyone), ("Whom the product would answer", found.answered)]
    parts = [part for _, part in columns]
    yield "| | " + " | ".join(heading for heading, _ in columns) + " |"
    yield "|---|---|---|"
    yield "| patients (events) | " + " | ".join(_size(part) for part in parts) + " |"
    for name, words in FIGURES.items():
        if any(part and name in part.figures for part in parts):
            cells = [_shown(part.figures.get(name) if part else None) for part in parts]
            yield f"| {words} | {' | '.join(cells)} |"


def _size(part: Part | None) -> str:
    return f"{part.patients} ({part.distant_metastases})" if part else "too few for any figure"


def _shown(figure: Estimate | None) -> str:
    return "-" if figure is None else f"{figure.value:.3f} ({figure.lower:.3f} to {figure.upper:.3f})"


def _subgroups(found: Validation) -> Iterator[str]:
    part = found.answered or found.everyone
    if part and part.subgroups:
        whom = "those answered" if found.answered else "all patients"
        yield f"| part of {whom} | patients (events) | C (Harrell) | observed over expected at 5 years |"
        yield "|---|---|---|---|"
        for group in part.subgroups:
            figures = f"{_shown(group.c_index_harrell)} | {_shown(group.observed_expected_5y)}"
            yield f"| {group.name} | {group.patients} ({group.distant_metastases}) | {figures} |"
        yield ""


def _remarks(found: Validation) -> Iterator[str]:
    if found.profiled:
        yield (
            "- The values were mapped to the training scale gene by gene: the cohort's median and "
            "interquartile range over 1.349 became the training mean and standard deviation. No outcome "
            "was used; the whole cohort was. A single sample cannot be mapped so."
        )
    part = found.everyone
    if part and part.years < 10:  # noqa: PLR2004 - the last year of the product
        absent = "5 and 10 years" if part.years < 5 else "10 years"  # noqa: PLR2004
        yield f"- Fewer than ten were followed beyond {part.years} years: there are no figures at {absent}."
    yield "- Kaplan-Meier is that of this cohort and so knows its outcomes: a gain over it is hard to get."
    yield from (f"- {note}" for note in found.notes)


def calibration_svg(found: Validation) -> str | None:
    """Return the calibration at 5 years as an SVG image with a text alternative; None without figures."""
    part = found.answered or found.everyone
    if part is None or not part.calibration_5y:
        return None
    title = f"Calibration of {found.name} {found.version} on {found.cohort} at 5 years"
    described = "; ".join(
        f"predicted {100 * point.predicted:.0f} %, observed {100 * point.observed.value:.0f} % "
        f"({100 * point.observed.lower:.0f} to {100 * point.observed.upper:.0f})"
        for point in part.calibration_5y
    )
    size = SIDE + 2 * EDGE
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" role="img" '
            'aria-labelledby="title desc" font-family="sans-serif" font-size="14">',
            f'<title id="title">{_escaped(title)}</title>',
            f'<desc id="desc">Five groups of like risk, lowest first: {described}.</desc>',
            f'<rect width="{size}" height="{size}" fill="#fff"/>',
            *_axes(),
            *(mark for point in part.calibration_5y for mark in _marks(point)),
            "</svg>",
            "",
        ]
    )


def _axes() -> Iterator[str]:
    low, high = EDGE, EDGE + SIDE
    yield f'<path d="M{low} {low}V{high}H{high}" fill="none" stroke="#333"/>'
    yield f'<path d="M{low} {high}L{high} {low}" stroke="#666" stroke-dasharray="6 4"/>'
    for tenths in range(0, 11, 2):
        at = tenths / 10
        yield f'<text x="{_x(at):.0f}" y="{high + 20}" text-anchor="middle">{10 * tenths}</text>'
        yield f'<text x="{low - 8}" y="{_y(at) + 5:.0f}" text-anchor="end">{10 * tenths}</text>'
    middle = EDGE + SIDE / 2
    yield f'<text x="{middle:.0f}" y="{high + 45}" text-anchor="middle">Predicted risk at 5 years, %</text>'
    turned = f'transform="translate(18 {middle:.0f}) rotate(-90)" text-anchor="middle"'
    yield f"<text {turned}>Observed with 95 % interval, %</text>"


def _marks(point: CalibrationPoint) -> Iterator[str]:
    x, observed = _x(point.predicted), point.observed
    interval = f"M{x:.1f} {_y(observed.lower):.1f}V{_y(observed.upper):.1f}"
    yield f'<path d="{interval}" stroke="#004488" stroke-width="2"/>'
    yield f'<circle cx="{x:.1f}" cy="{_y(observed.value):.1f}" r="5" fill="#004488"/>'


def _x(share: float) -> float:
    return EDGE + SIDE * share


def _y(share: float) -> float:
    return EDGE + SIDE * (1 - share)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
