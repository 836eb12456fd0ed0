"""h5ad: annotated data of scanpy, in HDF5. Opened read-only, with limits; nothing in it is unpickled.

Values are taken from X or from a layer, dense or sparse by rows or columns, a block of samples at a time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any, BinaryIO

import h5py
import numpy as np
from numpy.typing import NDArray

from predictions.exceptions import PanelRefused, Problem
from predictions.intake.cells import not_a_number
from predictions.intake.conversions import may_need_totals
from predictions.intake.findings import (
    CELLS_NAMED,
    more_not_numbers,
    no_gene_known,
    not_this_format,
    too_many_values,
)
from predictions.intake.measurements import Step
from predictions.intake.readers.repeats import refuse_repeats
from predictions.intake.readers.totals import has_all, is_gene, known, summands
from predictions.intake.tables import CHUNK, OTHERS_NAMED, Choices, Chunk, Head, PartUnclear, Table, Wanted
from predictions.sentences import Sentence, marked, sentence

CODE = "h5ad"
NAME = sentence("h5ad (AnnData)")
SHAPE = sentence("HDF5 with obs, var and X or layers, dense or sparse.")
UNIT = sentence("The one that you declare.")
ASKED = sentence("The unit; the layer, where there are any beside X.")
SAMPLE = "cohort.h5ad"

MAGIC = b"\x89HDF\r\n\x1a\n"
MAIN, LAYERS = "X", "layers"
LAYER_READ = marked("Layer {layer} was read.")
MOST_GENES, MOST_SAMPLES = 200_000, 1_000_000
MOST_CELLS = 2_000_000_000
MOST_VALUES = 20_000_000
MOST_COLUMNS = 100
LONGEST_NAME = 1_000
BLOCK = 32_000_000
LARGEST_CHUNK = 64_000_000  # a block that HDF5 unpacks at once
BROKEN = (OSError, KeyError, ValueError, TypeError, RuntimeError, IndexError, AttributeError, OverflowError)

Values = NDArray[np.float64]
# Values of the wanted genes, and the sums over all genes where they are to be told.
Blocks = Iterator[tuple[Values, Values | None]]


def sniff(head: Head, wanted: Wanted) -> tuple[Sentence, ...]:  # noqa: ARG001 - the kind of file is enough
    """The mark of HDF5."""
    if not head.data.startswith(MAGIC):
        return ()
    if b"anndata" in head.data:
        return (sentence("It is an HDF5 file that calls itself anndata."),)
    return (sentence("It is an HDF5 file."),)


def read(file: BinaryIO, wanted: Wanted, choices: Choices) -> Table:
    """Read X or a layer. Raises PanelRefused, or PartUnclear for the layer."""
    with _refusing():
        root = h5py.File(file, "r")
        matrix, layer = _choose(root, choices)
        samples, genes = _shape(matrix)
        names = _best_names(_node(root, "var"), genes, wanted)
        columns = [index for index, name in enumerate(names) if wanted(name)]
        if not columns:
            raise PanelRefused([no_gene_known(names, len(names))])
        index = _index(_node(root, "obs"), samples)
        all_genes = np.array([is_gene(name) for name in names])
        has_totals = _may_be_added_up(matrix, choices.unit) and has_all(int(all_genes.sum()))
        blocks = _blocks(matrix, np.array(columns), all_genes if has_totals else None)
    others = [name for name in names if not wanted(name)]
    identifiers = tuple(names[column] for column in columns)
    return Table(
        identifiers=identifiers,
        chunks=refuse_repeats(_chunks(blocks, index, identifiers)),
        others=tuple(others[:OTHERS_NAMED]),
        others_count=len(others),
        steps=(Step("layer_read", sentence(LAYER_READ, layer=layer)),),
        has_totals=has_totals,
    )


@contextmanager
def _refusing() -> Iterator[None]:
    """Whatever h5py raises at a file that is damaged, or not what it says, is the file's fault."""
    try:
        yield
    except BROKEN as error:
        problem = Problem(
            "wrong_format",
            sentence("The HDF5 file cannot be read as AnnData writes it."),
            sentence("Write it again with a current version of anndata, or send the values as CSV."),
            value=ascii(str(error))[1:-1][:80],
        )
        raise PanelRefused([problem]) from None


