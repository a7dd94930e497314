"""What readers hold in memory, while others write and publish snapshots."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from fakes import HashEmbedder
from newsqa import publishing, snapshot, store
from newsqa.following import Follower
from newsqa.index import Index
from newsqa.ingest import Ingest
from newsqa.settings import Settings
from newsqa.store import FaissStore
from newsqa.types import Filters, Report
from newsqa.verify import verify
from newsqa.writer import Writer

COUNT = 60
QUESTION = "How many boats came to the harbour of district 310?"
VECTOR = HashEmbedder().embed([QUESTION])[0]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(index=tmp_path / "index", lock_timeout=0.2)


@pytest.fixture
def add(settings: Settings, tmp_path: Path) -> Callable[..., Report]:
    """Index articles numbered from ``first`` up to ``last``, of one passage each, a day each."""

    def add(first: int, last: int, *, aside: bool = False, **fields: str) -> Report:
        file = tmp_path / f"{first}.jsonl"
        records = [
            {
                "url": f"https://orvelle.example/{n}",
                "title": f"Report {n}",
                "text": f"Report {n} on the harbour of district {n * 31}. "
                + " ".join(f"Boat {n * 7 + i} came to pier {n * 13 + i}." for i in range(6)),
                "published": f"2025-{1 + n // 28:02}-{1 + n % 28:02}",
                "language": "en",
                **fields,
            }
            for n in range(first, last)
        ]
        file.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
        return Ingest(settings, embedder=HashEmbedder(), aside=aside).index([str(file)])

    return add


def opened(settings: Settings) -> Index:
    return Index.open(settings, HashEmbedder.model_id)


def titles(index: Index, filters: Filters = Filters()) -> set[str]:
    """The articles that both sides of the search find."""
    dense = index.passages([i for i, _ in index.dense(VECTOR, 2 * COUNT, filters)])
    lexical = index.passages([i for i, _ in index.lexical("harbour", 2 * COUNT, filters)])
    assert {p.title for p in dense} == {p.title for p in lexical}
    return {p.title for p in dense}


def reports(*numbers: int) -> set[str]:
    return {f"Report {n}" for n in numbers}


def current(settings: Settings) -> snapshot.Manifest:
    with opened(settings).reading() as connection:
        (name,) = connection.execute("SELECT value FROM meta WHERE key = 'database'").fetchone()
    found = snapshot.read_manifest(settings.index, name)
    assert found is not None
    return found


def test_a_snapshot_is_published_aside_and_taken_up_without_another_commit(
    settings: Settings, add: Callable[..., Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "EXACT", 10)
    add(0, 20)
    index = opened(settings)
    assert titles(index) == reports(*range(20))
    before, going, go = current(settings), threading.Event(), threading.Event()
    save = FaissStore.save

    def slow(*arguments: object, **keywords: object) -> int:
        going.set()
        assert go.wait(60)
        return save(*arguments, **keywords)  # type: ignore[arg-type]

    monkeypatch.setattr(FaissStore, "save", slow)
    report = add(20, 40, aside=True)
    assert (report.added, "snapshot" in report.seconds) == (20, False)
    assert going.wait(60)
    # Meanwhile everything goes on: the old snapshot serves, another may write, and nobody else publishes.
    assert titles(index) == reports(*range(40))
    assert current(settings) == before
    with Writer.open(settings, HashEmbedder.model_id):
        pass
    assert publishing.publish(settings) is False
    go.set()
    (thread,) = (one for one in threading.enumerate() if one.name == "newsqa-snapshot")
    thread.join(60)
    assert current(settings).vectors == 40
    opening = []
    load = snapshot.load
    monkeypatch.setattr(snapshot, "load", lambda *given, **more: opening.append(1) or load(*given, **more))
    assert titles(index) == reports(*range(40))
    assert titles(index) == reports(*range(40))
    assert opening == [1]
    assert all(not check.failed for check in verify(settings, model_id=HashEmbedder.model_id))


def test_a_search_goes_on_in_the_vectors_it_began_with(settings: Settings, add: Callable[..., Report]) -> None:
    add(0, 5)
    index = opened(settings)
    follower = Follower(settings.index, HashEmbedder.model_id)
    with index.reading() as connection:
        old = follower.store(connection)
    add(5, 9)
    with index.reading() as connection:
        assert follower.store(connection) is not old
        assert len(follower.store(connection)) == 9
    assert len(old) == 5


def test_who_finds_another_opening_a_snapshot_goes_on_with_what_there_is(
    settings: Settings, add: Callable[..., Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    add(0, 5)
    index = opened(settings)
    index.load()
    (settings.index / snapshot.MANIFEST).touch()
    with index._follower._lock:
        assert titles(index) == reports(*range(5))


def test_selections_are_exact_at_every_share_before_and_after_changes(
    settings: Settings, add: Callable[..., Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "EXACT", 10)
    add(0, COUNT)
    index = opened(settings)
    half = Filters(until=date(2025, 2, 2))

    def exact() -> None:
        assert titles(index, Filters(since=date(2026, 1, 1))) == set()
        assert titles(index, Filters(since=date(2025, 1, 8), until=date(2025, 1, 8))) == reports(7)
        assert titles(index, half) == reports(*range(COUNT // 2))
        assert titles(index, Filters(since=date(2025, 1, 1))) == reports(*range(COUNT))
        assert titles(index, Filters(languages=("en",))) == reports(*range(COUNT))
        assert index.count(half) == COUNT // 2

    exact()
    exact()
    add(0, 4, title="Report 0")  # edited: other passages, and three titles fewer
    with pytest.raises(AssertionError):
        exact()
    assert titles(index, half) == reports(0, *range(4, COUNT // 2))
    add(0, 4)
    exact()


def test_a_copy_that_brings_no_passage_brings_its_original(
    settings: Settings, add: Callable[..., Report], tmp_path: Path
) -> None:
    add(0, 3)
    index, paper = opened(settings), Filters(outlets=("Paper",))
    assert titles(index, paper) == set()
    article = next(a for a in index.articles() if a.title == "Report 1")
    copy = {"url": "https://paper.example/1", "title": "Copied", "text": article.text, "outlet": "Paper"}
    (tmp_path / "copy.jsonl").write_text(json.dumps(copy), encoding="utf-8")
    assert Ingest(settings, embedder=HashEmbedder()).index([str(tmp_path / "copy.jsonl")]).copies == 1
    assert titles(index, paper) == reports(1)


def test_threads_share_what_was_selected(settings: Settings, add: Callable[..., Report]) -> None:
    add(0, 3)
    index, some = opened(settings), Filters(languages=("en",))
    found = []

    def select() -> None:
        with index.reading() as connection:
            found.append(index._selections.passages(connection, some))

    for thread in [threading.Thread(target=select) for _ in range(3)]:
        thread.start()
        thread.join()
    assert found[0].tolist() == [1, 2, 3]
    assert found[1] is found[0]
    assert found[2] is found[0]


def test_what_was_rebuilt_several_times_is_divided_for_what_is_left(
    settings: Settings, add: Callable[..., Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids grow with every rebuild; the number of cells goes by the vectors."""
    monkeypatch.setattr(store, "EXACT", 10)
    add(0, COUNT)
    for _ in range(3):
        Ingest(settings, embedder=HashEmbedder()).index(rebuild=True)
    found = snapshot.load(settings.index, current(settings).database)
    assert found is not None
    assert found[0]._mapped.nlist == round(2 * np.sqrt(COUNT))
    assert len(found[0]) == COUNT
