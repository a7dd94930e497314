"""What can be exchanged: a class that has these methods takes the place of the one in use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from newsqa.types import Passage, Span, Vectors


class Embedder(Protocol):
    """Turns texts into unit vectors; never truncates in silence."""

    @property
    def model_id(self) -> str:
        """Name and digest; an index refuses to open under another."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    @property
    def max_tokens(self) -> int:
        """Longest input, in the model's own tokens without its special ones."""

    def count(self, texts: Sequence[str]) -> list[int]:
        """Length of each text in the model's own tokens."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed texts, shape (len(texts), dimension), float32, unit length."""


class Reader(Protocol):
    """Finds spans that answer a question."""

    def read(self, question: str, passages: Sequence[Passage]) -> list[Span]:
        """Return one span for each different answer, best first, scores comparable across articles.

        ``passages`` are nearest first.
        """


class Store(Protocol):
    """Nearest-neighbour search by inner product over passage ids."""

    def __len__(self) -> int:
        """How many vectors are held."""

    def add(self, ids: NDArray[np.int64], vectors: Vectors) -> None:
        """Add rows; an id that is already held is replaced."""

    def remove(self, ids: NDArray[np.int64]) -> None:
        """Remove rows; unknown ids are ignored."""

    def search(
        self, vectors: Vectors, k: int, allowed: NDArray[np.int64] | None = None
    ) -> list[list[tuple[int, float]]]:
        """Return up to ``k`` (id, inner product) a row, best first, among ``allowed`` ids."""