def _node(group: Any, name: str) -> Any:
    """A member that lies in this file itself: links and external data could lead to any other."""
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise PanelRefused([not_this_format(name)])
    node = group[name]
    if isinstance(node, h5py.Dataset):
        is_elsewhere = node.external or node.is_virtual
        if is_elsewhere or prod(node.chunks or (1,)) * node.dtype.itemsize > LARGEST_CHUNK:
            raise PanelRefused([not_this_format(name)])
    return node


def _choose(root: Any, choices: Choices) -> tuple[Any, str]:
    layers = [*_node(root, LAYERS)][:MOST_COLUMNS] if LAYERS in root else []
    parts = [MAIN] * (MAIN in root) + layers
    if not parts:
        raise PanelRefused([not_this_format(MAIN)])
    if len(parts) > 1 and choices.part not in parts:
        raise PartUnclear({part: sentence("Layer {layer}", layer=part) for part in parts}, parts[0])
    part = choices.part if choices.part in parts else parts[0]
    return _node(root if part == MAIN else root[LAYERS], part), part


def _shape(matrix: Any) -> tuple[int, int]:
    samples, genes = (int(size) for size in (matrix.shape if _is_dense(matrix) else matrix.attrs["shape"]))
    if not (0 < samples <= MOST_SAMPLES and 0 < genes <= MOST_GENES and samples * genes <= MOST_CELLS):
        raise PanelRefused([too_many_values(MOST_CELLS)])
    return samples, genes


def _is_dense(matrix: Any) -> bool:
    return isinstance(matrix, h5py.Dataset)


def _best_names(var: Any, genes: int, wanted: Wanted) -> list[str]:
    """The index, or the column that names more of the wanted genes."""
    columns = [_texts(_index(var, genes), 0, genes)]
    for name in [*var][:MOST_COLUMNS]:
        node = _node(var, name)
        if not _is_dense(node) and "categories" in node:
            columns.append(_categories(node, genes))
        elif _is_dense(node) and node.dtype.kind in "OS" and node.shape == (genes,):
            columns.append(_texts(node, 0, genes))
    return max(columns, key=lambda names: sum(map(wanted, names)))


def _categories(node: Any, genes: int) -> list[str]:
    categories, codes = _node(node, "categories"), _node(node, "codes")
    if categories.dtype.kind not in "OS" or categories.size > genes or codes.shape != (genes,):
        return []
    names = [*_texts(categories, 0, categories.size), ""]  # code -1: no category
    return [names[code] for code in codes[:]]


def _index(group: Any, size: int) -> Any:
    node = _node(group, str(group.attrs["_index"]))
    if node.shape != (size,) or node.dtype.itemsize > LONGEST_NAME or node.dtype.kind not in "OS":
        raise PanelRefused([not_this_format("_index")])
    return node


def _texts(node: Any, start: int, stop: int) -> list[str]:
    return [str(name).strip() for name in node.asstr()[start:stop]]


def _may_be_added_up(matrix: Any, unit: str) -> bool:
    """By columns, all of them would have to be read before the first sample is."""
    return may_need_totals(unit) and not _is_by_columns(matrix)


def _is_by_columns(matrix: Any) -> bool:
    return not _is_dense(matrix) and matrix.attrs["encoding-type"] != "csr_matrix"


def _blocks(matrix: Any, columns: NDArray[np.intp], all_genes: NDArray[np.bool_] | None) -> Blocks:
    if _is_dense(matrix):
        return _dense(matrix, columns, all_genes)
    data, indices, indptr = (_node(matrix, name) for name in ("data", "indices", "indptr"))
    samples, genes = _shape(matrix)
    by_rows = not _is_by_columns(matrix)
    starts = _starts(indptr, data, indices, (samples, genes) if by_rows else (genes, samples))
    if by_rows:
        return _by_rows(data, indices, starts, columns, genes, all_genes)
    if samples * columns.size > MOST_VALUES:
        raise PanelRefused([too_many_values(MOST_VALUES)])
    return _by_columns(data, indices, starts, columns, samples)


