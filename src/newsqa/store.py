"""Nearest-neighbour search in FAISS over half-precision vectors: exact while small, by cells when large."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import faiss as untyped
import numpy as np
from numpy.typing import NDArray

from newsqa.errors import IndexCorruptError, NewsQAError, UsageError
from newsqa.types import Vectors

faiss: Any = untyped
"""Its stubs lack half of what is used here."""

Ids = NDArray[np.int64]
Halves = NDArray[np.float16]

EXACT = 20_000
"""Up to this many vectors each is compared; that takes about a millisecond."""
PROBED = 64
"""How many cells are searched: .99 of the ten nearest are found, at 20,000 vectors as at a million."""
EXACT_SHARE = 0.1
"""A filter that keeps at most this share is searched in every cell, so exactly."""
SAMPLE = 64
"""Vectors a cell that its centre is learnt from."""
BATCH = 8192


class FaissStore:
    """Fp16 vectors in two parts: what `load` mapped from a file, never changed, and what came since.

    A file of more than `EXACT` vectors is divided into about 2 sqrt(n) cells around centres found
    by k-means, of which a search visits the `PROBED` nearest. All else is compared one by one.

    Source: Jégou, Douze and Schmid, "Product Quantization for Nearest Neighbor Search", 2011,
    section IV: the inverted file, here over whole vectors.
    """

    def __init__(self, dimension: int) -> None:
        self._mapped: Any = None
        self._last = 0
        self._recent = _divided(dimension, np.zeros((1, dimension), np.float32))
        self._gone: Ids = np.empty(0, np.int64)

    def __len__(self) -> int:
        """How many vectors are held."""
        mapped = self._mapped.ntotal if self._mapped else 0
        return int(mapped - len(self._gone) + self._recent.ntotal)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._recent.d)

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Add rows; an id that is already held is replaced.

        Raises UsageError when the vectors are not of shape (len(ids), dimension).
        """
        if vectors.shape != (len(ids), self.dimension):
            raise UsageError(f"vectors have shape {vectors.shape}, expected {(len(ids), self.dimension)}")
        self.remove(ids)
        self._recent.add_with_ids(np.ascontiguousarray(vectors, np.float32), np.ascontiguousarray(ids, np.int64))

    def remove(self, ids: Ids) -> None:
        """Remove rows; unknown ids are ignored."""
        if len(ids) and self._recent.ntotal:
            self._recent.remove_ids(faiss.IDSelectorBatch(np.ascontiguousarray(ids, np.int64)))
        if len(ids) and self._mapped:
            # Ids grow, so that most of what is added can be seen at once not to be in the file.
            old = ids[ids <= self._last]
            if len(old):
                self._gone = np.union1d(self._gone, np.intersect1d(old, self._mapped_ids))

    def batches(self) -> Iterator[tuple[Ids, Halves]]:
        """Yield ids and vectors, shape (len(ids), dimension), of everything held, in no certain order."""
        for index in filter(None, (self._mapped, self._recent)):
            for cell in range(index.nlist):
                ids, vectors = _cell(index, cell)
                kept = ~np.isin(ids, self._gone) if index is self._mapped and len(self._gone) else slice(None)
                yield ids[kept], vectors[kept]

    def search(self, vectors: Vectors, k: int, allowed: Ids | None = None) -> list[list[tuple[int, float]]]:
        """Return up to ``k`` (id, inner product) a row, best first, among ``allowed`` ids.

        Raises UsageError when the vectors are not of shape (n, dimension).
        """
        if vectors.ndim != 2 or vectors.shape[1] != self.dimension:
            raise UsageError(f"queries have shape {vectors.shape}, expected (n, {self.dimension})")
        if not len(self) or k < 1 or (allowed is not None and not len(allowed)):
            return [[] for _ in vectors]
        queries = np.ascontiguousarray(vectors, np.float32)
        k = min(k, len(self))
        scores, ids = _search(self._recent, queries, k, 1, allowed)
        if self._mapped:
            probed = self._probed(None if allowed is None else len(allowed))
            more = _search(self._mapped, queries, k, probed, allowed, self._gone)
            scores, ids = np.hstack([scores, more[0]]), np.hstack([ids, more[1]])
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return [
            [(int(ids[row, i]), float(scores[row, i])) for i in best if ids[row, i] >= 0]
            for row, best in enumerate(order)
        ]

    def _probed(self, allowed: int | None) -> int:
        """Return how many cells to search, so that about as many allowed vectors are compared as without a filter."""
        cells = int(self._mapped.nlist)
        if allowed is None:
            return min(PROBED, cells)
        share = allowed / self._mapped.ntotal
        return cells if share <= EXACT_SHARE else min(cells, math.ceil(PROBED / share))

    @property
    def _mapped_ids(self) -> Ids:
        return np.concatenate([_ids(self._mapped, cell) for cell in range(self._mapped.nlist)])

    # Files

    def save(self, path: Path, threads: int = 0) -> None:
        """Write to ``path``, not atomically, with so many threads, 0 for every core.

        Raises NewsQAError when it can't be written.
        """
        if threads:
            faiss.omp_set_num_threads(threads)
        try:
            faiss.write_index(self._merged(), str(path))
        except RuntimeError as error:
            raise NewsQAError(f"Can't write '{path}'. Is the disk full? What was indexed is safe.") from error

    @classmethod
    def load(cls, path: Path) -> FaissStore:
        """Map what `save` wrote into memory, or read it where it is small; raises IndexCorruptError.

        The file may be replaced or deleted while it is mapped, but not written to.
        """
        try:
            index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)
            if getattr(index, "nlist", 0) == 1:
                index = faiss.read_index(str(path))
        except RuntimeError as error:
            raise IndexCorruptError(f"FAISS can't read '{path}': {error}") from error
        if not isinstance(index, faiss.IndexIVFScalarQuantizer):
            raise IndexCorruptError(f"'{path}' is not a newsqa snapshot but a {type(index).__name__}")
        store = cls(index.d)
        if index.nlist == 1:
            store._recent = index
        else:
            # Reading ahead starts threads for every search, which take longer than what they read.
            faiss.downcast_InvertedLists(index.invlists).prefetch_nthread = 0
            store._mapped = index
            store._last = int(store._mapped_ids.max())
        return store

    def _merged(self) -> Any:  # noqa: ANN401 (faiss has no types)
        """Return one index of everything held."""
        cells = round(2 * math.sqrt(len(self))) if len(self) > EXACT else 1
        if cells == 1 or not self._mapped or not cells / 2 <= self._mapped.nlist <= cells * 2:
            merged = _divided(self.dimension, self._centres(cells))
            for ids, vectors in _cut(self.batches()):
                merged.add_with_ids(vectors.astype(np.float32), ids)
            return merged
        # The centres still fit. What lies in a cell stays there, and only what came since is placed.
        merged = _divided(self.dimension, self._mapped.quantizer.reconstruct_n(0, self._mapped.nlist))
        self._mapped.copy_subset_to(merged, faiss.InvertedLists.SUBSET_TYPE_ID_RANGE, 0, self._last + 1)
        if len(self._gone):
            merged.remove_ids(faiss.IDSelectorBatch(self._gone))
        for ids, vectors in _cut([_cell(self._recent, 0)]):
            merged.add_with_ids(vectors.astype(np.float32), ids)
        return merged

    def _centres(self, cells: int) -> Vectors:
        if cells == 1:
            return np.zeros((1, self.dimension), np.float32)
        step = max(1, len(self) // (SAMPLE * cells))
        sample = np.concatenate([vectors[::step] for _, vectors in self.batches()]).astype(np.float32)
        means = faiss.Kmeans(
            self.dimension, cells, niter=10, spherical=True, min_points_per_centroid=1, max_points_per_centroid=SAMPLE
        )
        means.train(sample)
        centres: Vectors = means.centroids
        return centres


def _divided(dimension: int, centres: Vectors) -> Any:  # noqa: ANN401
    """Make an index without vectors, with a cell around each centre."""
    quantizer = faiss.IndexFlatIP(dimension)
    quantizer.add(centres)
    index = faiss.IndexIVFScalarQuantizer(
        quantizer, dimension, len(centres), faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT, False
    )
    index.train(centres)
    return index


def _ids(index: Any, cell: int) -> Ids:  # noqa: ANN401
    """Return a copy of the ids in a cell."""
    size = index.invlists.list_size(cell)
    ids: Ids = faiss.rev_swig_ptr(index.invlists.get_ids(cell), size).copy() if size else np.empty(0, np.int64)
    return ids


def _cell(index: Any, cell: int) -> tuple[Ids, Halves]:  # noqa: ANN401
    """Return copies of the ids and vectors in a cell."""
    ids = _ids(index, cell)
    if not len(ids):
        return ids, np.empty((0, index.d), np.float16)
    codes = faiss.rev_swig_ptr(index.invlists.get_codes(cell), len(ids) * index.code_size)
    return ids, codes.view(np.float16).reshape(len(ids), index.d).copy()


def _cut(batches: Any) -> Iterator[tuple[Ids, Halves]]:  # noqa: ANN401
    """Cut batches so that making floats of one takes little memory."""
    for ids, vectors in batches:
        for start in range(0, len(ids), BATCH):
            yield ids[start : start + BATCH], vectors[start : start + BATCH]


def _search(
    index: Any,  # noqa: ANN401
    queries: Vectors,
    k: int,
    probed: int,
    allowed: Ids | None,
    gone: Ids = np.empty(0, np.int64),  # noqa: B008
) -> tuple[Vectors, Ids]:
    """Return scores and ids, each of shape (len(queries), k), with id -1 where there are fewer."""
    selector = bits = None
    if allowed is not None:
        bits = _bits(allowed, gone)
        selector = faiss.IDSelectorBitmap(len(bits), faiss.swig_ptr(bits))
    elif len(gone):
        bits = _bits(gone)
        inner = faiss.IDSelectorBitmap(len(bits), faiss.swig_ptr(bits))
        selector = faiss.IDSelectorNot(inner)
    parameters = faiss.SearchParametersIVF(nprobe=probed, sel=selector)
    scores, ids = index.search(queries, k, params=parameters)
    return scores, ids


def _bits(ids: Ids, but: Ids | None = None) -> NDArray[np.uint8]:
    """Return a bitmap with these ids set."""
    flags = np.zeros(int(ids.max()) + 1, bool)
    flags[ids] = True
    if but is not None:
        flags[but[but < len(flags)]] = False
    return np.packbits(flags, bitorder="little")
