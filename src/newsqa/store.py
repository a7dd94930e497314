"""Exact nearest-neighbour search in FAISS over half-precision vectors."""

from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from newsqa.errors import IndexCorruptError, NewsQAError, UsageError
from newsqa.types import Vectors

Ids = NDArray[np.int64]


class FaissStore:
    """A flat fp16 index: exact, and fast to about 100,000 passages (see `Store`)."""

    def __init__(self, dimension: int) -> None:
        flat = faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
        self._index = faiss.IndexIDMap2(flat)

    def __len__(self) -> int:
        """How many vectors are held."""
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._index.d)

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Add rows; an id that is already held is replaced.

        Raises UsageError when the vectors are not of shape (len(ids), dimension).
        """
        if vectors.shape != (len(ids), self.dimension):
            raise UsageError(f"vectors have shape {vectors.shape}, expected {(len(ids), self.dimension)}")
        if len(self):
            self.remove(ids)
        self._index.add_with_ids(np.ascontiguousarray(vectors, np.float32), np.ascontiguousarray(ids, np.int64))

    def remove(self, ids: Ids) -> None:
        """Remove rows; unknown ids are ignored."""
        if len(ids):
            self._index.remove_ids(faiss.IDSelectorBatch(np.ascontiguousarray(ids, np.int64)))

    def ids(self) -> Ids:
        """Return every id held, ascending."""
        held: Ids = np.sort(faiss.vector_to_array(self._index.id_map))
        return held

    def vectors(self) -> Vectors:
        """Return every vector held, in the order of `ids`, shape (len(self), dimension)."""
        order = np.argsort(faiss.vector_to_array(self._index.id_map))
        held: Vectors = self._index.index.reconstruct_n(0, len(self))[order]
        return held

    def search(self, vectors: Vectors, k: int, allowed: Ids | None = None) -> list[list[tuple[int, float]]]:
        """Return up to ``k`` (id, inner product) a row, best first, among ``allowed`` ids.

        Raises UsageError when the vectors are not of shape (n, dimension).
        """
        if vectors.ndim != 2 or vectors.shape[1] != self.dimension:
            raise UsageError(f"queries have shape {vectors.shape}, expected (n, {self.dimension})")
        if not len(self) or k < 1 or (allowed is not None and not len(allowed)):
            return [[] for _ in vectors]
        parameters = None
        if allowed is not None:
            selector = faiss.IDSelectorBatch(np.ascontiguousarray(allowed, np.int64))
            parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
        queries = np.ascontiguousarray(vectors, np.float32)
        scores, ids = self._index.search(queries, min(k, len(self)), params=parameters)
        return [
            [(int(i), float(s)) for i, s in zip(id_row, score_row, strict=True) if i >= 0]
            for id_row, score_row in zip(ids, scores, strict=True)
        ]

    def save(self, path: Path) -> None:
        """Write to ``path``, not atomically; raises NewsQAError when it can't be."""
        try:
            faiss.write_index(self._index, str(path))
        except RuntimeError as error:
            raise NewsQAError(f"Can't write '{path}'. Is the disk full? What was indexed is safe.") from error

    @classmethod
    def load(cls, path: Path) -> FaissStore:
        """Read what `save` wrote; raises IndexCorruptError when it can't be."""
        try:
            index = faiss.read_index(str(path))
        except RuntimeError as error:
            raise IndexCorruptError(f"FAISS can't read '{path}': {error}") from error
        if not isinstance(index, faiss.IndexIDMap2):
            raise IndexCorruptError(f"'{path}' is not a newsqa snapshot but a {type(index).__name__}")
        store = cls.__new__(cls)
        store._index = index
        return store