def _starts(indptr: Any, data: Any, indices: Any, shape: tuple[int, int]) -> NDArray[np.int64]:
    """Where each row (or column) begins, checked against everything that is read with it."""
    if indptr.shape != (shape[0] + 1,) or data.ndim != 1 or data.shape != indices.shape:
        raise PanelRefused([not_this_format("indptr")])
    starts: NDArray[np.int64] = indptr[:].astype(np.int64)
    lengths = np.diff(starts)
    if starts[0] != 0 or starts[-1] != data.size or lengths.min() < 0 or lengths.max() > shape[1]:
        raise PanelRefused([not_this_format("indptr")])
    return starts


def _dense(matrix: Any, columns: NDArray[np.intp], all_genes: NDArray[np.bool_] | None) -> Blocks:
    step = max(1, min(CHUNK, BLOCK // (matrix.shape[1] * matrix.dtype.itemsize)))
    for start in range(0, matrix.shape[0], step):
        block = np.asarray(matrix[start : start + step])
        totals = None if all_genes is None else np.array([summands(row[all_genes]).sum() for row in block])
        yield block[:, columns].astype(np.float64), totals


def _by_rows(
    data: Any,
    indices: Any,
    starts: NDArray[np.int64],
    columns: NDArray[np.intp],
    genes: int,
    all_genes: NDArray[np.bool_] | None,
) -> Blocks:
    place = np.full(genes, -1)
    place[columns] = np.arange(columns.size)
    step = max(1, min(CHUNK, BLOCK // (8 * genes)))
    for first in range(0, starts.size - 1, step):
        ends = starts[first : first + step + 1]
        of_gene, read = _checked(indices[ends[0] : ends[-1]], genes), data[ends[0] : ends[-1]]
        found = place[of_gene]
        rows = np.repeat(np.arange(ends.size - 1), np.diff(ends))
        values = np.zeros((ends.size - 1, columns.size))
        np.add.at(values, (rows[found >= 0], found[found >= 0]), read[found >= 0])
        yield values, None if all_genes is None else _sums(rows, read, all_genes[of_gene], len(values))


def _sums(rows: NDArray[np.intp], read: Any, counted: NDArray[np.bool_], samples: int) -> Values:
    return np.bincount(rows[counted], summands(read[counted]), samples).astype(np.float64)


def _by_columns(
    data: Any, indices: Any, starts: NDArray[np.int64], columns: NDArray[np.intp], samples: int
) -> Blocks:
    values = np.zeros((samples, columns.size))
    for position, column in enumerate(columns.tolist()):
        start, end = starts[column : column + 2]
        np.add.at(values[:, position], _checked(indices[start:end], samples), data[start:end])
    for start in range(0, samples, CHUNK):
        yield values[start : start + CHUNK], None


def _checked(indices: NDArray[np.integer[Any]], size: int) -> NDArray[np.integer[Any]]:
    if indices.size and not 0 <= indices.min() <= indices.max() < size:
        raise PanelRefused([not_this_format("indices")])
    return indices


def _chunks(blocks: Blocks, index: Any, identifiers: tuple[str, ...]) -> Iterator[Chunk]:
    with _refusing():
        first = 0
        for values, totals in blocks:
            rows = range(first + 1, first + 1 + len(values))
            yield Chunk(
                sample_ids=tuple(_texts(index, first, first + len(values))),
                ages=(None,) * len(values),
                rows=tuple(rows),
                values=values,
                problems={
                    i: tuple(_infinite(values[i], rows[i], identifiers))
                    for i in np.flatnonzero(np.isinf(values).any(axis=1)).tolist()
                },
                totals=None if totals is None else known(totals),
            )
            first += len(values)


def _infinite(values: Values, row: int, identifiers: tuple[str, ...]) -> Iterator[Problem]:
    columns = np.flatnonzero(np.isinf(values)).tolist()
    for column in columns[:CELLS_NAMED]:
        yield not_a_number(identifiers[column], str(values[column]), row, identifiers[column])
    if len(columns) > CELLS_NAMED:
        yield more_not_numbers(len(columns) - CELLS_NAMED, row)
