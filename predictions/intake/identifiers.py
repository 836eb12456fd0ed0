"""From the names that a lab wrote to the genes of the release's panel.

What a name stands for is found once for a panel or a whole file; the values follow, a sample at a time.
"""

import difflib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import isnan

import numpy as np
from numpy.typing import NDArray

from ml_models.manifest import Gene
from predictions.exceptions import Problem
from predictions.intake.gene_names import (
    ENSEMBL,
    ENTREZ,
    HGNC_SYMBOL,
    PROBE_SET,
    PanelNames,
    names_of,
    without_version,
)
from predictions.intake.measurements import Measurement, Step
from predictions.intake.spreadsheet_damage import is_damaged, likely_genes
from predictions.sentences import Sentence, any_of, counted, joined, listed, marked, sentence

KINDS = {
    HGNC_SYMBOL: sentence("HGNC symbol"),
    ENTREZ: sentence("Entrez gene identifier"),
    ENSEMBL: sentence("Ensembl gene identifier"),
    PROBE_SET: sentence("Affymetrix probe set"),
}
LONGEST_IDENTIFIER = 60
OTHERS_NAMED = 5
ROWS_NAMED = 10
PROBE_SETS_AVERAGED = marked("{symbol} is the mean of {names}.")
VERSIONS_LEFT_OUT = marked("Ensembl identifiers were read without their version: {count}.")


@dataclass
class Matched:
    """Which identifiers measure which gene, what was done to find out, and what stands in the way.

    `columns` has the positions of the identifiers of each gene: several only where they are probe sets.
    `unsettled` genes have an identifier that cannot be used before somebody has mended or confirmed it.
    """

    kind: str
    columns: dict[str, tuple[int, ...]] = field(default_factory=dict)
    unsettled: set[str] = field(default_factory=set)
    former: dict[str, str] = field(default_factory=dict)
    not_in_panel: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def values(self, table: NDArray[np.float64], symbols: Sequence[str]) -> NDArray[np.float64]:
        """The values of genes, shape (samples, symbols), NaN where one was not measured.

        `table` has shape (samples, identifiers). Of several probe sets it is the mean of those measured.
        """
        values = np.full((len(table), len(symbols)), np.nan)
        found = [
            (place, self.columns[symbol]) for place, symbol in enumerate(symbols) if symbol in self.columns
        ]
        for width in {len(columns) for _, columns in found}:
            alike = [(place, columns) for place, columns in found if len(columns) == width]
            places, columns = zip(*alike, strict=True)
            values[:, places] = _mean(table[:, np.array(columns)])
        return values


@dataclass
class Identified:
    """Values of one sample by HGNC symbol, and how its names were matched."""

    values: dict[str, float]
    unsettled: set[str]
    steps: list[Step]
    matched: Matched


def match_names(names: Sequence[str], genes: Sequence[Gene], *, accept_former: bool) -> Matched:
    """Find the genes of a file's identifiers."""
    return match([Measurement(name, None) for name in names], genes, None, accept_former=accept_former)


def match(
    names: Sequence[Measurement], genes: Sequence[Gene], kind: str | None, *, accept_former: bool
) -> Matched:
    """Find the gene of each name, whatever its value.

    Parameters
    ----------
    kind
        One of `KINDS`, or None to take the kind that knows more of the identifiers.
    accept_former
        Read a previous symbol or an alias as the gene's symbol; otherwise each is a problem that names it.
    """
    known = names_of(tuple(genes))
    kind = kind or _detect_kind(names, known)
    matched = Matched(kind)
    readable = [index for index, name in enumerate(names) if not _report_unreadable(name, matched)]
    _report_repeats([names[index] for index in readable], matched)
    groups = _group(names, readable, known, matched)
    for symbol, group in groups.items():
        if _is_settled(
            symbol, [names[index] for index in group], matched, known, accept_former=accept_former
        ):
            matched.columns[symbol] = tuple(group)
    _report_damage([names[index] for index in readable], groups, known, matched)
    _report_versions([names[index].identifier for index in readable], known, matched)
    return matched


def identify(measurements: Sequence[Measurement], matched: Matched) -> Identified:
    """The values of one sample, whose names `match` has matched."""
    row = np.array([[m.value for m in measurements]], dtype=np.float64)  # NumPy reads None as NaN
    symbols = list(matched.columns)
    values = matched.values(row, symbols)[0].tolist() if symbols else []
    unreadable = {
        symbol
        for symbol, columns in matched.columns.items()
        if any(measurements[column].unreadable for column in columns)
    }
    return Identified(
        values={symbol: value for symbol, value in zip(symbols, values, strict=True) if not isnan(value)},
        unsettled=matched.unsettled | unreadable,
        steps=[*matched.steps, *_averaging_steps(measurements, matched)],
        matched=matched,
    )


