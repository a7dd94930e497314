"""How search and re-indexing grow with the archive: indexes of up to 1,000,000 passages from one of real articles.

Each size gets an index of its own, kept for the next run; the largest takes 3 GB. It holds articles of the archive in
their order; once these are used up they come again, with every digit drawn anew. Nothing is embedded: a repeated
passage gets the vector of its first, with noise, at a cosine of about .89 to it, so that the dense side has to tell a
million different vectors apart. All words but the numbers stay, so that terms become more frequent in proportion; in a
real archive the vocabulary would grow too.
"""

from __future__ import annotations

import itertools
import json
import random
import re
import shutil
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from machine import memory_mb
from newsqa import publishing, retrieve
from newsqa.embed import default_embedder
from newsqa.index import Index
from newsqa.ingest import Ingest
from newsqa.protocols import Embedder
from newsqa.qa import QA, READ
from newsqa.settings import Settings
from newsqa.types import Article, Draft, Filters, Passage, Span, Vectors
from newsqa.writer import Writer, article_id

NOISE = 0.5
"""Length of the noise that is added to a unit vector."""
BATCH = 500
"""Articles stored together."""
SHARES = (0.01, 0.1, 0.5)
"""Shares of the archive that filters by date keep."""
DONE = "built.json"

Repeated = tuple[Article, list[tuple[int, int]], Vectors]


# Building


def build(source: Path, folder: Path, size: int, settings: Settings) -> None:
    """Make an index of about ``size`` passages, unless it is there."""
    if (folder / DONE).exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    started = time.perf_counter()
    embedder = default_embedder(settings)
    archive = repeated(Index.open(replace(settings, index=source), embedder.model_id), size)
    with Writer.open(replace(settings, index=folder), embedder.model_id, embedder.dimension) as writer:
        origin = writer.ledger.add_source("archive", {}, follow=False, allow_private=False)
        document = writer.ledger.start_document(origin, "archive")
        while batch := list(itertools.islice(archive, BATCH)):
            with writer.transaction():
                for one in batch:
                    store(writer, document, *one)
    publishing.publish(replace(settings, index=folder))
    (folder / DONE).write_text(json.dumps({"seconds": time.perf_counter() - started}), encoding="utf-8")


def repeated(index: Index, size: int) -> Iterator[Repeated]:
    """Yield articles, bounds and vectors of their passages, over and over until there are ``size`` passages."""
    drawn, digits = np.random.default_rng(size), random.Random(size)
    held = 0
    for copy in itertools.count():
        for article in index.articles():
            with index.reading() as connection:
                rows = connection.execute(
                    'SELECT start, "end", vector FROM passages WHERE article_id = ? ORDER BY id', (article.id,)
                ).fetchall()
            if not rows:
                continue  # a near copy, which is not searched
            vectors = np.frombuffer(b"".join(row[2] for row in rows), np.float16).reshape(len(rows), -1)
            vectors = vectors.astype(np.float32)
            if copy:
                text = re.sub(r"\d", lambda _: digits.choice("0123456789"), article.text)
                article = replace(article, url=f"{article.url}#{copy}", text=text)
                noise = drawn.standard_normal(vectors.shape, np.float32)
                vectors += noise * (NOISE / np.linalg.norm(noise, axis=1, keepdims=True))
                vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            yield article, [(row[0], row[1]) for row in rows], vectors
            held += len(rows)
            if held >= size:
                return


def store(writer: Writer, document: int, article: Article, bounds: list[tuple[int, int]], vectors: Vectors) -> None:
    """Store an article with its passages, without a look for near copies."""
    key = f"{article.id} {article.url}"
    draft = Draft(
        article.text, article.title, article.url, article.outlet, article.authors, article.published, article.language
    )
    writer.put(document, key, draft, "archive")
    stored = replace(article, id=article_id(key), revision=1)
    writer.settle(stored, ())
    writer.add_passages(stored, bounds, vectors)


# Measuring


class Clock:
    """Milliseconds of each lap and of the ``whole``, by the clock and of this process's processor time."""

    def __init__(self) -> None:
        self.laps: dict[str, tuple[float, float]] = {}
        self._first = self._last = self._now()

    def lap(self, name: str) -> None:
        """End a stage."""
        now = self._now()
        for key, since in ((name, self._last), ("whole", self._first)):
            self.laps[key] = (now[0] - since[0], now[1] - since[1])
        self._last = now

    @staticmethod
    def _now() -> tuple[float, float]:
        return 1000 * time.perf_counter(), 1000 * time.process_time()


