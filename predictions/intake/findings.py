"""What is wrong with a table, in the same words for every format."""

from collections.abc import Sequence

from predictions.exceptions import Problem
from predictions.sentences import counted, sentence

MOST_PROBLEMS = 1_000
CELLS_NAMED = 20


def at_most(problems: list[Problem], problem: Problem) -> None:
    """Add a problem, unless there are as many as anybody reads."""
    if len(problems) < MOST_PROBLEMS:
        problems.append(problem)


def some(names: Sequence[str]) -> str:
    """The first of some names, as evidence."""
    return ", ".join(name[:40] for name in names[:3])


def no_rows() -> Problem:
    """That there is nothing below the header, or no table at all."""
    return Problem(
        "empty_panel",
        sentence("There is no table in it: a header, and at least one row below."),
        sentence("Export the values again, with the names of the genes."),
    )


def no_gene_known(names: Sequence[str], count: int) -> Problem:
    """That none of the names is a gene of the panel."""
    return Problem(
        "no_gene_known",
        counted(
            "Its only name is not known as a gene of the panel.",
            "None of its {count} names is known as a gene of the panel.",
            count=count,
        ),
        sentence("Name the genes by HGNC symbol, Entrez or Ensembl identifier, or probe set, as exported."),
        value=", ".join(names[:5])[:80],
    )


def too_many_columns(count: int, most: int) -> Problem:
    """That a table is wider than any that is read."""
    return Problem(
        "too_large",
        sentence("There are {count} columns; at most {most} are read.", count=count, most=most),
        sentence("Put the samples in rows, or part the file."),
    )


def too_many_values(most: int) -> Problem:
    """That a table has more values of the panel's genes than are held at once."""
    return Problem(
        "too_large",
        sentence("There are more than {most} values of the panel's genes.", most=most),
        sentence("Put the samples in rows, or part the file."),
    )


def wrong_width(row: int, cells: Sequence[str], width: int) -> Problem:
    """That a row has another number of cells than the header."""
    return Problem(
        "wrong_column_count",
        counted(
            "This row has {count} column; the header has {width}.",
            "This row has {count} columns; the header has {width}.",
            count=len(cells),
            width=width,
        ),
        sentence("Give every row a cell for each column of the header, also where nothing was measured."),
        row=row,
        value=" | ".join(cells[:20])[:80],
    )


def more_not_numbers(count: int, row: int) -> Problem:
    """That more cells of a sample are no numbers than are named one by one."""
    return Problem(
        "not_a_number",
        counted(
            "{count} more value of this row is not a finite decimal number.",
            "{count} more values of this row are not finite decimal numbers.",
            count=count,
        ),
        sentence("Look at the columns: they may have been shifted, or hold something else."),
        row=row,
    )


def negative_value(of: str, cell: str, row: int, column: str) -> Problem:
    """That a count, or a share of counts, is below zero."""
    return Problem(
        "negative_value",
        sentence("The value of {gene} is below zero, which no count can be.", gene=ascii(of)[1:-1][:60]),
        sentence("Send the file as the program wrote it."),
        row=row,
        column=column,
        value=cell[:80],
    )


def not_this_format(expected: str) -> Problem:
    """That the file is not of the format as which it was to be read."""
    return Problem(
        "wrong_format",
        sentence("This does not stand where the format has it: {expected}.", expected=expected),
        sentence("Send the file as the program wrote it, or choose another way to read it."),
    )


def cut_off(expected: str) -> Problem:
    """That the file ends too early."""
    return Problem(
        "file_incomplete",
        sentence("The file ends too early: {expected}.", expected=expected),
        sentence("Download or export it again, and compare its size."),
    )