def averaging_steps(names: Sequence[str], matched: Matched) -> list[Step]:
    """Which genes of a file are the mean of several probe sets."""
    return _averaging_steps([Measurement(name, 0.0) for name in names], matched)


def name_others(others: Sequence[str], missing: Sequence[str], genes: Sequence[Gene]) -> str:
    """The first identifiers that are not of the panel, each with the missing gene that it may stand for."""
    shared = names_of(tuple(genes)).shared.items()
    hints = {name.casefold(): symbol for name, symbol in shared if symbol in missing}
    hints |= {symbol.casefold(): symbol for symbol in missing}
    named = [_name_other(identifier, hints) for identifier in others[:OTHERS_NAMED]]
    return joined(named if len(others) <= OTHERS_NAMED else [*named, "…"])


def name_damaged(others: Sequence[str], kind: str) -> str:
    """The first identifiers that a spreadsheet damaged, each with the genes that it may have been."""
    damaged = [identifier for identifier in others if _is_damaged(identifier, kind)]
    named = [_name_damage(identifier, likely_genes(identifier)) for identifier in damaged[:OTHERS_NAMED]]
    if not named:
        return ""
    return joined(named if len(damaged) <= OTHERS_NAMED else [*named, "…"])


def _name_other(identifier: str, hints: dict[str, str]) -> str:
    near = difflib.get_close_matches(identifier.casefold(), hints, n=1, cutoff=0.75)
    if not near:
        return identifier
    return sentence("{identifier} (is it {symbol}?)", identifier=identifier, symbol=hints[near[0]])


def _name_damage(identifier: str, likely: Sequence[str]) -> str:
    if not likely:
        return sentence("{identifier} (nobody can tell which gene it was)", identifier=identifier)
    return sentence("{identifier} (was it {genes}?)", identifier=identifier, genes=any_of(likely))


def _is_damaged(identifier: str, kind: str) -> bool:
    """A number is damage unless numbers are what the genes are called by."""
    return is_damaged(identifier) and not (kind == ENTREZ and identifier.isdigit())


def _detect_kind(names: Sequence[Measurement], known: PanelNames) -> str:
    """The kind that knows most of them; symbols where none knows more."""
    return max(KINDS, key=lambda kind: sum(known.knows(name.identifier, kind) for name in names))


def _report_unreadable(name: Measurement, matched: Matched) -> bool:
    identifier = name.identifier
    if identifier and len(identifier) <= LONGEST_IDENTIFIER and identifier.isprintable():
        return False
    if name.unreadable:  # the whole row is reported already
        return True
    matched.problems.append(
        Problem(
            "identifier_unreadable",
            sentence("A gene identifier has 1 to {most} printable characters.", most=LONGEST_IDENTIFIER),
            sentence("Write the {kind} of the gene.", kind=KINDS[matched.kind]),
            name.pointer,
            name.row,
            ascii(identifier)[1:-1][:80],
        )
    )
    return True


def _report_repeats(names: Sequence[Measurement], matched: Matched) -> None:
    rows: dict[str, list[Measurement]] = defaultdict(list)
    for name in names:
        rows[name.identifier].append(name)
    for identifier, repeated in rows.items():
        if len(repeated) > 1:
            matched.problems.append(
                Problem(
                    "identifier_repeated",
                    _where(identifier, [str(name.row) for name in repeated if name.row is not None]),
                    sentence("Keep one row for each gene; which value is right is not ours to choose."),
                    *_at(repeated[-1]),
                )
            )


def _where(identifier: str, rows: list[str]) -> Sentence:
    if not rows:
        return sentence("{identifier} stands there more than once.", identifier=identifier)
    named, more = ", ".join(rows[:ROWS_NAMED]), len(rows) - ROWS_NAMED
    if more <= 0:
        return sentence("{identifier} stands in rows {rows}.", identifier=identifier, rows=named)
    return counted(
        "{identifier} stands in rows {rows} and {count} more.",
        "{identifier} stands in rows {rows} and {count} more.",
        count=more,
        identifier=identifier,
        rows=named,
    )


