"""Nearest-neighbour search in FAISS over half-precision vectors: exact while small, by cells when large."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import faiss as untyped
import numpy as np
from numpy.typing import NDArray

from newsqa.cells import Batches, Halves, Ids, Rows, cells_of, cut, divided, ids_of, write
from newsqa.errors import IndexCorruptError, NewsQAError, UsageError
from newsqa.types import Vectors

faiss: Any = untyped

EXACT = 20_000
"""Up to this many vectors each is compared; that takes about a millisecond."""
PROBED, COMPARED = 64, 20_000
"""A search visits so many cells, or fewer where these hold more than so many vectors: at least .98 of the
ten nearest are found either way, at 30,000 vectors as at a million."""
EXACT_SHARE = 0.1
"""A filter that keeps at most this share is searched in every cell, so exactly."""
SAMPLE = 64
"""Vectors a cell that its centre is learnt from."""


class FaissStore:
    """Fp16 vectors in two parts: what `load` mapped from a file, never changed, and what came since.

    A file of more than `EXACT` vectors is divided into about 2 sqrt(n) cells around centres found
    by k-means, of which a search visits the nearest. All else is compared one by one.

    Source: Jégou, Douze and Schmid, "Product Quantization for Nearest Neighbor Search", 2011,
    section IV: the inverted file, here over whole vectors.
    """

    def __init__(self, dimension: int) -> None:
        self._mapped: Any = None
        self._last = 0
        self._recent = divided(dimension, np.zeros((1, dimension), np.float32))
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
                self._gone = np.union1d(self._gone, np.intersect1d(old, ids_of(self._mapped)))

    def fork(self) -> FaissStore:
        """Return a copy that may change while this one is searched; they share what is mapped."""
        fork = FaissStore(self.dimension)
        fork._mapped, fork._last, fork._gone = self._mapped, self._last, self._gone
        fork._recent = faiss.clone_index(self._recent)
        return fork

    def batches(self) -> Iterator[tuple[Ids, Halves]]:
        """Yield ids and vectors, shape (len(ids), dimension), of everything held, in no certain order."""
        for _, ids, vectors in chain(self._filed(), cells_of(self._recent)):
            yield ids, vectors

    def _filed(self) -> Iterator[tuple[Ids, Ids, Halves]]:
        """Yield what the file holds and was not removed since."""
        for cells, ids, vectors in cells_of(self._mapped) if self._mapped else ():
            kept = ~np.isin(ids, self._gone)
            yield cells[kept], ids[kept], vectors[kept]

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
        parts = []
        if self._recent.ntotal:
            parts.append(_search(self._recent, queries, k, 1, allowed))
        if self._mapped:
            probed = self._probed(None if allowed is None else len(allowed))
            parts.append(_search(self._mapped, queries, k, probed, allowed, self._gone))
        scores, ids = map(np.hstack, zip(*parts, strict=True))
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return [
            [(int(ids[row, i]), float(scores[row, i])) for i in best if ids[row, i] >= 0]
            for row, best in enumerate(order)
        ]

    def _probed(self, allowed: int | None) -> int:
        """Return how many cells to search, so that about as many allowed vectors are compared as without a filter."""
        cells, held = int(self._mapped.nlist), int(self._mapped.ntotal)
        probed = min(PROBED, math.ceil(COMPARED * cells / held))
        if allowed is None:
            return min(probed, cells)
        share = allowed / held
        return cells if share <= EXACT_SHARE else min(cells, math.ceil(probed / share))

    # Files

    def save(self, path: Path, threads: int = 0, *, added: Batches = (), most: int = 0) -> int:
        """Write to ``path``, not atomically, with so many threads, 0 for every core; return how many vectors.

        ``added`` are up to ``most`` vectors more, none of which is held; they are gone through three times,
        so that none need be in memory.
        Raises NewsQAError when it can't be written.
        """
        if threads:
            faiss.omp_set_num_threads(threads)
        size = len(self) + most
        cells = round(2 * math.sqrt(size)) if size > EXACT else 1
        # Centres that still fit are kept, and with them what lies in their cells.
        fits = self._mapped is not None and cells > 1 and cells / 2 <= self._mapped.nlist <= cells * 2
        centres = (
            self._mapped.quantizer.reconstruct_n(0, self._mapped.nlist) if fits else self._centres(cells, size, added)
        )
        empty = divided(self.dimension, centres)

        def rows() -> Rows:
            if fits:
                yield from self._filed()
            others = cells_of(self._recent) if fits else chain(self._filed(), cells_of(self._recent))
            for ids, vectors in cut(chain(((ids, vectors) for _, ids, vectors in others), added)):
                yield None, ids, vectors

        try:
            return write(path, empty, rows)
        except OSError as error:
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
            store._last = int(ids_of(index).max())
        return store

    def _centres(self, cells: int, size: int, added: Batches) -> Vectors:
        if cells == 1:
            return np.zeros((1, self.dimension), np.float32)
        step = max(1, size // (SAMPLE * cells))
        batches = chain(self.batches(), added)
        sample = np.concatenate([vectors[::step] for _, vectors in batches]).astype(np.float32)
        means = faiss.Kmeans(
            self.dimension, cells, niter=10, spherical=True, min_points_per_centroid=1, max_points_per_centroid=SAMPLE
        )
        means.train(sample)
        centres: Vectors = means.centroids
        return centres


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
