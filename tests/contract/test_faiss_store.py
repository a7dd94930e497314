from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import faiss
import numpy as np
import pytest
from store_contract import DIMENSION, StoreContract, brute_force, unit_vectors

from newsqa import store
from newsqa.cells import Halves, Ids
from newsqa.errors import IndexCorruptError
from newsqa.protocols import Store
from newsqa.store import FaissStore
from newsqa.types import Vectors


class TestFaissStore(StoreContract):
    def make(self, dimension: int) -> Store:
        return FaissStore(dimension)

    def save(self, store: Store, path: Path) -> None:
        assert isinstance(store, FaissStore)
        store.save(path)

    def load(self, path: Path) -> Store:
        return FaissStore.load(path)

    def test_a_file_that_is_no_index_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "noise").write_bytes(b"not an index" * 100)
        with pytest.raises(IndexCorruptError, match="noise"):
            FaissStore.load(tmp_path / "noise")


class TestMappedFaissStore(TestFaissStore):
    """The same, where most of what is held lies in the cells of a file and some of it was changed since."""

    @pytest.fixture(autouse=True)
    def _small(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(store, "EXACT", 50)
        self.file = tmp_path / "mapped"

    def filled(self) -> Store:
        stale = FaissStore(DIMENSION)
        stale.add(self.ids[:150], np.roll(self.vectors[:150], 1, axis=0))
        stale.add(np.array([3, 4]), self.queries[:2])
        stale.save(self.file)
        filled = FaissStore.load(self.file)
        filled.add(self.ids[100:], self.vectors[100:])
        filled.add(self.ids[:100], self.vectors[:100])
        filled.remove(np.array([3, 4]))
        return filled


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FaissStore:
    """Three thousand vectors about three hundred topics, of which a search sees less than half."""
    monkeypatch.setattr(store, "EXACT", 50)
    monkeypatch.setattr(store, "PROBED", 20)
    filled = FaissStore(DIMENSION)
    filled.add(IDS, VECTORS)
    filled.save(tmp_path / "large")
    return FaissStore.load(tmp_path / "large")


def topics(count: int, each: int) -> Vectors:
    raw = np.repeat(unit_vectors(count), each, axis=0) + 0.5 * unit_vectors(count * each, seed=8)
    rows: Vectors = (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float16).astype(np.float32)
    return rows


VECTORS = topics(300, 10)
IDS: Ids = np.arange(len(VECTORS), dtype=np.int64) * 2 + 1
QUERIES = unit_vectors(300)[::10]


def recall(found: list[list[tuple[int, float]]], ids: Ids, vectors: Vectors) -> float:
    exact = [{i for i, _ in brute_force(ids, vectors, query, 10)} for query in QUERIES]
    return float(np.mean([len({i for i, _ in row} & best) / 10 for row, best in zip(found, exact, strict=True)]))


def test_a_large_store_finds_nearly_all_of_the_nearest(large: FaissStore) -> None:
    assert recall(large.search(QUERIES, 10), IDS, VECTORS) > 0.95


@pytest.mark.parametrize("step", [11, 100, 1500])
def test_a_filter_that_keeps_little_is_exact_in_a_large_store(large: FaissStore, step: int) -> None:
    for row, query in zip(large.search(QUERIES, 10, IDS[::step]), QUERIES, strict=True):
        best = brute_force(IDS[::step], VECTORS[::step], query, 10)
        # Not the order, in which equals may differ by their last bit.
        assert {i for i, _ in row} == {i for i, _ in best}
        assert [s for _, s in row] == pytest.approx([s for _, s in best], abs=1e-5)


def test_a_filter_that_keeps_much_finds_nearly_all_and_nothing_else(large: FaissStore) -> None:
    found = large.search(QUERIES, 10, IDS[::3])
    assert {i for row in found for i, _ in row} <= set(IDS[::3].tolist())
    assert recall(found, IDS[::3], VECTORS[::3]) > 0.95


def test_what_is_saved_again_keeps_its_cells_until_they_are_too_few(large: FaissStore, tmp_path: Path) -> None:
    large.remove(IDS[::2])
    large.add(IDS[:3] + 1, VECTORS[:3])
    large.save(tmp_path / "again")
    again = FaissStore.load(tmp_path / "again")
    assert again._mapped.nlist == large._mapped.nlist
    held = np.concatenate([ids for ids, _ in again.batches()])
    assert sorted(held.tolist()) == sorted([*IDS[1::2].tolist(), *(IDS[:3] + 1).tolist()])
    again.remove(IDS[301:])
    again.save(tmp_path / "less")
    assert FaissStore.load(tmp_path / "less")._mapped.nlist < large._mapped.nlist / 2


def test_batches_hold_every_vector_once(large: FaissStore) -> None:
    large.remove(IDS[:10])
    large.add(IDS[:4], VECTORS[:4])
    ids, vectors = (np.concatenate(parts) for parts in zip(*large.batches(), strict=True))
    order = np.argsort(ids)
    kept = np.r_[0:4, 10 : len(IDS)]
    assert ids[order].tolist() == IDS[kept].tolist()
    assert np.array_equal(vectors[order], VECTORS[kept].astype(np.float16))


def test_a_file_that_is_replaced_goes_on_serving(large: FaissStore, tmp_path: Path) -> None:
    before = large.search(QUERIES, 5)
    (tmp_path / "new").write_bytes(b"something else")
    (tmp_path / "new").replace(tmp_path / "large")
    assert large.search(QUERIES, 5) == before


def test_what_is_added_while_saving_is_in_the_file_and_not_in_memory(large: FaissStore, tmp_path: Path) -> None:
    large.remove(IDS[:10])
    large.add(IDS[:4], VECTORS[:4])
    new, more = IDS[:500] + 1, topics(50, 10)
    gone_through = []

    class Added:
        def __iter__(self) -> Iterator[tuple[Ids, Halves]]:
            gone_through.append(1)
            yield from ((new[i : i + 100], more[i : i + 100].astype(np.float16)) for i in range(0, 500, 100))

    held = len(large)
    assert large.save(tmp_path / "more", added=Added(), most=500) == held + 500
    assert len(large) == held
    assert len(gone_through) == 2  # its centres fit, so that none are learnt
    again = FaissStore.load(tmp_path / "more")
    ids, vectors = (np.concatenate(parts) for parts in zip(*again.batches(), strict=True))
    kept = np.concatenate([IDS[:4], IDS[10:], new]).tolist()
    expected = dict(zip(kept, np.concatenate([VECTORS[:4], VECTORS[10:], more]), strict=True))
    assert sorted(ids.tolist()) == sorted(expected)
    assert all(np.array_equal(v, expected[int(i)].astype(np.float16)) for i, v in zip(ids, vectors, strict=True))
    assert recall(again.search(QUERIES, 10), np.array([*expected]), np.stack([*expected.values()])) > 0.95


def test_the_file_is_the_one_that_faiss_writes(tmp_path: Path) -> None:
    store = FaissStore(DIMENSION)
    store.add(IDS[:9], VECTORS[:9])
    store.save(tmp_path / "ours")
    faiss.write_index(store._recent, str(tmp_path / "theirs"))
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()


def test_a_fork_changes_by_itself(large: FaissStore) -> None:
    fork = large.fork()
    fork.add(IDS[:2] + 1, VECTORS[:2])
    fork.remove(IDS[5:])
    assert len(fork) == 7
    assert len(large) == len(IDS)
    assert {i for i, _ in large.search(VECTORS[:1], 5)[0]}.isdisjoint((IDS[:2] + 1).tolist())


def test_no_more_vectors_than_needed_are_compared(large: FaissStore, monkeypatch: pytest.MonkeyPatch) -> None:
    held, cells = len(large), large._mapped.nlist
    assert large._probed(None) == 20
    monkeypatch.setattr(store, "COMPARED", held * 5 // cells)
    assert large._probed(None) == 5
    assert large._probed(held // 2) == 10
    assert large._probed(held // 10) == cells