class Blind:
    """A reader that doesn't read: only searching is measured."""

    def read(self, question: str, passages: Sequence[Passage]) -> list[Span]:
        """Return no answer."""
        return []


def searched(qa: QA, questions: list[str]) -> dict[str, dict[str, float]]:
    """Search for each question as `newsqa ask` does; return medians and 99th percentiles of each lap."""
    clocks = []
    for question in questions:
        clocks.append(Clock())
        qa._retrieve(question, Filters(), clocks[-1], READ)
    of = {name: np.percentile([clock.laps[name] for clock in clocks], (50, 99), axis=0) for name in clocks[0].laps}
    columns = {"p50_ms": (0, 0), "p99_ms": (1, 0), "p50_cpu_ms": (0, 1), "p99_cpu_ms": (1, 1)}
    return {key: {name: float(found[place]) for name, found in of.items()} for key, place in columns.items()}


def latency(folder: Path, questions: list[str], settings: Settings) -> dict[str, Any]:
    """Open an index, search it, add single articles; meant for a process of its own."""
    settings = replace(settings, index=folder)
    embedder = default_embedder(settings)
    started = time.perf_counter()
    qa = QA.open(settings, embedder=embedder, reader=Blind())
    qa.index.load()
    opened = time.perf_counter() - started
    # Warm means that another question was asked before, not the same.
    searched(qa, questions[::2])
    found = {"open_s": opened, **searched(qa, questions[1::2]), "memory_mb": memory_mb("VmRSS")}
    return found | {"new_article_s": list(new_articles(settings, embedder))}


def quality(folder: Path, questions: list[str], settings: Settings) -> dict[str, Any]:
    """Measure what needs no quiet: what is found of what is nearest, also with filters."""
    settings = replace(settings, index=folder)
    embedder = default_embedder(settings)
    index = Index.open(settings, embedder.model_id)
    vectors = embedder.embed(questions)
    return {
        "articles": index.count(),
        "passages": index.status()["passages"],
        "bytes": {file.name.split("-")[0]: file.stat().st_size for file in folder.iterdir()},
        "recall_at_10": recall(index, vectors, Filters()),
        "filters": {str(share): filtered(index, questions[::4], vectors[::4], share) for share in SHARES},
    }


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
        "first_ms": first,
        "p50_ms": statistics.median(others),
        "recall_at_10": recall(index, vectors, filters),
    }


def recall(index: Index, vectors: Vectors, filters: Filters) -> float:
    """Return how many of the ten truly nearest of the allowed are found; exactly, by comparing all of them."""
    best = np.full((len(vectors), 10), -1.0, np.float32)
    with index.reading() as connection:
        rows = connection.execute(
            """SELECT p.vector FROM passages p JOIN revisions r ON r.article_id = p.article_id
            AND r.revision = p.revision WHERE substr(coalesce(r.published, ''), 1, 10) >= ?""",
            (filters.since.isoformat() if filters.since else "",),
        )
        while batch := rows.fetchmany(8192):
            held = np.frombuffer(b"".join(row[0] for row in batch), np.float16).reshape(len(batch), -1)
            scores = np.hstack([best, vectors @ held.astype(np.float32).T])
            best = np.partition(scores, -10, axis=1)[:, -10:]
    # By score, so that of equals either counts.
    found = [index.dense(vector, 10, filters) for vector in vectors]
    right = [sum(s >= row.min() - 1e-5 for _, s in ranked) for row, ranked in zip(best, found, strict=True)]
    return sum(right) / (10 * len(vectors))


def new_articles(settings: Settings, embedder: Embedder, count: int = 5) -> Iterator[float]:
    """Index a new article, and remove it; yield seconds for the first, with the model loaded."""
    index = Index.open(settings, embedder.model_id)
    texts = [article.text for article in index.articles(limit=count + 1)]
    for number, text in enumerate(texts):
        words = text.split()[:400]
        random.Random(number).shuffle(words)
        file = settings.index / "new.jsonl"
        record = {"title": f"News {number}", "text": " ".join(words), "url": f"https://orvelle.example/{number}"}
        file.write_text(json.dumps(record), encoding="utf-8")
        started = time.perf_counter()
        report = Ingest(settings, embedder=embedder).index([str(file)])
        seconds = time.perf_counter() - started
        assert report.embedded, report
        Ingest(settings, embedder=embedder).forget(str(file))
        file.unlink()
        if number:  # the first one loads what indexing needs
            yield seconds
