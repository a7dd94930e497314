"""How search and re-indexing grow with the archive: 10,000 to 1,000,000 passages of one index's articles.

    python benchmarks/growth.py --index ARCHIVE --questions FILE --work FOLDER [--sizes N ...] [--json FILE]

Each size gets an index of its own under ``--work`` (the largest takes about 3 GB), kept for the next run. It holds
articles of ARCHIVE in their order; once these are used up they are stored again under other ids, without a look for
near copies. Nothing is embedded anew: a repeated passage gets its vector with noise, at a cosine of about .89 to the
one stored, so that the dense side has to tell a million different vectors apart. The repeated words are the very
same, so that every term becomes more frequent in proportion; in a real archive the vocabulary would grow too.

Times are taken one question at a time, warm. Beside the clock's there is the processor time of the searching thread,
which other work on the machine disturbs less.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from newsqa import database, lexical, retrieve
from newsqa.embed import default_embedder
from newsqa.evaluate.questions import read
from newsqa.index import Index, read_meta, read_vectors
from newsqa.ingest import Ingest
from newsqa.qa import READ
from newsqa.settings import Settings
from newsqa.types import Embedder, Filters, Vectors
from newsqa.writer import Writer

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
NOISE = 0.5
"""Length of the noise that is added to a unit vector."""
STAGES = ("embed", "count", "dense", "lexical", "passages", "whole")
SHARES = (0.01, 0.1, 0.5)
"""Shares of the archive that filters by date keep."""
DONE = "built.json"

# Rows of a copy: `first` is added to passage ids, `suffix` to articles' ids and keys, `upto` is the last passage id.
COPY = (
    """INSERT INTO articles SELECT id || :suffix, key || :suffix, revision, NULL, 0 FROM old.articles
    WHERE id IN (SELECT article_id FROM chosen)""",
    """INSERT INTO revisions SELECT article_id || :suffix, revision, content_hash, url, outlet, authors, published,
    language, origin, added_at, title, text FROM old.revisions
    WHERE (article_id, revision) IN (SELECT * FROM chosen)""",
    """INSERT INTO sightings SELECT 1, article_id || :suffix, content_hash, 1 FROM old.revisions
    WHERE (article_id, revision) IN (SELECT * FROM chosen)""",
    """INSERT INTO bands SELECT band + :first, article_id || :suffix FROM old.bands
    WHERE article_id IN (SELECT article_id FROM chosen)""",
    """INSERT INTO passages SELECT id + :first, article_id || :suffix, revision, start, "end",
    noisy(vector, :first) FROM old.passages WHERE id <= :upto ORDER BY id""",
    """INSERT INTO postings SELECT term, block + :first / :block, until(entries, :upto - block * :block)
    FROM old.postings WHERE block <= :upto / :block AND until(entries, :upto - block * :block) IS NOT NULL""",
)


# Building


def build(source: Path, folder: Path, size: int, model_id: str, settings: Settings) -> None:
    """Make an index of about ``size`` passages, unless it is there."""
    if (folder / DONE).exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    started = time.perf_counter()
    with closing(database.connect(source / database.FILE)) as old:
        meta = {key: value for key, value in read_meta(old).items() if key != "database"}
    database.create(folder / database.FILE, meta)
    with closing(database.connect(folder / database.FILE)) as connection:
        fill(connection, source, size)
    copied = time.perf_counter()
    with Writer.open(replace(settings, index=folder), model_id) as writer:
        writer.publish_snapshot()
    seconds = {"copy": copied - started, "snapshot": time.perf_counter() - copied}
    (folder / DONE).write_text(json.dumps(seconds), encoding="utf-8")


def fill(connection: sqlite3.Connection, source: Path, size: int) -> None:
    """Copy articles over and over until there are ``size`` passages."""
    random_numbers = np.random.default_rng(size)

    def noisy(vector: bytes, first: int) -> bytes:
        if not first:
            return vector
        row = np.frombuffer(vector, np.float16).astype(np.float32)
        noise = random_numbers.standard_normal(len(row), np.float32)
        row += noise * (NOISE / np.linalg.norm(noise))
        return (row / np.linalg.norm(row)).astype(np.float16).tobytes()

    connection.create_function("noisy", 2, noisy)
    connection.create_function("until", 2, until)
    connection.execute("PRAGMA synchronous = OFF")
    # Terms' entries of all copies lie side by side, so that every copy changes every page of them.
    connection.execute("PRAGMA cache_size = -1000000")
    connection.execute("ATTACH ? AS old", (f"{(source / database.FILE).resolve().as_uri()}?mode=ro",))
    connection.execute("INSERT INTO sources VALUES (1, 'archive', '{}', 0, 0, NULL)")
    connection.execute("INSERT INTO documents VALUES (1, 1, 'archive', NULL, NULL, NULL, 1)")
    connection.execute("CREATE TEMP TABLE chosen (article_id, revision, PRIMARY KEY (article_id, revision))")
    ends = [
        row[0]
        for row in connection.execute("SELECT max(id) FROM old.passages GROUP BY article_id, revision ORDER BY 1")
    ]
    (held,) = connection.execute("SELECT count(*) FROM old.passages").fetchone()
    stride = -(-(ends[-1] + 1) // lexical.BLOCK) * lexical.BLOCK
    copies = 0
    while (left := size - copies * held) > 0:
        upto = next((end for end in ends if end >= left), ends[-1])
        values = {
            "suffix": f"-{copies}" if copies else "",
            "first": copies * stride,
            "upto": upto,
            "block": lexical.BLOCK,
        }
        with database.transaction(connection):
            connection.execute("DELETE FROM chosen")
            connection.execute(
                "INSERT INTO chosen SELECT DISTINCT article_id, revision FROM old.passages WHERE id <= ?", (upto,)
            )
            for statement in COPY:
                connection.execute(statement, values)
        copies += 1


def until(entries: bytes, place: int) -> bytes | None:
    """Return the entries of a block up to a place; None for none."""
    found = np.frombuffer(entries, lexical.ENTRY)
    return found[found["passage"] <= place].tobytes() or None


# Measuring


def measure(folder: Path, questions: list[str], settings: Settings) -> dict[str, Any]:
    """Measure one index; meant for a process of its own, since memory is part of it."""
    settings = replace(settings, index=folder)
    started = time.perf_counter()
    index = Index.open(settings, default_embedder(settings).model_id)
    index.load()
    opened = time.perf_counter() - started
    embedder = default_embedder(settings)
    # Warm means that another question was asked before, not the same.
    search(index, embedder, questions[::2])
    clock = search(index, embedder, questions[1::2])
    memory = {"now": memory_mb("VmRSS"), "peak": memory_mb("VmHWM")}
    vectors = embedder.embed(questions[1::2])
    return {
        "articles": index.count(),
        "passages": index.status()["passages"],
        "bytes": {file.name.split("-")[0]: file.stat().st_size for file in folder.iterdir()},
        "open_s": round(opened, 3),
        "ms": {name: figures(times) for name, times in clock.items()},
        "recall_at_10": recall(index, vectors, Filters()),
        "memory_mb": memory,
        "filters": {str(share): filtered(index, questions[1::8], vectors[::4], share) for share in SHARES},
        "new_article_s": [round(seconds, 2) for seconds in new_articles(settings, embedder)],
        "built_s": json.loads((folder / DONE).read_text(encoding="utf-8")),
    }


def search(index: Index, embedder: Embedder, questions: list[str]) -> dict[str, list[tuple[float, float]]]:
    """Search for each question as `newsqa ask` does, and return seconds by the clock and of processor a stage."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in STAGES}

    @contextmanager
    def timed(stage: str) -> Iterator[None]:
        clock, processor = time.perf_counter(), time.thread_time()
        yield
        times[stage].append((time.perf_counter() - clock, time.thread_time() - processor))

    for question in questions:
        with timed("whole"):
            with timed("embed"):
                vector = embedder.embed([question])[0]
            with timed("count"):
                index.count()
            with timed("dense"):
                dense = index.dense(vector, retrieve.CANDIDATES)
            with timed("lexical"):
                lexical = index.lexical(question, retrieve.CANDIDATES)
            with timed("passages"):
                index.passages([identity for identity, _ in (*dense[: READ // 2], *lexical[: READ // 2])])
    return times


def filtered(index: Index, questions: list[str], vectors: Vectors, share: float) -> dict[str, Any]:
    """Measure a filter by date that keeps about so large a share: the first search with it, and the next."""
    with index.reading() as connection:
        (count,) = connection.execute("SELECT count(published) FROM revisions").fetchone()
        latest = "SELECT published FROM revisions WHERE published NOT NULL ORDER BY published DESC LIMIT 1 OFFSET ?"
        (since,) = connection.execute(latest, (int(count * share),)).fetchone()
    filters = Filters(since=date.fromisoformat(since[:10]))

    def ask(number: int) -> float:
        started = time.perf_counter()
        index.count(filters)
        index.dense(vectors[number], retrieve.CANDIDATES, filters)
        index.lexical(questions[number], retrieve.CANDIDATES, filters)
        return 1000 * (time.perf_counter() - started)

    first, *others = [ask(number) for number in range(len(questions))]
    return {
        "kept": index.count(filters) / index.count(),
        "first_ms": round(first, 1),
        "p50_ms": round(statistics.median(others), 1),
        "recall_at_10": recall(index, vectors, filters),
    }


def recall(index: Index, vectors: Vectors, filters: Filters) -> float:
    """Return how many of the ten truly nearest of the allowed are found; exactly, by comparing all of them."""
    best = np.full((len(vectors), 10), -1.0, np.float32)
    with index.reading() as connection:
        allowed = index._allowed(connection, filters)
        for ids, halves in read_vectors(connection, 0, 2**62):
            kept = halves if allowed is None else halves[np.isin(ids, allowed)]
            scores = np.hstack([best, vectors @ kept.astype(np.float32).T])
            best = np.partition(scores, -10, axis=1)[:, -10:]
    # By score, so that of equals either counts.
    found = [index.dense(vector, 10, filters) for vector in vectors]
    right = [sum(s >= row.min() - 1e-5 for _, s in ranked) for row, ranked in zip(best, found, strict=True)]
    return round(sum(right) / (10 * len(vectors)), 4)


def new_articles(settings: Settings, embedder: Embedder, count: int = 3) -> Iterator[float]:
    """Index a new article, and remove it; yield seconds for the first, with the model loaded."""
    index = Index.open(settings, embedder.model_id)
    texts = [article.text for article in index.articles(limit=count)]
    for number, text in enumerate(texts):
        words = text.split()[:400]
        random.Random(number).shuffle(words)
        file = settings.index / "new.jsonl"
        record = {"title": f"News {number}", "text": " ".join(words), "url": f"https://orvelle.example/{number}"}
        file.write_text(json.dumps(record), encoding="utf-8")
        started = time.perf_counter()
        report = Ingest(settings, embedder=embedder).index([str(file)])
        yield time.perf_counter() - started
        assert report.embedded, report
        Ingest(settings, embedder=embedder).forget(str(file))
        file.unlink()


def figures(times: list[tuple[float, float]]) -> dict[str, float]:
    """Return milliseconds: p50 and p99 by the clock, and the same of processor time."""

    def at(percent: int, which: Callable[[tuple[float, float]], float]) -> float:
        return round(1000 * float(np.percentile([which(t) for t in times], percent)), 2)

    return {
        "p50": at(50, lambda t: t[0]),
        "p99": at(99, lambda t: t[0]),
        "cpu_p50": at(50, lambda t: t[1]),
        "cpu_p99": at(99, lambda t: t[1]),
    }


def memory_mb(name: str) -> int:
    """Return this process's memory, mapped files included as far as they were read."""
    # Not getrusage, whose peak may be that of the process that started this one.
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith(f"{name}:"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", type=Path, required=True, help="an index of real articles")
    parser.add_argument("--questions", type=Path, required=True, help="see newsqa evaluate --help")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--limit", type=int, default=600, help="how many questions")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    settings = Settings.load()
    if given.measure:
        questions = [question.text for question in read(given.questions, limit=given.limit).asked]
        print(json.dumps(measure(given.measure, questions, settings)))
        return
    found: dict[str, Any] = {"machine": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    for size in given.sizes:
        folder = given.work / str(size)
        build(given.index, folder, size, default_embedder(settings).model_id, settings)
        command = [sys.executable, __file__, *sys.argv[1:], "--measure", str(folder)]
        found[str(size)] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        print(json.dumps({size: found[str(size)]}, indent=1))
        if given.json:
            given.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
