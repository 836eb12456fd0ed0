"""A sample whose name stood in the file before is refused: which is right is not ours to choose."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from predictions.exceptions import Problem
from predictions.intake.tables import Chunk
from predictions.sentences import sentence


def refuse_repeats(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """The same chunks, with a problem for each sample whose name stood in an earlier row.

    Eight bytes are remembered of each name: two of a million that differ are alike with a probability of
    3e-8.
    """
    import polars as pl  # noqa: PLC0415 - 25 MB that a process without tables does not need

    seen = np.empty(0, np.uint64)
    for chunk in chunks:
        digests = pl.Series(chunk.sample_ids, dtype=pl.String).hash().to_numpy()
        yield _refuse(chunk, _is_repeated(digests, seen))
        seen = np.concatenate([seen, digests])
        seen.sort(kind="stable")  # merges what is sorted already


def _is_repeated(digests: NDArray[np.uint64], seen: NDArray[np.uint64]) -> NDArray[np.bool_]:
    places = np.searchsorted(seen, digests)
    before = np.zeros(digests.size, bool)
    inside = places < seen.size
    before[inside] = seen[places[inside]] == digests[inside]
    first = np.unique(digests, return_index=True)[1]
    repeated = np.ones(digests.size, bool)
    repeated[first] = False
    return before | repeated


def _refuse(chunk: Chunk, repeated: NDArray[np.bool_]) -> Chunk:
    named = [index for index in np.flatnonzero(repeated).tolist() if chunk.sample_ids[index]]
    if not named:
        return chunk
    problems = dict(chunk.problems)
    for index in named:
        problems[index] = (*problems.get(index, ()), _repeated(chunk.sample_ids[index], chunk.rows[index]))
    return replace(chunk, problems=problems)


def _repeated(name: str, row: int) -> Problem:
    return Problem(
        "sample_repeated",
        sentence("A sample of this name stands further up in the file."),
        sentence("Keep one of them, or give each a name of its own."),
        row=row,
        value=name[:80],
    )
