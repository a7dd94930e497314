"""The life of an index: incremental, copies, edits, removal, pruning, damage, two writers."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

import filelock
import pytest

from fakes import HashEmbedder
from newsqa import chunk, database, snapshot, store
from newsqa.errors import (
    ArticleNotFoundError,
    IndexCorruptError,
    IndexLockedError,
    IndexMismatchError,
    IndexMissingError,
    NewsQAError,
    SourceError,
    UsageError,
)
from newsqa.index import Index
from newsqa.ingest import Ingest
from newsqa.meta import read_meta
from newsqa.qa import QA
from newsqa.settings import Settings
from newsqa.types import Filters, Progress, Report
from newsqa.verify import verify
from newsqa.writer import Writer

BRIDGE = "The council of Orvelle voted 7 to 4 on Monday to build the Lantern Bridge. It will cost 41 million crowns. "
STRIKE = (
    "Dock workers in Port Maren ended their strike after nineteen days. Union leader Tove Aldane called it a draw. "
)
FILLER = "The weather stayed mild along the coast, and the ferries ran on time all week as they had the week before. "


@pytest.fixture
def embedder() -> HashEmbedder:
    return HashEmbedder()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(index=tmp_path / "index", lock_timeout=0.2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "articles").mkdir()
    return tmp_path / "articles"


@pytest.fixture
def run(settings: Settings, embedder: HashEmbedder, folder: Path) -> Callable[..., Report]:
    def index(**options: bool) -> Report:
        return Ingest(settings, embedder=embedder).index([str(folder)], **options)  # type: ignore[arg-type]

    return index


def write(folder: Path, name: str, text: str, **fields: str) -> None:
    article = {"title": name, "text": text, "url": f"https://orvelle.example/{name}", **fields}
    (folder / f"{name}.jsonl").write_text(json.dumps(article) + "\n", encoding="utf-8")


def opened(settings: Settings) -> Index:
    return Index.open(settings, HashEmbedder.model_id)


def name(settings: Settings) -> str:
    with opened(settings).reading() as connection:
        return read_meta(connection)["database"]


def sound(settings: Settings) -> bool:
    return not any(check.failed for check in verify(settings, model_id=HashEmbedder.model_id))


def quotes(settings: Settings, question: str) -> list[str]:
    qa = QA.open(settings, embedder=HashEmbedder())
    return [passage.text for passage in qa.retrieve(question, k=5)]


def test_a_second_run_embeds_nothing(run: Callable[..., Report], folder: Path, embedder: HashEmbedder) -> None:
    write(folder, "bridge", BRIDGE)
    write(folder, "strike", STRIKE)
    first = run()
    assert (first.added, first.embedded) == (2, 2)
    embedder.embedded.clear()
    second = run()
    assert (second.added, second.updated, second.unchanged, second.embedded) == (0, 0, 2, 0)
    assert embedder.embedded == []


def test_only_the_changed_article_is_embedded_and_the_old_revision_stays(
    run: Callable[..., Report], folder: Path, settings: Settings, embedder: HashEmbedder
) -> None:
    write(folder, "bridge", BRIDGE)
    write(folder, "strike", STRIKE)
    run()
    before = {a.title: a for a in opened(settings).articles()}["bridge"]
    embedder.embedded.clear()
    write(folder, "bridge", BRIDGE.replace("41", "43"))
    report = run()
    assert (report.updated, report.unchanged, report.embedded) == (1, 1, 1)
    assert len(embedder.embedded) == 1
    index = opened(settings)
    now = index.article(before.id)
    assert (now.revision, "43 million" in now.text) == (2, True)
    assert index.article(before.id, 1) == before
    assert "41 million" not in " ".join(quotes(settings, "How much will the Lantern Bridge cost?"))


def test_a_reverted_article_takes_its_first_revision_up_again(
    run: Callable[..., Report], folder: Path, settings: Settings
) -> None:
    for text in (BRIDGE, STRIKE, BRIDGE):
        write(folder, "page", text)
        run()
    (article,) = opened(settings).articles()
    assert (article.revision, article.text) == (1, BRIDGE.strip())


def test_near_copies_are_listed_but_searched_once(run: Callable[..., Report], folder: Path, settings: Settings) -> None:
    body = BRIDGE + "".join(f"{FILLER}{n} boats sailed. " for n in range(30))
    write(folder, "a-first", body)
    write(folder, "b-copy", body.replace("mild", "fair", 1))
    write(folder, "c-other", STRIKE)
    report = run()
    assert (report.added, report.copies) == (3, 1)
    index = opened(settings)
    articles = {a.title: a for a in index.articles()}
    assert articles["b-copy"].copy_of == articles["a-first"].id
    assert [a.title for a in index.copies(articles["a-first"].id)] == ["b-copy"]
    passages = QA.open(settings, embedder=HashEmbedder()).retrieve("Lantern Bridge", k=50)
    assert articles["b-copy"].id not in {p.article_id for p in passages}


def test_a_copy_takes_over_when_its_original_is_removed(
    run: Callable[..., Report], folder: Path, settings: Settings, embedder: HashEmbedder
) -> None:
    write(folder, "a-first", BRIDGE)
    write(folder, "b-copy", BRIDGE)
    run()
    original = next(a for a in opened(settings).articles() if a.copy_of is None)
    Ingest(settings, embedder=embedder).remove([original.id])
    (left,) = opened(settings).articles()
    assert (left.title, left.copy_of) == ("b-copy", None)
    assert BRIDGE.strip() in quotes(settings, "Who voted for the bridge?")


def test_a_removed_article_is_gone_at_once_and_stays_away(
    run: Callable[..., Report], folder: Path, settings: Settings, embedder: HashEmbedder
) -> None:
    write(folder, "bridge", BRIDGE)
    write(folder, "strike", STRIKE)
    run()
    qa = QA.open(settings, embedder=embedder)
    assert BRIDGE.strip() in [p.text for p in qa.retrieve("Lantern Bridge", k=5)]
    (bridge,) = (a for a in qa.index.articles() if a.title == "bridge")
    assert Ingest(settings, embedder=embedder).remove([bridge.id]).removed == 1
    assert [p.text for p in qa.retrieve("Lantern Bridge", k=5)] == [STRIKE.strip()]
    with pytest.raises(ArticleNotFoundError, match=bridge.id):
        qa.index.article(bridge.id)
    write(folder, "bridge", BRIDGE + "More was said. ")
    assert run().added == 0
    assert run(restore=True).added == 1


def test_removing_an_unknown_article_removes_nothing(
    run: Callable[..., Report], folder: Path, settings: Settings, embedder: HashEmbedder
) -> None:
    write(folder, "bridge", BRIDGE)
    run()
    (bridge,) = opened(settings).articles()
    with pytest.raises(ArticleNotFoundError, match="nosuch"):
        Ingest(settings, embedder=embedder).remove([bridge.id, "nosuch"])
    assert opened(settings).count() == 1


def test_prune_removes_what_is_gone_from_the_source_only(
    run: Callable[..., Report], folder: Path, settings: Settings, tmp_path: Path, embedder: HashEmbedder
) -> None:
    write(folder, "bridge", BRIDGE)
    write(folder, "strike", STRIKE)
    (tmp_path / "other").mkdir()
    write(tmp_path / "other", "filler", FILLER)
    Ingest(settings, embedder=embedder).index([str(tmp_path / "other")])
    run()
    (folder / "strike.jsonl").unlink()
    assert run().removed == 0
    assert opened(settings).count() == 3
    assert run(prune=True).removed == 1
    assert {a.title for a in opened(settings).articles()} == {"bridge", "filler"}


def test_prune_removes_a_record_that_left_its_file(
    run: Callable[..., Report], folder: Path, settings: Settings
) -> None:
    records = [{"title": t, "text": x, "url": f"https://o.example/{t}"} for t, x in (("a", BRIDGE), ("b", STRIKE))]
    file = folder / "all.jsonl"
    file.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    run()
    file.write_text(json.dumps(records[0]), encoding="utf-8")
    assert run(prune=True).removed == 1
    assert [a.title for a in opened(settings).articles()] == ["a"]


def test_prune_keeps_what_can_only_not_be_read_now(
    run: Callable[..., Report], folder: Path, settings: Settings
) -> None:
    write(folder, "bridge", BRIDGE)
    run()
    (folder / "bridge.jsonl").write_bytes(b"\x1f\x8b\x08\x00broken")
    report = run(prune=True)
    assert (report.removed, len(report.rejected)) == (0, 1)
    assert opened(settings).count() == 1


def test_a_missing_source_is_refused_and_a_vanished_one_is_reported(
    run: Callable[..., Report], folder: Path, settings: Settings, embedder: HashEmbedder
) -> None:
    write(folder, "bridge", BRIDGE)
    run()
    ingest = Ingest(settings, embedder=embedder)
    with pytest.raises(SourceError, match="nowhere"):
        ingest.index(["nowhere"])
    assert [s.location for s in opened(settings).sources()] == [str(folder)]
    shutil.rmtree(folder)
    report = ingest.index(prune=True)
    assert (report.removed, [r.location for r in report.rejected]) == (0, [str(folder)])
    assert opened(settings).count() == 1


def test_forgetting_a_source_removes_what_only_it_brought(
    run: Callable[..., Report], folder: Path, settings: Settings, embedder: HashEmbedder
) -> None:
    write(folder, "bridge", BRIDGE)
    write(folder, "strike", STRIKE)
    ingest = Ingest(settings, embedder=embedder)
    ingest.index([str(folder / "bridge.jsonl")])
    run()
    assert ingest.forget(str(folder)).removed == 1
    assert [a.title for a in opened(settings).articles()] == ["bridge"]
    with pytest.raises(UsageError, match="nowhere"):
        ingest.forget("nowhere")


def test_records_without_a_url_are_articles_of_their_own(
    run: Callable[..., Report], folder: Path, settings: Settings
) -> None:
    records = [{"title": "a", "text": BRIDGE}, {"title": "b", "text": STRIKE}]
    (folder / "all.jsonl").write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    assert run().added == 2
    assert {a.title: a.revision for a in opened(settings).articles()} == {"a": 1, "b": 1}


def test_one_bad_article_is_reported_and_the_rest_is_indexed(run: Callable[..., Report], folder: Path) -> None:
    lines = [
        json.dumps({"title": "a", "text": BRIDGE, "url": "https://o.example/a"}),
        "{broken",
        '{"title": "x"}',
        '{"text": "7."}',
    ]
    (folder / "all.jsonl").write_text("\n".join(lines), encoding="utf-8")
    report = run()
    assert report.added == 1
    assert [r.line for r in report.rejected] == [2, 3, 4]


def test_filters_are_exact(run: Callable[..., Report], folder: Path, settings: Settings) -> None:
    write(folder, "old", BRIDGE, outlet="Orvelle Post", published="2024-05-01", language="en-GB")
    write(folder, "new", STRIKE, outlet="Maren Daily", published="2025-03-02T08:00:00+01:00", language="German")
    write(folder, "undated", FILLER, outlet="Maren Daily")
    run()
    index = opened(settings)

    def titles(**fields: object) -> set[str]:
        filters = Filters(**fields)  # type: ignore[arg-type]
        listed = {a.title for a in index.articles(filters)}
        vector = HashEmbedder().embed(["the council and dock workers"])[0]
        found = {p.title for p in index.passages([i for i, _ in index.dense(vector, 9, filters)])}
        lexical = {p.title for p in index.passages([i for i, _ in index.lexical("council dock ferries", 9, filters)])}
        assert listed == found == lexical
        assert index.count(filters) == len(listed)
        return listed

    assert titles() == {"old", "new", "undated"}
    assert titles(outlets=("maren daily",)) == {"new", "undated"}
    assert titles(since=date(2024, 5, 1), until=date(2024, 5, 1)) == {"old"}
    assert titles(since=date(2025, 3, 2)) == {"new"}
    assert titles(since=date(2026, 1, 1)) == set()
    assert titles(languages=("en",)) == {"old", "undated"}
    assert titles(languages=("de", "fr")) == {"new"}
    assert titles(languages=("fr",)) == set()
    assert titles(languages=("de", "en")) == {"old", "new", "undated"}
    assert titles(languages=("en",), outlets=("Maren Daily",)) == {"undated"}


def test_the_long_running_reader_follows_the_writer(
    run: Callable[..., Report], folder: Path, settings: Settings
) -> None:
    write(folder, "bridge", BRIDGE)
    run()
    qa = QA.open(settings, embedder=HashEmbedder())
    assert len(qa.retrieve("dock strike", k=5)) == 1
    write(folder, "strike", STRIKE)
    run()
    assert STRIKE.strip() in [p.text for p in qa.retrieve("dock strike", k=5)]


def write_reports(folder: Path, count: int) -> None:
    for n in range(count):
        write(folder, f"a{n}", f"Report {n} on the harbour of district {n * 31}. " + n * "More boats came. ")


def test_the_long_running_reader_takes_up_a_new_snapshot_with_all_that_came_before_and_after(
    run: Callable[..., Report], folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Vectors in the cells of a mapped file, while articles are added, edited and removed around it."""
    monkeypatch.setattr(store, "EXACT", 10)
    write_reports(folder, 20)
    run()
    qa = QA.open(settings, embedder=HashEmbedder())
    first = qa.retrieve("Lantern Bridge", k=50)
    assert len(first) >= 20
    write(folder, "bridge", BRIDGE)
    run()
    assert BRIDGE.strip() in [p.text for p in qa.retrieve("Lantern Bridge", k=3)]
    published = snapshot.read_manifest(settings.index, name(settings))
    write(folder, "bridge", BRIDGE.replace("41", "43"))
    for n in range(5):
        (folder / f"a{n}.jsonl").unlink()
        write(folder, f"b{n}", f"Notes {n} from ward {n * 17}, where {n} bakers met. " + n * "They talked. ")
    run(prune=True)
    now = snapshot.read_manifest(settings.index, name(settings))
    assert published is not None
    assert now is not None
    assert now.file != published.file
    for reader in (qa, QA.open(settings, embedder=HashEmbedder())):
        found = reader.retrieve("What will the Lantern Bridge cost the council of Orvelle?", k=60)
        assert "43 million" in found[0].text
        assert {p.title for p in found} == {"bridge", *(f"a{n}" for n in range(5, 20)), *(f"b{n}" for n in range(5))}
    assert sound(settings)


