"""The expression half of a cohort: genes by samples or samples by genes."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ml_models.text_tables import CohortRefused, Line, as_number, lines_of, repeated, some, uneven
from ml_models.units import LOG_SCALE, LOOKS, detect_unit

Floats = npt.NDArray[np.float64]

FEWEST_GENES = 10
# More would neither fit a manifest nor a request, and nobody types the panel of a whole genome.
MOST_GENES = 500
LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Expression:
    """Values (samples, genes) with the names that stand in the file; NaN where a value is missing."""

    genes: tuple[str, ...]
    samples: tuple[str, ...]
    values: Floats
    orientation: str


@dataclass(frozen=True, slots=True)
class _Table:
    """Cells (rows, columns) as text, their names, and the line of each row."""

    columns: tuple[str, ...]
    rows: tuple[str, ...]
    lines: tuple[int, ...]
    cells: tuple[list[str], ...]


def read_expression(
    path: Path, ids: Sequence[str], wanted: Collection[str] | None, problems: list[str]
) -> Expression:
    """Read the wanted genes (or all) of the samples ``ids``; what is wrong goes to ``problems``.

    Raises
    ------
    CohortRefused
        With ``problems`` too, when there is nothing that could be read as a panel.
    """
    across = _names_across(path, problems)
    by_gene = not set(ids).isdisjoint(across)
    table = _read_table(path, across, wanted, by_gene=by_gene, problems=problems)
    genes, samples = (table.rows, table.columns) if by_gene else (table.columns, table.rows)
    problems += _check_names(path, genes, samples, ids)
    values = _numbers(table, path, problems)
    position = {name: index for index, name in enumerate(samples)}
    known = tuple(name for name in ids if name in position)
    return Expression(
        genes=genes,
        samples=known,
        values=(values.T if by_gene else values)[[position[name] for name in known]],
        orientation="genes by samples" if by_gene else "samples by genes",
    )


def _names_across(path: Path, problems: Sequence[str]) -> list[str]:
    """The names of the columns of values."""
    lines = [cells for _, cells in islice(lines_of(path), 2)]
    if len(lines) < 2:  # noqa: PLR2004 - a header and something below it
        raise CohortRefused([*problems, f"{path.name}: there is no row below the header."])
    header, first = lines
    # R's write.table gives no name to the column of names.
    return header if len(first) == len(header) + 1 else header[1:]


def _read_table(
    path: Path,
    across: Sequence[str],
    wanted: Collection[str] | None,
    *,
    by_gene: bool,
    problems: list[str],
) -> _Table:
    """Keep the wanted genes only, and refuse at once if they are too many: no genome stands in memory."""
    kept = [index for index, name in enumerate(across) if by_gene or wanted is None or name in wanted]
    if not by_gene:
        _require_few(path, len(kept), problems)
    rows: list[Line] = []
    for number, (name, *cells) in islice(lines_of(path), 1, None):
        if by_gene and wanted is not None and name not in wanted:
            continue
        if len(cells) != len(across):
            problems.append(uneven(path, number, len(cells), len(across)))
            continue
        rows.append((number, [name, *(cells[index] for index in kept)]))
        if by_gene:
            _require_few(path, len(rows), problems)
    return _Table(
        columns=tuple(across[index] for index in kept),
        rows=tuple(cells[0] for _, cells in rows),
        lines=tuple(number for number, _ in rows),
        cells=tuple(cells[1:] for _, cells in rows),
    )


def _require_few(path: Path, genes: int, problems: Sequence[str]) -> None:
    if genes > MOST_GENES:
        many = (
            f"{path.name}: more than {MOST_GENES} genes; so many are no panel. Name yours with --genes FILE, "
            "one symbol in each line. Choose them without looking at the outcomes of these patients, or the "
            "evaluation will flatter."
        )
        raise CohortRefused([*problems, many])


def _check_names(
    path: Path, genes: Sequence[str], samples: Sequence[str], ids: Sequence[str]
) -> Iterator[str]:
    for kind, names in (("genes", genes), ("samples", samples)):
        if twice := repeated(names):
            yield (
                f"{path.name}: the {kind} {some(twice)} stand there more than once. Keep each once; which "
                "value is right, or whether their mean is, is not ours to choose."
            )
    if strange := [name for name in genes if not (name and len(name) <= LONGEST_NAME and name.isprintable())]:
        yield (
            f"{path.name}: {len(strange)} names of genes are not 1 to {LONGEST_NAME} printable "
            "characters: "
            f"{some([ascii(name[:LONGEST_NAME]) for name in strange])}. Write HGNC symbols."
        )
    for where, absent in (("clinical", set(samples) - set(ids)), ("expression", set(ids) - set(samples))):
        if absent:
            yield (
                f"{path.name}: {len(absent)} samples are not in the {where} file: {some(sorted(absent))}. "
                "Keep the samples that are in both."
            )


def _numbers(table: _Table, path: Path, problems: list[str]) -> Floats:
    """The cells as numbers (rows, columns), NaN where missing."""
    values = np.full((len(table.rows), len(table.columns)), np.nan)
    wrong = []
    for row, cells in enumerate(table.cells):
        for column, text in enumerate(cells):
            value = as_number(text)
            if value is None:
                wrong.append(f"row {table.lines[row]}, column {table.columns[column]} [{text[:40]}]")
            else:
                values[row, column] = value
    if wrong:
        problems.append(
            f"{path.name}: {len(wrong)} values are not decimal numbers: {some(wrong)}. "
            "Write them like 7.12, with a decimal point, and leave missing ones empty."
        )
    return values


def check_panel(found: Expression, path: Path, genes: Sequence[str] | None) -> Iterator[str]:
    if absent := set(genes or ()) - set(found.genes):
        yield f"{path.name}: {len(absent)} genes of the list are not there: {some(sorted(absent))}."
    if len(found.genes) < FEWEST_GENES:
        yield f"{path.name}: {len(found.genes)} genes; at least {FEWEST_GENES} make a panel."


def check_values(found: Expression, path: Path) -> Iterator[str]:
    missing = np.isnan(found.values)
    if missing.any():
        genes = [f"{found.genes[at]} ({missing[:, at].sum()})" for at in np.flatnonzero(missing.any(axis=0))]
        samples = [found.samples[at] for at in np.flatnonzero(missing.any(axis=1))]
        yield (
            f"{path.name}: {missing.sum()} values are missing or unreadable, of the genes {some(genes)} in "
            f"the samples {some(samples)}. Training needs all: leave genes or samples out, or fill them in."
        )
        return
    if constant := [found.genes[at] for at in np.flatnonzero(np.ptp(found.values, axis=0) == 0)]:
        yield f"{path.name}: the same value in every sample: {some(constant)}. Leave these genes out."
    looks = [(name, detect_unit(row.tolist())) for name, row in zip(found.samples, found.values, strict=True)]
    wrong = [(name, look) for name, look in looks if look.code != LOG_SCALE]
    if wrong:
        name, look = wrong[0]
        yield (
            f"{path.name}: {len(wrong)} of {len(looks)} samples are not on a logarithmic scale. {name} looks "
            f"like {LOOKS[look.code]}: {look.evidence}. "
            "Give log2 values of one channel, such as log2(TPM + 1)."
        )
