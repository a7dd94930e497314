"""Stand-ins that need no model."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import numpy as np

from newsqa.types import Vectors


class HashEmbedder:
    """Bag of hashed words: deterministic, and near where words are shared. Counts what it embeds."""

    model_id = "hash@1"
    dimension = 64
    max_tokens = 300

    def __init__(self) -> None:
        self.embedded: list[str] = []

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(re.findall(r"\w+|[^\w\s]", text)) for text in texts]

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.embedded += texts
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word in re.findall(r"\w+", text.lower()):
                row[zlib.crc32(word.encode()) % self.dimension] += 1
        unit: Vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        return unit