def _group(
    names: Sequence[Measurement], readable: Sequence[int], known: PanelNames, matched: Matched
) -> dict[str, list[int]]:
    """The positions of the names of each gene, certain ones and proposals."""
    groups: dict[str, list[int]] = defaultdict(list)
    for index in readable:
        identifier = names[index].identifier
        symbol = known.find(identifier, matched.kind) or known.propose(identifier, matched.kind)
        if symbol:
            groups[symbol].append(index)
        else:
            matched.not_in_panel.append(identifier)
    return groups


def _is_settled(
    symbol: str, group: Sequence[Measurement], matched: Matched, known: PanelNames, *, accept_former: bool
) -> bool:
    """Whether the values of a gene may be taken from these names."""
    problem = _collision(symbol, group, matched.kind)
    identifier = group[0].identifier
    if not problem and not known.find(identifier, matched.kind):
        if accept_former:
            matched.former[identifier] = symbol
        else:
            problem = _proposal(group[0], symbol, known)
    if not problem:
        return True
    matched.problems.append(problem)
    matched.unsettled.add(symbol)
    return False


def _collision(symbol: str, group: Sequence[Measurement], kind: str) -> Problem | None:
    """Two names for one gene block the panel; several probe sets of one gene are how it is measured."""
    names = sorted({name.identifier for name in group})
    if kind == PROBE_SET or len(names) == 1:
        return None
    return Problem(
        "identifiers_collide",
        sentence("{names} are the same gene, {symbol}.", names=listed(names), symbol=symbol),
        sentence("Keep the one that was measured; which value is right is not ours to choose."),
        *_at(group[-1]),
    )


def _proposal(name: Measurement, symbol: str, known: PanelNames) -> Problem:
    if name.identifier in known.former:
        return Problem(
            "former_symbol",
            sentence("HGNC calls {former} {symbol} today.", former=name.identifier, symbol=symbol),
            sentence(
                "Write {symbol}, or confirm that former symbols are read as the current ones.", symbol=symbol
            ),
            *_at(name),
        )
    return Problem(
        "alias_symbol",
        sentence("{alias} is another name of {symbol}.", alias=name.identifier, symbol=symbol),
        sentence("Write {symbol}, or confirm that other names are read as the symbol.", symbol=symbol),
        *_at(name),
    )


def _report_damage(
    names: Iterable[Measurement], groups: dict[str, list[int]], known: PanelNames, matched: Matched
) -> None:
    """What may have been a gene of the panel that is missing; other damage is none of the panel's."""
    for name in names:
        if not _is_damaged(name.identifier, matched.kind):
            continue
        if lost := [symbol for symbol in known.lost(name.identifier) if symbol not in groups]:
            matched.unsettled.update(lost)
            matched.problems.append(_damage(name, lost))


def _damage(name: Measurement, lost: Sequence[str]) -> Problem:
    return Problem(
        "identifier_damaged",
        sentence(
            "'{identifier}' is what a spreadsheet makes of a gene's name: it may have been {genes}.",
            identifier=name.identifier,
            genes=any_of(lost),
        ),
        sentence("Export the table again, with the column of the genes as text."),
        *_at(name),
    )


def _report_versions(identifiers: Iterable[str], known: PanelNames, matched: Matched) -> None:
    if matched.kind != ENSEMBL:
        return
    found = (name for name in identifiers if known.find(name, ENSEMBL))
    if count := sum(without_version(name) != name for name in found):
        matched.steps.append(Step("ensembl_versions_left_out", sentence(VERSIONS_LEFT_OUT, count=count)))


def _at(name: Measurement) -> tuple[str | None, int | None, str]:
    return name.pointer, name.row, name.identifier


def _mean(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean over those of the last axis that were measured, added up from the left; NaN over none."""
    total, count = np.zeros(columns.shape[:-1]), np.zeros(columns.shape[:-1])
    for place in range(columns.shape[-1]):
        column = columns[..., place]
        measured = np.isfinite(column)
        total += np.where(measured, column, 0.0)
        count += measured
    with np.errstate(invalid="ignore"):
        mean: NDArray[np.float64] = total / count
    return mean


def _averaging_steps(measurements: Sequence[Measurement], matched: Matched) -> list[Step]:
    steps = []
    for symbol, columns in matched.columns.items():
        group = [measurements[column] for column in columns]
        if sum(m.value is not None for m in group) > 1:
            names = listed([m.identifier for m in group])
            detail = sentence(PROBE_SETS_AVERAGED, symbol=symbol, names=names)
            steps.append(Step("probe_sets_averaged", detail))
    return steps
