"""A cohort in two text files of one's own: read whole, or refused with everything that is wrong with it.

Expression: genes by samples or samples by genes, HGNC symbols, on a log2 scale. Clinical: a row for each
sample with the columns ``sample_id``, ``event``, one of ``time_days``, ``time_months`` and ``time_years``,
and perhaps ``age`` and ``er``. Both are CSV or TSV in UTF-8. docs/training.md has examples.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ml_models.clinical_file import Clinical, check_ages, check_enough, check_size, read_clinical
from ml_models.cohorts import PanelGene, Provenance, TrainingData
from ml_models.expression_file import Expression, check_panel, check_values, read_expression
from ml_models.manifest import Gene
from ml_models.text_tables import CohortRefused, repeated, some
from ml_models.validation import ExternalCohort

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OwnCohort:
    """A cohort to train on, and in words how its files were read."""

    data: TrainingData
    notes: tuple[str, ...]


def read_cohort(
    expression: Path, clinical: Path, provenance: Provenance, genes: Sequence[str] | None = None
) -> OwnCohort:
    """Read a cohort to train on.

    Parameters
    ----------
    genes : sequence of str, optional
        Symbols of the panel, where the file holds more.

    Raises
    ------
    CohortRefused
    """
    problems: list[str] = []
    patients = read_clinical(clinical, problems)
    problems += check_enough(patients.outcomes, clinical)
    problems += check_ages(patients, clinical)
    found = read_expression(expression, patients.ids, genes, problems)
    problems += check_panel(found, expression, genes)
    problems += check_values(found, expression)
    if problems:
        raise CohortRefused(problems)
    order = np.argsort(np.array(found.genes))
    data = TrainingData(
        values=np.ascontiguousarray(found.values[:, order]),
        age=patients.age,
        outcomes=patients.outcomes,
        panel=tuple(PanelGene(found.genes[index]) for index in order),
        subgroups=patients.subgroups,
        provenance=provenance,
    )
    return OwnCohort(data, tuple(_notes(patients, found)))


def read_external(expression: Path, clinical: Path, panel: Sequence[Gene], name: str) -> ExternalCohort:
    """Read a cohort to try a release on: of the expression only the panel, under present or former symbols.

    Raises
    ------
    CohortRefused
    """
    problems: list[str] = []
    patients = read_clinical(clinical, problems)
    problems += check_size(patients.outcomes, clinical)
    wanted = {name for gene in panel for name in (gene.symbol, *gene.former_symbols)}
    found = read_expression(expression, patients.ids, wanted, problems)
    if problems:
        raise CohortRefused(problems)
    named = [_named_in_file(gene, found.genes) for gene in panel]
    notes = (*_notes(patients, found), *_renamed(panel, named))
    return ExternalCohort(
        name, _arranged(found, named), patients.age, patients.outcomes, patients.subgroups, notes
    )


def read_symbols(path: Path) -> tuple[str, ...]:
    """Read the symbols of a panel, one in each line.

    Raises
    ------
    CohortRefused
        When one stands there twice.
    """
    symbols = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    if twice := repeated(symbols):
        raise CohortRefused([f"{path.name}: {some(twice)} stand there more than once. Keep each gene once."])
    return tuple(symbols)


def _named_in_file(gene: Gene, names: Sequence[str]) -> str | None:
    """The name that a gene has in the file: the present one if it is there, else a former one."""
    return next((name for name in (gene.symbol, *gene.former_symbols) if name in names), None)


def _renamed(panel: Sequence[Gene], named: Sequence[str | None]) -> Iterator[str]:
    pairs = zip(panel, named, strict=True)
    former = [f"{name} as {gene.symbol}" for gene, name in pairs if name not in {None, gene.symbol}]
    if former:
        yield f"Former symbols were read as the current: {', '.join(former)}."


def _arranged(found: Expression, named: Sequence[str | None]) -> Floats:
    """The values (n, panel) in the order of the panel, NaN for a gene that is not in the file."""
    values = np.full((len(found.samples), len(named)), np.nan)
    for position, name in enumerate(named):
        if name is not None:
            values[:, position] = found.values[:, found.genes.index(name)]
    return values


def _notes(patients: Clinical, found: Expression) -> Iterator[str]:
    yield (
        f"The expression file was read as {found.orientation}: {len(found.genes)} genes, "
        f"{len(found.samples)} samples."
    )
    if np.isnan(patients.age).all():
        yield "There are no ages: only the fit without age is used."
    if np.isnan(patients.receptor).all():
        yield "There is no oestrogen receptor: there are no figures by receptor."