def test_one_more_article_leaves_the_snapshot_as_it_is(
    run: Callable[..., Report], folder: Path, settings: Settings
) -> None:
    write_reports(folder, 20)
    run()
    before = snapshot.read_manifest(settings.index, name(settings))
    write(folder, "bridge", BRIDGE)
    run()
    assert snapshot.read_manifest(settings.index, name(settings)) == before
    assert BRIDGE.strip() in quotes(settings, "Lantern Bridge")


@pytest.mark.parametrize(
    ("damage", "check", "fault"),
    [
        ("UPDATE passages SET vector = zeroblob(128) WHERE id = 1", "snapshot", "passage 1"),
        ("DELETE FROM postings WHERE term = 'lantern'", "lexicon", "passage 1"),
        ("UPDATE postings SET entries = x'010001' WHERE term = 'lantern'", "lexicon", "passage 1"),
        ("INSERT INTO postings VALUES ('ghost', 3, x'010001')", "lexicon", "passage 3"),
    ],
)
def test_what_is_searched_is_verified_against_the_passages(
    run: Callable[..., Report], folder: Path, settings: Settings, damage: str, check: str, fault: str
) -> None:
    write(folder, "bridge", BRIDGE)
    write(folder, "strike", STRIKE)
    run()
    with closing(sqlite3.connect(settings.index / database.FILE)) as connection, connection:
        connection.execute(damage)
    failed = {c.name: c.failures for c in verify(settings, model_id=HashEmbedder.model_id) if c.failed}
    assert list(failed) == [check]
    (failure,) = failed[check]
    assert fault in failure


