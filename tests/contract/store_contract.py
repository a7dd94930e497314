"""What every store must do, checked by value against brute force in NumPy.

A store's test class inherits `StoreContract` and says how to make one.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from newsqa.errors import UsageError
from newsqa.protocols import Store
from newsqa.types import Vectors

DIMENSION = 24
K = 10


def unit_vectors(count: int, seed: int = 7) -> Vectors:
    raw = np.random.default_rng(seed).normal(size=(count, DIMENSION))
    rows: Vectors = (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32)
    # Stores may keep half precision; rounding first makes the expected scores exact for both.
    return rows.astype(np.float16).astype(np.float32)


def brute_force(ids: NDArray[np.int64], vectors: Vectors, query: Vectors, k: int) -> list[tuple[int, float]]:
    scores = vectors @ query
    return [(int(ids[i]), float(scores[i])) for i in np.argsort(-scores)[:k]]


def assert_same(found: list[tuple[int, float]], expected: list[tuple[int, float]]) -> None:
    assert [i for i, _ in found] == [i for i, _ in expected]
    assert [s for _, s in found] == pytest.approx([s for _, s in expected], abs=1e-5)


class StoreContract:
    """Inherit, and implement the three hooks."""

    def make(self, dimension: int) -> Store:
        raise NotImplementedError("a store's test class says how to make one")

    def save(self, store: Store, path: Path) -> None:
        raise NotImplementedError("a store's test class says how to save one")

    def load(self, path: Path) -> Store:
        raise NotImplementedError("a store's test class says how to load one")

    ids = np.arange(200, dtype=np.int64) * 3 + 5
    vectors = unit_vectors(200)
    queries = unit_vectors(6, seed=11)

    def filled(self) -> Store:
        store = self.make(DIMENSION)
        store.add(self.ids, self.vectors)
        return store

    def test_an_empty_store_finds_nothing(self) -> None:
        store = self.make(DIMENSION)
        assert len(store) == 0
        assert store.search(self.queries, K) == [[] for _ in self.queries]

    def test_search_equals_brute_force(self) -> None:
        found = self.filled().search(self.queries, K)
        for row, query in zip(found, self.queries, strict=True):
            assert_same(row, brute_force(self.ids, self.vectors, query, K))

    def test_k_above_count_gives_everything_once(self) -> None:
        (row,) = self.filled().search(self.queries[:1], 1000)
        assert_same(row, brute_force(self.ids, self.vectors, self.queries[0], 1000))

    @pytest.mark.parametrize("k", [0, -1])
    def test_k_below_one_gives_nothing(self, k: int) -> None:
        assert self.filled().search(self.queries[:1], k) == [[]]

    def test_adding_a_held_id_replaces_it(self) -> None:
        store = self.filled()
        store.add(self.ids[:1], self.queries[:1])
        assert len(store) == len(self.ids)
        vectors = np.concatenate([self.queries[:1], self.vectors[1:]])
        (row,) = store.search(self.queries[:1], K)
        assert_same(row, brute_force(self.ids, vectors, self.queries[0], K))

    def test_removed_rows_are_never_found(self) -> None:
        store = self.filled()
        store.remove(np.append(self.ids[::2], 999_999))
        assert len(store) == len(self.ids[1::2])
        for row, query in zip(store.search(self.queries, K), self.queries, strict=True):
            assert_same(row, brute_force(self.ids[1::2], self.vectors[1::2], query, K))

    @pytest.mark.parametrize("step", [2, 40, 150])
    def test_a_filter_is_exact_at_every_selectivity(self, step: int) -> None:
        allowed = np.append(self.ids[::step], 999_999)
        for row, query in zip(self.filled().search(self.queries, K, allowed), self.queries, strict=True):
            assert_same(row, brute_force(self.ids[::step], self.vectors[::step], query, K))

    def test_a_filter_that_allows_nothing_finds_nothing(self) -> None:
        assert self.filled().search(self.queries[:1], K, np.empty(0, np.int64)) == [[]]

    def test_save_and_load_keep_every_row(self, tmp_path: Path) -> None:
        store = self.filled()
        self.save(store, tmp_path / "store")
        loaded = self.load(tmp_path / "store")
        assert loaded.search(self.queries, 1000) == store.search(self.queries, 1000)

    def test_a_loaded_store_takes_changes(self, tmp_path: Path) -> None:
        self.save(self.filled(), tmp_path / "store")
        loaded = self.load(tmp_path / "store")
        loaded.remove(self.ids[1:])
        loaded.add(np.array([1], np.int64), self.queries[:1])
        (row,) = loaded.search(self.queries[:1], K)
        vectors = np.concatenate([self.queries[:1], self.vectors[:1]])
        assert_same(row, brute_force(np.array([1, self.ids[0]]), vectors, self.queries[0], K))

    def test_a_wrong_dimension_is_refused(self) -> None:
        store = self.filled()
        with pytest.raises(UsageError, match="shape"):
            store.add(self.ids[:1], np.ones((1, DIMENSION + 1), np.float32))
        with pytest.raises(UsageError, match="shape"):
            store.search(np.ones((1, DIMENSION + 1), np.float32), K)
        assert len(store) == len(self.ids)
