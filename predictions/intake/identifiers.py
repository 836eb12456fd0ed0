"""From the names that a lab wrote to the genes of the release's panel."""

import difflib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ml_models.manifest import Gene
from predictions.exceptions import Problem
from predictions.intake.measurements import Measurement, Step
from predictions.sentences import Sentence, counted, joined, listed, marked, sentence

HGNC_SYMBOL = "hgnc_symbol"
PROBE_SET = "affymetrix_probe_set"
KINDS = {HGNC_SYMBOL: sentence("HGNC symbol"), PROBE_SET: sentence("Affymetrix probe set")}
LONGEST_IDENTIFIER = 60
OTHERS_NAMED = 5
ROWS_NAMED = 10
PROBE_SETS_AVERAGED = marked("{symbol} is the mean of {names}.")


@dataclass
class Identified:
    """Values by HGNC symbol, what was done to get there, and what stands in the way."""

    kind: str
    values: dict[str, float] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)
    former: dict[str, str] = field(default_factory=dict)
    not_in_panel: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def identify(
    measurements: Sequence[Measurement], genes: Sequence[Gene], kind: str | None, *, accept_former: bool
) -> Identified:
    """Find the gene of each measurement.

    Parameters
    ----------
    kind
        One of `KINDS`, or None to take the kind that knows more of the identifiers.
    accept_former
        Read a symbol that HGNC has replaced as its successor; otherwise each is a problem that names it.
    """
    kind = kind or _detect_kind(measurements, genes)
    found = Identified(kind)
    readable = [m for m in measurements if not _report_unreadable(m, found)]
    _report_repeats(readable, found)
    by_symbol = _group(readable, genes, found, accept_former=accept_former)
    _report_collisions(by_symbol, found)
    for symbol, group in by_symbol.items():
        _take(symbol, group, found)
    return found


def name_others(others: Sequence[str], missing: Iterable[str]) -> str:
    """The first identifiers that are not of the panel, each with the missing gene that it may stand for."""
    by_folded = {symbol.casefold(): symbol for symbol in missing}
    named = [_name_other(identifier, by_folded) for identifier in others[:OTHERS_NAMED]]
    return joined(named if len(others) <= OTHERS_NAMED else [*named, "…"])


def _name_other(identifier: str, by_folded: dict[str, str]) -> str:
    near = difflib.get_close_matches(identifier.casefold(), by_folded, n=1, cutoff=0.75)
    if not near:
        return identifier
    return sentence("{identifier} (is it {symbol}?)", identifier=identifier, symbol=by_folded[near[0]])


def _detect_kind(measurements: Sequence[Measurement], genes: Sequence[Gene]) -> str:
    probe_sets = {probe_set for gene in genes for probe_set in gene.probe_sets}
    known = sum(m.identifier in probe_sets for m in measurements)
    return PROBE_SET if 2 * known > len(measurements) else HGNC_SYMBOL


def _report_unreadable(measurement: Measurement, found: Identified) -> bool:
    identifier = measurement.identifier
    if identifier and len(identifier) <= LONGEST_IDENTIFIER and identifier.isprintable():
        return False
    if measurement.unreadable:  # the whole row is reported already
        return True
    found.problems.append(
        Problem(
            "identifier_unreadable",
            sentence("A gene identifier has 1 to {most} printable characters.", most=LONGEST_IDENTIFIER),
            sentence("Write the {kind} of the gene.", kind=KINDS[found.kind]),
            measurement.pointer,
            measurement.row,
            ascii(identifier)[1:-1][:80],
        )
    )
    return True


def _report_repeats(measurements: Sequence[Measurement], found: Identified) -> None:
    rows: dict[str, list[Measurement]] = defaultdict(list)
    for measurement in measurements:
        rows[measurement.identifier].append(measurement)
    for identifier, repeated in rows.items():
        if len(repeated) > 1:
            found.problems.append(
                Problem(
                    "identifier_repeated",
                    _where(identifier, [str(measurement.row) for measurement in repeated]),
                    sentence("Keep one row for each gene; which value is right is not ours to choose."),
                    repeated[-1].pointer,
                    repeated[-1].row,
                    identifier,
                )
            )


def _where(identifier: str, rows: list[str]) -> Sentence:
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
    measurements: Sequence[Measurement], genes: Sequence[Gene], found: Identified, *, accept_former: bool
) -> dict[str, list[Measurement]]:
    if found.kind == PROBE_SET:
        current = {probe_set: gene.symbol for gene in genes for probe_set in gene.probe_sets}
        former: dict[str, str] = {}
    else:
        current = {gene.symbol: gene.symbol for gene in genes}
        former = {old: gene.symbol for gene in genes for old in gene.former_symbols if old not in current}
    groups: dict[str, list[Measurement]] = defaultdict(list)
    for measurement in measurements:
        symbol = current.get(measurement.identifier)
        if symbol is None and measurement.identifier in former:
            symbol = _read_former(
                measurement, former[measurement.identifier], found, accept_former=accept_former
            )
        elif symbol is None:
            found.not_in_panel.append(measurement.identifier)
        if symbol:
            groups[symbol].append(measurement)
    return groups


def _read_former(
    measurement: Measurement, symbol: str, found: Identified, *, accept_former: bool
) -> str | None:
    if accept_former:
        found.former[measurement.identifier] = symbol
        return symbol
    found.problems.append(
        Problem(
            "former_symbol",
            sentence("HGNC calls {former} {symbol} today.", former=measurement.identifier, symbol=symbol),
            sentence(
                "Write {symbol}, or confirm that former symbols are read as the current ones.", symbol=symbol
            ),
            measurement.pointer,
            measurement.row,
            measurement.identifier,
        )
    )
    return None


def _report_collisions(by_symbol: dict[str, list[Measurement]], found: Identified) -> None:
    """Two names for one gene block the panel; several probe sets of one gene are how it is measured."""
    if found.kind == PROBE_SET:
        return
    for symbol, group in by_symbol.items():
        names = sorted({m.identifier for m in group})
        if len(names) > 1:
            found.problems.append(
                Problem(
                    "identifiers_collide",
                    sentence("{names} are the same gene, {symbol}.", names=listed(names), symbol=symbol),
                    sentence("Keep the one that was measured; which value is right is not ours to choose."),
                    group[-1].pointer,
                    group[-1].row,
                    group[-1].identifier,
                )
            )


def _take(symbol: str, group: list[Measurement], found: Identified) -> None:
    if any(m.unreadable for m in group):
        found.unreadable.add(symbol)
    values = [m.value for m in group if m.value is not None]
    if not values:
        return
    found.values[symbol] = sum(values) / len(values)
    if len(values) > 1:
        names = listed([m.identifier for m in group])
        found.steps.append(
            Step("probe_sets_averaged", sentence(PROBE_SETS_AVERAGED, symbol=symbol, names=names))
        )