def test_verify_reads_a_snapshot_whole_where_opening_checks_its_ends(
    run: Callable[..., Report], folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "ENDS", 64)
    write_reports(folder, 9)
    run()
    (file,) = settings.index.glob("vectors-*.faiss")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert snapshot.load(settings.index, name(settings)) is not None
    assert [c.name for c in verify(settings, model_id=HashEmbedder.model_id) if c.failed] == ["snapshot"]
    file.write_bytes(content[:-1])
    with pytest.raises(IndexCorruptError, match="damaged"):
        snapshot.load(settings.index, name(settings))


def test_readers_see_whole_states_while_a_writer_works(
    run: Callable[..., Report], folder: Path, settings: Settings
) -> None:
    """Every article has all of its passages, or is not there."""
    long = "".join(f"{FILLER}{n} boats sailed from Port Maren. " for n in range(60))
    write(folder, "seed", long)
    run()
    index, faults = opened(settings), []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            with index.reading() as connection:
                rows = connection.execute(
                    """SELECT a.id, length(rtrim(r.text)), max(p."end") FROM articles a JOIN revisions r
                    ON r.article_id = a.id JOIN passages p ON p.article_id = a.id WHERE NOT a.pending GROUP BY a.id"""
                ).fetchall()
            faults.extend(tuple(row) for row in rows if row[1] != row[2])

    thread = threading.Thread(target=read)
    thread.start()
    try:
        for n in range(15):
            write(folder, f"more{n}", f"Report number {n} from district {n * n}. " + long[n * 50 :][: 2000 + 97 * n])
            run()
    finally:
        stop.set()
        thread.join()
    assert faults == []
    assert index.count() == 16


