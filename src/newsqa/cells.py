"""FAISS indexes of half-precision vectors in cells: made, read out, and written without being held in memory."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import faiss as untyped
import numpy as np
from numpy.typing import NDArray

from newsqa.types import Vectors

faiss: Any = untyped
"""Its stubs lack half of what is used here."""

Ids = NDArray[np.int64]
Halves = NDArray[np.float16]
Batches = Iterable[tuple[Ids, Halves]]
Rows = Iterator[tuple[Ids | None, Ids, Halves]]
"""Cells where they are known, ids, and vectors."""

BATCH = 8192
EMPTY_LISTS = 32
"""Bytes at the end of FAISS's file of an index without vectors, which say that its cells are empty."""
ID_SIZE = 8


def divided(dimension: int, centres: Vectors) -> Any:  # noqa: ANN401
    """Make an index without vectors, with a cell around each centre."""
    quantizer = faiss.IndexFlatIP(dimension)
    quantizer.add(centres)
    index = faiss.IndexIVFScalarQuantizer(
        quantizer, dimension, len(centres), faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT, False
    )
    index.train(centres)
    return index


def rows_of(index: Any, cell: int) -> tuple[Ids, Halves]:  # noqa: ANN401
    """Return copies of the ids and vectors in a cell."""
    size = index.invlists.list_size(cell)
    if not size:
        return np.empty(0, np.int64), np.empty((0, index.d), np.float16)
    codes = faiss.rev_swig_ptr(index.invlists.get_codes(cell), size * index.code_size)
    ids = faiss.rev_swig_ptr(index.invlists.get_ids(cell), size)
    return ids.copy(), codes.view(np.float16).reshape(size, index.d).copy()


def ids_of(index: Any) -> Ids:  # noqa: ANN401
    """Return all ids of an index; reads no vectors."""
    lists = index.invlists
    sizes = ((cell, lists.list_size(cell)) for cell in range(index.nlist))
    found = [faiss.rev_swig_ptr(lists.get_ids(cell), size).copy() for cell, size in sizes if size]
    return np.concatenate([np.empty(0, np.int64), *found])


def cells_of(index: Any) -> Iterator[tuple[Ids, Ids, Halves]]:  # noqa: ANN401
    """Yield cells, ids and vectors of an index."""
    for cell in range(index.nlist):
        ids, vectors = rows_of(index, cell)
        yield np.full(len(ids), cell, np.int64), ids, vectors


def cut(batches: Batches) -> Iterator[tuple[Ids, Halves]]:
    """Cut batches so that making floats of one takes little memory."""
    for ids, vectors in batches:
        for start in range(0, len(ids), BATCH):
            yield ids[start : start + BATCH], vectors[start : start + BATCH]


def write(path: Path, empty: Any, rows: Callable[[], Rows]) -> int:  # noqa: ANN401
    """Write the file that FAISS would of ``empty`` filled with rows, for which it would need all in memory.

    Cells are the last thing in the file: their sizes, then vectors and ids of each. Rows are gone through
    twice, first for the sizes.
    """
    found = [_nearest(empty, vectors) if known is None else known for known, _, vectors in rows()]
    cells = np.concatenate([np.empty(0, np.int32), *found]).astype(np.int32)
    sizes = np.bincount(cells, minlength=empty.nlist)
    empty.ntotal = len(cells)
    head = faiss.serialize_index(empty).tobytes()[:-EMPTY_LISTS]
    head += struct.pack("<4sQQ4sQ", b"ilar", empty.nlist, empty.code_size, b"full", empty.nlist)
    head += sizes.astype("<u8").tobytes()
    vector_at = len(head) + (np.cumsum(sizes) - sizes) * (empty.code_size + ID_SIZE)
    id_at = vector_at + sizes * empty.code_size
    done = 0
    with path.open("wb") as file:
        file.write(head)
        for _, ids, vectors in rows():
            here = cells[done : done + len(ids)]
            done += len(ids)
            order = np.argsort(here, kind="stable")
            for cell, first, count in zip(*np.unique(here[order], return_index=True, return_counts=True), strict=True):
                chosen = order[first : first + count]
                file.seek(vector_at[cell])
                file.write(vectors[chosen].tobytes())
                file.seek(id_at[cell])
                file.write(ids[chosen].tobytes())
                vector_at[cell] += count * empty.code_size
                id_at[cell] += count * ID_SIZE
    return len(cells)


def _nearest(index: Any, vectors: Halves) -> Ids:  # noqa: ANN401
    """Return the cell of each vector."""
    cells: Ids = index.quantizer.assign(vectors.astype(np.float32), 1)[:, 0]
    return cells
