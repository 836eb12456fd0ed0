"""A table with a row for each gene and a column for each sample, whatever format it stands in."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

import numpy as np
from numpy.typing import NDArray

from predictions.exceptions import PanelRefused, Problem
from predictions.intake.cells import not_a_number, read_number
from predictions.intake.conversions import may_need_totals
from predictions.intake.findings import (
    MOST_PROBLEMS,
    at_most,
    negative_value,
    no_gene_known,
    too_many_columns,
    too_many_values,
    wrong_width,
)
from predictions.intake.measurements import Step
from predictions.intake.readers.repeats import refuse_repeats
from predictions.intake.readers.totals import has_all, is_gene, known, read_summands
from predictions.intake.tables import CHUNK, OTHERS_NAMED, Chunk, Table, Wanted

MOST_COLUMNS = 75_000
MOST_VALUES = 20_000_000
NEVER_NEGATIVE = {"tpm", "fpkm", "raw_counts"}

Rows = Iterable[tuple[int, list[str]]]


@dataclass(frozen=True)
class Columns:
    """Where identifiers stand (the column that names most genes is taken), and the values of each sample."""

    width: int
    identifiers: tuple[int, ...]
    samples: Mapping[int, str]


@dataclass
class _Kept:
    """The rows that may be of a gene of the panel, and what is wrong with single cells, by sample.

    `sums` (samples,) are those over all `genes`, of the panel or not.
    """

    sums: NDArray[np.float64]
    genes: int = 0
    names: list[list[str]] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    values: list[NDArray[np.float64]] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    others_count: int = 0
    problems: dict[int, list[Problem]] = field(default_factory=dict)
    of_file: list[Problem] = field(default_factory=list)


def read_rows(
    rows: Rows,
    columns: Columns,
    wanted: Wanted,
    *,
    with_comma: bool = False,
    unit: str | None = None,
    declared: str = "",
    steps: Sequence[Step] = (),
) -> Table:
    """Read a table of genes in the unit that its format states, or a person declared.

    The values of wanted genes are all that is held, and the sums over all genes where they may be needed.

    Raises
    ------
    PanelRefused
        When a row has another width than the header, nothing is known, or too much is.
    """
    if len(columns.samples) > MOST_COLUMNS:
        raise PanelRefused([too_many_columns(len(columns.samples), MOST_COLUMNS)])
    kept = _keep(rows, columns, wanted, unit or declared, _reader(unit, with_comma=with_comma))
    if kept.of_file:
        raise PanelRefused(kept.of_file)
    if not kept.rows:
        raise PanelRefused([no_gene_known(kept.others, kept.others_count)])
    chosen = _chosen_column(kept.names, wanted)
    others = [names[chosen] for names in kept.names if not wanted(names[chosen])]
    used = [index for index, names in enumerate(kept.names) if wanted(names[chosen])]
    values = np.array([kept.values[index] for index in used])
    totals = known(kept.sums) if has_all(kept.genes) else None
    return Table(
        identifiers=tuple(kept.names[index][chosen] for index in used),
        chunks=refuse_repeats(_chunks(columns, values, kept.problems, totals)),
        unit=unit,
        others=tuple([*others, *kept.others][:OTHERS_NAMED]),
        others_count=len(others) + kept.others_count,
        steps=tuple(steps),
        places=tuple(kept.rows[index] for index in used),
        has_totals=totals is not None,
    )


def _reader(unit: str | None, *, with_comma: bool) -> Callable[[str], float]:
    def read(cell: str) -> float:
        return read_number(cell, with_comma=with_comma)

    def read_positive(cell: str) -> float:
        return -inf if (value := read(cell)) < 0 else value

    return read_positive if unit in NEVER_NEGATIVE else read


def _keep(rows: Rows, columns: Columns, wanted: Wanted, unit: str, number: Callable[[str], float]) -> _Kept:
    kept, samples = _Kept(np.zeros(len(columns.samples))), list(columns.samples)
    are_added_up = may_need_totals(unit)
    for row, cells in rows:
        if len(cells) != columns.width:
            at_most(kept.of_file, wrong_width(row, cells, columns.width))
            continue
        names = [cells[column] for column in columns.identifiers]
        if are_added_up and is_gene("".join(names)):
            kept.genes += 1
            kept.sums += read_summands([cells[column] for column in samples], number)
        if not any(map(wanted, names)):
            kept.others_count += 1
            kept.others += names[: len(kept.others) < OTHERS_NAMED]
            continue
        if len(kept.rows) * len(samples) > MOST_VALUES:
            raise PanelRefused([too_many_values(MOST_VALUES)])
        values = np.array([number(cells[column]) for column in samples])
        kept.names.append(names)
        kept.rows.append(row)
        kept.values.append(values)
        _note_unreadable(kept, row, cells, columns)
    return kept


def _note_unreadable(kept: _Kept, row: int, cells: list[str], columns: Columns) -> None:
    samples = list(columns.samples.items())
    for index in np.flatnonzero(np.isinf(kept.values[-1])).tolist():
        column, sample = samples[index]
        said = not_a_number if kept.values[-1][index] > 0 else negative_value
        problems = kept.problems.setdefault(index, [])
        problems.append(said(kept.names[-1][0], cells[column], row, sample or str(column + 1)))
    if sum(map(len, kept.problems.values())) > MOST_PROBLEMS:
        raise PanelRefused([problem for problems in kept.problems.values() for problem in problems])


def _chosen_column(names: Sequence[Sequence[str]], wanted: Wanted) -> int:
    return max(range(len(names[0])), key=lambda column: sum(wanted(row[column]) for row in names))


def _chunks(
    columns: Columns,
    values: NDArray[np.float64],
    problems: Mapping[int, list[Problem]],
    totals: NDArray[np.float64] | None,
) -> Iterator[Chunk]:
    names, places = list(columns.samples.values()), list(columns.samples)
    for start in range(0, len(names), CHUNK):
        indices = range(start, min(start + CHUNK, len(names)))
        yield Chunk(
            sample_ids=tuple(names[start : start + CHUNK]),
            ages=(None,) * len(indices),
            rows=tuple(place + 1 for place in places[start : start + CHUNK]),
            values=np.ascontiguousarray(values[:, start : start + CHUNK].T),
            problems={index - start: tuple(problems[index]) for index in indices if index in problems},
            totals=None if totals is None else totals[start : start + CHUNK],
        )