def test_a_second_writer_gets_a_clear_error(run: Callable[..., Report], folder: Path, settings: Settings) -> None:
    write(folder, "bridge", BRIDGE)
    run()
    with filelock.FileLock(settings.index / "writer.lock"), pytest.raises(IndexLockedError, match="Another process"):
        run()


def test_a_missing_index_says_what_to_run(settings: Settings, embedder: HashEmbedder) -> None:
    with pytest.raises(IndexMissingError, match="newsqa index"):
        opened(settings)
    with pytest.raises(IndexMissingError, match="newsqa index"):
        Ingest(settings, embedder=embedder).index()
    assert not settings.index.exists()


def test_another_model_or_chunking_is_refused_until_rebuilt(
    run: Callable[..., Report], folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, "bridge", BRIDGE)
    run()
    with pytest.raises(IndexMismatchError, match=r"model 'hash@1'.*--rebuild"):
        Index.open(settings, "other@2")
    monkeypatch.setattr(chunk, "CHUNKING", "paragraphs/v9")
    with pytest.raises(IndexMismatchError, match="chunking"):
        opened(settings)
    with pytest.raises(IndexMismatchError, match="chunking"):
        run()
    report = run(rebuild=True)
    assert (report.added, report.unchanged, report.embedded) == (0, 1, 1)
    assert BRIDGE.strip() in quotes(settings, "Lantern Bridge")


