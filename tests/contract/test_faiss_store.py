from __future__ import annotations

from pathlib import Path

import pytest
from store_contract import StoreContract

from newsqa.errors import IndexCorruptError
from newsqa.store import FaissStore
from newsqa.types import Store


class TestFaissStore(StoreContract):
    def make(self, dimension: int) -> Store:
        return FaissStore(dimension)

    def save(self, store: Store, path: Path) -> None:
        assert isinstance(store, FaissStore)
        store.save(path)

    def load(self, path: Path) -> Store:
        return FaissStore.load(path)

    def test_ids_lists_every_row(self) -> None:
        store = FaissStore(self.vectors.shape[1])
        store.add(self.ids[::-1], self.vectors)
        assert store.ids().tolist() == self.ids.tolist()

    def test_a_file_that_is_no_index_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "noise").write_bytes(b"not an index" * 100)
        with pytest.raises(IndexCorruptError, match="noise"):
            FaissStore.load(tmp_path / "noise")
