"""The sum over all genes of a sample, for files that have them all: what a share of the sample is a share of.

A file is taken to have all genes from `FEWEST_GENES` on. A sample in which any gene has no value, or one
below zero, has no known sum.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from predictions.intake.conversions import FEWEST_GENES

Floats = NDArray[np.float64]

# What STAR and HTSeq count beside the genes, and transcripts that were added to the tube.
NO_GENES = ("__", "N_unmapped", "N_multimapping", "N_noFeature", "N_ambiguous", "ERCC-")
# Of these float() makes nothing that `read_number` would not, and nothing below zero.
PLAIN = re.compile(r"[0-9.eE+]*", re.ASCII)


def is_gene(name: str) -> bool:
    """Whether the values under this name are of a gene, as far as a name tells."""
    return bool(name) and not name.startswith(NO_GENES)


def has_all(genes: int) -> bool:
    """Whether a file of so many genes is taken to have all of them."""
    return genes >= FEWEST_GENES


def read_summands(cells: Sequence[str], number: Callable[[str], float]) -> Floats:
    """The numbers that cells are; NaN for any that cannot be part of a sum over all genes."""
    if PLAIN.fullmatch("".join(cells)):
        with suppress(ValueError):
            return np.array([*map(float, cells)])
    return summands(np.array([*map(number, cells)]))


def summands(values: Floats) -> Floats:
    """The same values; NaN where one cannot be part of a sum over all genes."""
    return np.where((values >= 0) & np.isfinite(values), values, np.nan)


def known(sums: Floats) -> Floats:
    """The same sums; NaN where nothing could be divided by one."""
    return np.where((sums > 0) & np.isfinite(sums), sums, np.nan)