def test_a_damaged_snapshot_is_read_around_and_mended(
    run: Callable[..., Report], folder: Path, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    write(folder, "bridge", BRIDGE)
    run()
    (file,) = settings.index.glob("vectors-*.faiss")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)
    assert BRIDGE.strip() in quotes(settings, "Lantern Bridge")
    assert "damaged" in caplog.text
    run()
    assert snapshot.load(settings.index, name(settings)) is not None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"file": "gone.faiss"}'])
def test_a_damaged_manifest_is_read_around_and_mended(
    run: Callable[..., Report], folder: Path, settings: Settings, content: bytes
) -> None:
    write(folder, "bridge", BRIDGE)
    run()
    (settings.index / snapshot.MANIFEST).write_bytes(content)
    with pytest.raises(IndexCorruptError):
        snapshot.load(settings.index, name(settings))
    assert BRIDGE.strip() in quotes(settings, "Lantern Bridge")
    run()
    assert snapshot.load(settings.index, name(settings)) is not None


@pytest.mark.parametrize("damage", [b"this is not a database, not at all" * 300, b""])
def test_a_damaged_database_is_never_overwritten(
    run: Callable[..., Report], folder: Path, settings: Settings, damage: bytes
) -> None:
    write(folder, "bridge", BRIDGE)
    run()
    file = settings.index / database.FILE
    for side in settings.index.glob(f"{database.FILE}-*"):
        side.unlink()
    file.write_bytes(damage)
    with pytest.raises(IndexCorruptError, match="damaged"):
        opened(settings)
    with pytest.raises(IndexCorruptError, match="damaged"):
        run()
    assert file.read_bytes() == damage


