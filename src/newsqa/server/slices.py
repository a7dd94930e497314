"""Embedding for an index beside answers: in small portions, so that no question waits behind a large one."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from newsqa.protocols import Embedder
from newsqa.types import Vectors

PORTION = 8 * (os.cpu_count() or 1)
"""Texts at a time: enough to keep every core busy for a moment."""


class InSlices:
    """Another embedder, handed few texts at a time; what it computes is the same."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.model_id = embedder.model_id

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._embedder.dimension

    @property
    def max_tokens(self) -> int:
        """Longest input, in the model's own tokens without its special ones."""
        return self._embedder.max_tokens

    def count(self, texts: Sequence[str]) -> list[int]:
        """Length of each text in the model's own tokens."""
        return self._embedder.count(texts)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed texts, shape (len(texts), dimension), float32, unit length."""
        vectors = np.empty((len(texts), self.dimension), np.float32)
        for start in range(0, len(texts), PORTION):
            vectors[start : start + PORTION] = self._embedder.embed(texts[start : start + PORTION])
        return vectors
