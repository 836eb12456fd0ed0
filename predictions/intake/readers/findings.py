"""What is wrong with a table as a whole, in the same words for every format."""

from collections.abc import Sequence

from predictions.exceptions import Problem
from predictions.intake.tables import OTHERS_NAMED
from predictions.sentences import sentence


def no_rows() -> Problem:
    """That there is nothing below the header, or no table at all."""
    return Problem(
        "empty_panel",
        sentence("There is no table in it: a header, and at least one row below."),
        sentence("Export the values again, with the names of the genes."),
    )


def no_gene_known(names: Sequence[str]) -> Problem:
    """That none of the names is a gene of the panel."""
    return Problem(
        "no_gene_known",
        sentence("None of the {count} names is known as a gene of the panel.", count=len(names)),
        sentence("Name the genes as the formats page says, or choose how the file is to be read."),
        value=", ".join(names[:OTHERS_NAMED])[:80],
    )


def too_many_columns(count: int, most: int) -> Problem:
    """That a table is wider than any that is read."""
    return Problem(
        "too_large",
        sentence("There are {count} columns; at most {most} are read.", count=count, most=most),
        sentence("Put the samples in rows, or part the file."),
    )