def test_a_full_disk_loses_nothing_that_was_committed(
    run: Callable[..., Report], folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, "bridge", BRIDGE)
    run()
    write(folder, "strike", STRIKE)

    def no_space(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Writer, "add_passages", no_space)
        with pytest.raises(Exception, match="No space left"):
            run()
    assert quotes(settings, "dock strike") == [BRIDGE.strip()]
    assert run().embedded == 1
    assert STRIKE.strip() in quotes(settings, "dock strike")


def test_a_new_database_in_an_old_folder_does_not_take_the_old_vectors(
    run: Callable[..., Report], folder: Path, settings: Settings
) -> None:
    for n in range(5):
        write(folder, f"a{n}", f"Report {n}. {STRIKE}{n * 'More boats. '}")
    run()
    (settings.index / database.FILE).unlink()
    shutil.rmtree(folder)
    folder.mkdir()
    write(folder, "bridge", BRIDGE)
    run()
    assert quotes(settings, "Lantern Bridge") == [BRIDGE.strip()]
    assert sound(settings)


def test_a_database_restored_from_a_backup_does_not_take_newer_vectors(
    run: Callable[..., Report], folder: Path, settings: Settings, tmp_path: Path
) -> None:
    write(folder, "bridge", BRIDGE)
    run()
    shutil.copy(settings.index / database.FILE, tmp_path / "backup")
    write(folder, "strike", STRIKE)
    run()
    for file in settings.index.glob(f"{database.FILE}*"):
        file.unlink()
    shutil.copy(tmp_path / "backup", settings.index / database.FILE)
    assert quotes(settings, "dock strike") == [BRIDGE.strip()]
    write(folder, "strike", FILLER)
    run()
    assert set(quotes(settings, "ferries on time")) == {BRIDGE.strip(), FILLER.strip()}
    assert sound(settings)


def test_the_log_of_a_lost_database_is_not_replayed_into_a_new_one(
    run: Callable[..., Report], folder: Path, settings: Settings
) -> None:
    settings.index.mkdir()
    (settings.index / f"{database.FILE}-wal").write_bytes(b"left behind")
    write(folder, "bridge", BRIDGE)
    with pytest.raises(IndexCorruptError, match="move"):
        run()


