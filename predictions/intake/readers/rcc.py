"""NanoString RCC: one lane a file, or several in a zip. Counts, normalised by the controls of the lane.

nSolver scales a lane by the mean of its cartridge; here each lane is scaled to fixed numbers, so that
nobody's answer depends on who else is in the file. In log2 that is a shift, which a profile of the platform
learns.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import log2
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from predictions.exceptions import PanelRefused, Problem
from predictions.intake.archives import ZIP, is_rcc, members_of, open_member, open_zip
from predictions.intake.cells import not_a_number, read_number, split_line
from predictions.intake.findings import cut_off, negative_value, not_this_format
from predictions.intake.measurements import Step
from predictions.intake.readers.repeats import refuse_repeats
from predictions.intake.tables import CHUNK, OTHERS_NAMED, Choices, Chunk, Head, Table, Wanted
from predictions.intake.text_files import open_text
from predictions.sentences import Sentence, marked, sentence

CODE = "rcc"
NAME = sentence("NanoString RCC")
SHAPE = sentence(
    "Header, Sample_Attributes, Lane_Attributes and Code_Summary of one lane, or a zip of such files."
)
UNIT = sentence("Raw counts, which are normalised by the controls of the lane, in log2.")
ASKED = sentence("Nothing.")
SAMPLE = "lane.RCC"

MOST_LANES = 1_000
LARGEST_LANE = 1_000_000
COLUMNS = ["CodeClass", "Name", "Accession", "Count"]
FIXED_MEAN = 1_000.0
# Limits of NanoString's guide to quality control.
LOWEST_FOV_RATIO, LOWEST_DENSITY, HIGHEST_DENSITY, LOWEST_R2 = 0.75, 0.1, 2.25, 0.95
# POS_F lies below the limit of detection by design.
LOWEST_CONCENTRATION = 0.5
CONCENTRATION = re.compile(r"POS_[A-Z]\((\d+(?:\.\d+)?)\)", re.ASCII)
LEAST_CONTROLS = 3

FIELDS_OF_VIEW = marked(
    "Imaging quality: {share} of the fields of view were counted; more than 0.75 is expected."
)
DENSITY = marked("Binding density: {density}; 0.1 to 2.25 is expected.")
LINEARITY = marked("Linearity of the positive controls: R² is {r2}; at least 0.95 is expected.")
LIMIT = marked("Limit of detection: {limit} counts (mean of the negatives and two standard deviations).")
SCALED = marked(
    "Counts were multiplied by {positive} for the positive controls and {genes} for housekeeping genes."
)


@dataclass
class _Lane:
    """One file: what it says of the sample and the lane, and counts by class and name."""

    attributes: dict[str, str] = field(default_factory=dict)
    counts: dict[str, dict[str, float]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def sniff(head: Head, wanted: Wanted) -> tuple[Sentence, ...]:  # noqa: ARG001 - the first line is enough
    """The section with which a lane begins, or a zip of such files."""
    if head.lines and head.lines[0].strip() == "<Header>":
        return (sentence("The first line is <Header>."),)
    if (
        head.data.startswith(ZIP)
        and re.search(rb"\.rcc", head.data, re.IGNORECASE)
        and b"xl/" not in head.data
    ):
        return (sentence("It is a zip file of .RCC files."),)
    return ()


def read(file: BinaryIO, wanted: Wanted, choices: Choices) -> Table:  # noqa: ARG001 - nothing to choose
    """Read the lanes. Raises PanelRefused."""
    lanes = [_read_lane(opened) for opened in _files(file)]
    names = list(dict.fromkeys(name for lane in lanes for name in lane.counts.get("Endogenous", ())))
    names += [name for name in _housekeeping(lanes) if name not in names]
    used = [name for name in names if wanted(name)]
    others = [name for name in names if not wanted(name)]
    return Table(
        identifiers=tuple(used),
        chunks=refuse_repeats(_chunks(lanes, used)),
        unit="log2_count",
        others=tuple(others[:OTHERS_NAMED]),
        others_count=len(others),
    )


def _housekeeping(lanes: list[_Lane]) -> list[str]:
    return list(dict.fromkeys(name for lane in lanes for name in lane.counts.get("Housekeeping", ())))


def _files(file: BinaryIO) -> Iterator[BinaryIO]:
    file.seek(0)
    if file.read(len(ZIP)) != ZIP:
        yield file
        return
    archive = open_zip(file)
    members = [info for info in members_of(archive) if is_rcc(info.filename)]
    if not 0 < len(members) <= MOST_LANES:
        raise PanelRefused([not_this_format(sentence("1 to {most} .RCC files", most=MOST_LANES))])
    for info in members:
        yield open_member(archive, info, LARGEST_LANE)


def _read_lane(file: BinaryIO) -> _Lane:
    lane, section, is_closed = _Lane(), "", False
    for row, line in open_text(file).lines():
        if tag := re.fullmatch(r"<(/?)(\w+)>", line.strip()):
            section = "" if tag[1] else tag[2]
            is_closed |= line.strip() == "</Code_Summary>"
        elif section == "Code_Summary":
            _read_code(lane, row, split_line(line, ","))
        elif section in {"Sample_Attributes", "Lane_Attributes"}:
            key, _, value = line.partition(",")
            lane.attributes[f"{section}/{key}"] = value.strip()
    if not lane.counts:
        raise PanelRefused([not_this_format("Code_Summary, with CodeClass, Name, Accession, Count")])
    if not is_closed:
        raise PanelRefused([cut_off("</Code_Summary>")])
    return lane


def _read_code(lane: _Lane, row: int, cells: list[str]) -> None:
    if cells == COLUMNS:
        return
    code, name, _, count = (*cells, "", "", "", "")[: len(COLUMNS)]
    value = read_number(count)
    if not np.isfinite(value):
        lane.problems.append(not_a_number(name, count, row, "Count"))
    elif value < 0:
        lane.problems.append(negative_value(name, count, row, "Count"))
    else:
        lane.counts.setdefault(code, {})[name] = value


def _chunks(lanes: list[_Lane], names: list[str]) -> Iterator[Chunk]:
    for start in range(0, len(lanes), CHUNK):
        some_lanes = lanes[start : start + CHUNK]
        read = [_normalise(lane, names) for lane in some_lanes]
        yield Chunk(
            sample_ids=tuple(lane.attributes.get("Sample_Attributes/ID", "") for lane in some_lanes),
            ages=(None,) * len(some_lanes),
            rows=tuple(range(start + 1, start + 1 + len(some_lanes))),
            values=np.array([values for values, _, _ in read]).reshape(len(some_lanes), len(names)),
            problems={index: problems for index, (_, problems, _) in enumerate(read) if problems},
            steps={index: steps for index, (_, _, steps) in enumerate(read)},
        )


def _normalise(lane: _Lane, names: list[str]) -> tuple[list[float], tuple[Problem, ...], tuple[Step, ...]]:
    """Log2 of the counts, scaled by the geometric means of positive controls and housekeeping genes."""
    counts = {name: count for of_class in lane.counts.values() for name, count in of_class.items()}
    positives = [count for name, count in lane.counts.get("Positive", {}).items() if _concentration(name)]
    housekeeping = list(lane.counts.get("Housekeeping", {}).values())
    if lane.problems or not _may_scale(positives) or not _may_scale(housekeeping):
        problems = lane.problems or [_no_controls()]
        return [np.nan] * len(names), tuple(problems), ()
    positive = FIXED_MEAN / _geometric_mean(positives)
    genes = FIXED_MEAN / (positive * _geometric_mean(housekeeping))
    values = [log2(max(1.0, counts[name] * positive * genes)) if name in counts else np.nan for name in names]
    scaled = sentence(SCALED, positive=f"{positive:.4g}", genes=f"{genes:.4g}")
    return values, (), (*_quality(lane), Step("counts_normalised", scaled))


def _quality(lane: _Lane) -> Iterator[Step]:
    """What NanoString's own control of quality would flag."""
    fields, counted, density = (
        read_number(lane.attributes.get(f"Lane_Attributes/{key}", ""))
        for key in ("FovCount", "FovCounted", "BindingDensity")
    )
    if fields > 0 and counted / fields <= LOWEST_FOV_RATIO:
        yield Step("nanostring_imaging", sentence(FIELDS_OF_VIEW, share=f"{counted / fields:.2f}"))
    if not np.isnan(density) and not LOWEST_DENSITY <= density <= HIGHEST_DENSITY:
        yield Step("nanostring_density", sentence(DENSITY, density=f"{density:.2f}"))
    if (r2 := _linearity(lane.counts["Positive"])) < LOWEST_R2:
        yield Step("nanostring_linearity", sentence(LINEARITY, r2=f"{r2:.3f}"))
    negatives = np.array([*lane.counts.get("Negative", {}).values()])
    if negatives.size > 1:
        limit = negatives.mean() + 2 * negatives.std(ddof=1)
        yield Step("nanostring_limit", sentence(LIMIT, limit=f"{limit:.1f}"))


def _linearity(positives: Mapping[str, float]) -> float:
    points = [(_concentration(name), count) for name, count in positives.items()]
    measured = np.array(
        [
            (log2(concentration), log2(max(1.0, count)))
            for concentration, count in points
            if concentration >= LOWEST_CONCENTRATION
        ]
    )
    if len(measured) < LEAST_CONTROLS or not measured.std(axis=0).all():
        return 0.0
    return float(np.corrcoef(measured.T)[0, 1] ** 2)


def _concentration(name: str) -> float:
    """In fM, as its name says; 0 where it says nothing."""
    found = CONCENTRATION.fullmatch(name)
    return float(found[1]) if found else 0.0


def _may_scale(counts: list[float]) -> bool:
    return len(counts) >= LEAST_CONTROLS and min(counts) > 0


def _geometric_mean(counts: list[float]) -> float:
    logs: NDArray[np.float64] = np.log(counts)
    return float(np.exp(logs.mean()))


def _no_controls() -> Problem:
    return Problem(
        "controls_missing",
        sentence(
            "There are not {least} positive controls and {least} housekeeping genes with counts above 0.",
            least=LEAST_CONTROLS,
        ),
        sentence("Ask the lab whether the lane failed; without controls its counts cannot be normalised."),
    )