def test_texts_piped_in_are_articles_of_their_own(
    settings: Settings, embedder: HashEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for text in (BRIDGE, STRIKE, BRIDGE):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        Ingest(settings, embedder=embedder).index(["-"], prune=True)
    assert sorted(a.text for a in opened(settings).articles()) == sorted([BRIDGE.strip(), STRIKE.strip()])


def test_a_filter_finds_the_copy_that_it_keeps(run: Callable[..., Report], folder: Path, settings: Settings) -> None:
    write(folder, "a-wire", BRIDGE, outlet="Wire")
    write(folder, "b-paper", BRIDGE, outlet="Paper")
    assert run().copies == 1
    answer = QA.open(replace(settings, min_confidence=0.0), embedder=HashEmbedder()).ask(
        "How much will the Lantern Bridge cost?", outlets=["Paper"]
    )
    assert (answer.searched, {c.outlet for c in answer.citations}) == (1, {"Paper"})
    assert [copy.outlet for copy in answer.citations[0].also_in] == ["Wire"]


def test_prune_keeps_a_folder_that_can_not_be_read_now(
    run: Callable[..., Report], folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "sub").mkdir()
    write(folder / "sub", "bridge", BRIDGE)
    write(folder, "strike", STRIKE)
    run()
    listing = Path.iterdir

    def broken(path: Path) -> Iterator[Path]:
        if path.name == "sub":
            raise OSError(5, "Input/output error")
        return listing(path)

    monkeypatch.setattr(Path, "iterdir", broken)
    report = run(prune=True)
    assert (report.removed, len(report.rejected)) == (0, 1)


def test_another_schema_can_not_be_rebuilt(
    run: Callable[..., Report], folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, "bridge", BRIDGE)
    run()
    monkeypatch.setattr(database, "SCHEMA_VERSION", 99)
    with pytest.raises(IndexMismatchError, match="schema"):
        run(rebuild=True)


def test_an_index_of_the_first_schema_is_brought_up_to_date_without_embedding(
    run: Callable[..., Report], folder: Path, settings: Settings
) -> None:
    write(folder, "bridge", BRIDGE)
    write(folder, "strike", STRIKE)
    run()
    with closing(sqlite3.connect(settings.index / database.FILE)) as connection, connection:
        connection.execute("DROP TABLE postings")
        connection.execute("DROP INDEX revisions_kept")
        connection.execute("CREATE INDEX revisions_filter ON revisions (outlet, published, article_id, revision)")
        connection.execute("CREATE VIRTUAL TABLE lexicon USING fts5 (title, text, content='')")
        connection.execute("UPDATE meta SET value = '1' WHERE key = 'schema'")
    (settings.index / snapshot.MANIFEST).write_text('{"file": "vectors-1.faiss", "sha256": "", "vectors": 2}')
    with pytest.raises(IndexMismatchError, match=r"schema '1'.*nothing is embedded again: newsqa index --index"):
        opened(settings)
    told: list[Progress] = []
    report = Ingest(settings, embedder=HashEmbedder(), progress=told.append).index()
    assert (report.unchanged, report.embedded) == (2, 0)
    assert Progress("upgrading", 2, 2, "passages") in told
    assert [i for i, _ in opened(settings).lexical("dock workers", 5)] == [2]
    with opened(settings).reading() as connection:
        named = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE name LIKE 'revisions_%'")}
    assert named == {"revisions_kept"}
    assert sound(settings)


def test_a_rebuild_with_another_dimension_is_noticed_by_a_running_reader(
    run: Callable[..., Report], folder: Path, settings: Settings
) -> None:
    class Wider(HashEmbedder):
        model_id, dimension = "hash@2", 96

    write(folder, "bridge", BRIDGE)
    run()
    before = QA.open(settings, embedder=HashEmbedder())
    assert before.retrieve("Lantern Bridge", k=1)
    Ingest(settings, embedder=Wider()).index(rebuild=True)
    with pytest.raises(IndexMismatchError, match="hash@2"):
        before.retrieve("Lantern Bridge", k=1)
    assert QA.open(settings, embedder=Wider()).retrieve("Lantern Bridge", k=1)


def test_a_revert_in_a_file_with_a_bad_line_is_taken_back(
    run: Callable[..., Report], folder: Path, settings: Settings
) -> None:
    for text in (BRIDGE, STRIKE, BRIDGE):
        write(folder, "page", text)
        with (folder / "page.jsonl").open("a", encoding="utf-8") as file:
            file.write("{broken")
        run()
    (article,) = opened(settings).articles()
    assert article.text == BRIDGE.strip()


def test_removing_an_article_named_twice_removes_it(
    run: Callable[..., Report], folder: Path, settings: Settings, embedder: HashEmbedder
) -> None:
    write(folder, "bridge", BRIDGE)
    run()
    (bridge,) = opened(settings).articles()
    assert Ingest(settings, embedder=embedder).remove([bridge.id, bridge.id]).removed == 1


def test_answers_with_wrong_types_are_failures_and_no_damage(
    run: Callable[..., Report], folder: Path, settings: Settings
) -> None:
    write(folder, "bridge", BRIDGE)
    run()
    citation = {"article_id": "x", "revision": 1, "quote": "q", "start": 0, "end": 1}
    citation |= {"answer": "q", "answer_start": 0, "answer_end": 1}
    wrong: list[dict[str, object]] = [{"article_id": {}}, {"revision": 10**30}, {"start": "0"}, {}]
    answers = [{"text": "q", "citations": [citation | change], "near": []} for change in wrong]
    checks = {check.name: check for check in verify(settings, answers, model_id=HashEmbedder.model_id)}
    assert (checks["answers"].checked, checks["answers"].failed) == (8, 4)


@pytest.mark.parametrize(
    ("citation", "changed", "fault"),
    [
        ({}, {}, None),
        ({"start": 1}, {}, "not the quote"),
        ({"quote": "It will cost 14 million crowns."}, {}, "not the quote"),
        ({"answer_start": 89}, {}, "is not the answer, or not in the quote"),
        ({"answer": "14 million"}, {"text": "14 million"}, "is not the answer, or not in the quote"),
        (
            {"answer": "to build", "answer_start": 46, "answer_end": 54},
            {"text": "to build"},
            "is not the answer, or not in the quote",
        ),
        ({"answer": "", "answer_end": 88}, {"text": ""}, "is not the answer, or not in the quote"),
        ({"answer_end": "98"}, {}, "its answer_end can't be right"),
        ({"answer": None, "answer_start": None, "answer_end": None}, {"text": None}, "its answer, answer_start"),
        ({}, {"text": "It will cost 41 million crowns."}, "its text is not its first citation's answer"),
    ],
)
def test_an_answer_is_verified_to_the_letter(
    run: Callable[..., Report],
    folder: Path,
    settings: Settings,
    citation: dict[str, object],
    changed: dict[str, object],
    fault: str | None,
) -> None:
    write(folder, "bridge", BRIDGE)
    run()
    (bridge,) = opened(settings).articles()
    quote, answer = "It will cost 41 million crowns.", "41 million"
    right = {"article_id": bridge.id, "revision": 1, "quote": quote, "start": 75, "end": 106}
    cited = right | {"answer": answer, "answer_start": 88, "answer_end": 98} | citation
    given = {"text": answer, "citations": [cited], "near": []} | changed
    checks = {check.name: check for check in verify(settings, [given], model_id=HashEmbedder.model_id)}
    assert checks["answers"].checked == 2
    assert len(checks["answers"].failures) == (fault is not None)
    assert (fault or "") in "".join(checks["answers"].failures)


def test_what_is_near_verifies_as_long_as_it_claims_no_answer(
    run: Callable[..., Report], folder: Path, settings: Settings
) -> None:
    write(folder, "bridge", BRIDGE)
    run()
    answer = asdict(QA.open(replace(settings, min_confidence=1.0), embedder=HashEmbedder()).ask("Lantern Bridge?"))
    assert [(near["quote"], near["answer"]) for near in answer["near"]] == [(BRIDGE.strip(), None)]
    claimed = answer | {"near": [answer["near"][0] | {"answer": "41 million", "answer_start": 88, "answer_end": 98}]}
    for given, failed in ((answer, 0), (claimed, 1)):
        checks = {check.name: check for check in verify(settings, [given], model_id=HashEmbedder.model_id)}
        assert (checks["answers"].checked, checks["answers"].failed) == (2, failed)


def test_a_full_disk_while_the_snapshot_is_written_loses_nothing(
    run: Callable[..., Report], folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, "bridge", BRIDGE)

    def full(path: Path, *_: object) -> int:
        path.write_bytes(b"half")
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(store, "write", full)
        with pytest.raises(NewsQAError, match="disk full"):
            run()
    assert list(settings.index.glob("vectors-*")) == []
    assert quotes(settings, "Lantern Bridge") == [BRIDGE.strip()]
    run()
    assert snapshot.load(settings.index, name(settings)) is not None
