"""Reading an index: articles, revisions, passages, and search over them.

`Index` is safe to share between threads. It follows what other processes
commit: each `reading` block sees one whole state of the database.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from newsqa import database, lexical
from newsqa.errors import ArticleNotFoundError, IndexMissingError
from newsqa.following import Follower, current_mark
from newsqa.meta import check_meta, read_meta
from newsqa.selection import CURRENT, Selections, conditions
from newsqa.settings import Settings
from newsqa.types import Article, Filters, Passage, Source, Vectors

COLUMNS = """a.id, r.revision, r.title, r.text, r.url, r.outlet, r.authors, r.published, r.language,
    r.origin, r.content_hash, a.copy_of"""
REVISIONS = f"SELECT {COLUMNS} FROM articles a JOIN revisions r ON r.article_id = a.id"
ARTICLES = f"SELECT {COLUMNS} FROM {CURRENT}"
Ranked = list[tuple[int, float]]
MAPPED = 2**30
"""Bytes of the database that are mapped into memory, so that a search's many small reads need no calls."""


class Index:
    """A read-only view of the index in a folder; open it with `Index.open`."""

    def __init__(self, folder: Path, model_id: str) -> None:
        self.folder = folder
        self._path = folder / database.FILE
        self._local = threading.local()
        connections: list[sqlite3.Connection] = []
        self._connections = connections
        self.close = weakref.finalize(self, _close_all, connections)
        self._follower = Follower(folder, model_id)
        self._selections = Selections()
        with database.translated(self._path):
            check_meta(self._connection, folder, model_id)

    @classmethod
    def open(cls, settings: Settings, model_id: str) -> Index:
        """Open the index that ``settings`` name.

        Raises IndexMissingError, IndexCorruptError, or IndexMismatchError when it
        was built with another model, chunking or schema.
        """
        folder = settings.index
        if not (folder / database.FILE).is_file():
            raise IndexMissingError(f"No index at '{folder}'. Build one: newsqa index PATH|URL|FEED")
        return cls(folder, model_id)

    @property
    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = database.connect(self._path)
            connection.execute(f"PRAGMA mmap_size = {MAPPED}")
            self._connections.append(connection)
        return connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Hold one state of the database for several reads by this thread."""
        connection = self._connection
        with database.translated(self._path):
            if connection.in_transaction:
                yield connection
            else:
                with database.transaction(connection, "DEFERRED"):
                    yield connection

    # Search

    def load(self) -> None:
        """Bring the vectors in memory up to what is committed."""
        with self.reading() as connection:
            self._follower.store(connection)

    def dense(self, vector: Vectors, k: int, filters: Filters = Filters()) -> Ranked:
        """Return up to ``k`` (passage id, inner product), best first; ``vector`` has shape (dimension,)."""
        with self.reading() as connection:
            allowed = self._selections.passages(connection, filters)
            return self._follower.store(connection).search(vector[np.newaxis], k, allowed)[0]

    def lexical(self, question: str, k: int, filters: Filters = Filters()) -> Ranked:
        """Return up to ``k`` (passage id, BM25), best first."""
        with self.reading() as connection:
            allowed = self._selections.passages(connection, filters)
            return lexical.search(connection, question, k, current_mark(connection).passages, allowed)

    def count(self, filters: Filters = Filters()) -> int:
        """Count the articles that filters keep."""
        with self.reading() as connection:
            return self._selections.count(connection, filters)

    def passages(self, ids: Sequence[int]) -> list[Passage]:
        """Return the passages of these ids in their order, without those removed meanwhile."""
        with self.reading() as connection:
            rows = connection.execute(
                """SELECT p.id, p.article_id, p.revision, p.start, p."end", r.title, r.outlet, r.published, r.text
                FROM passages p JOIN revisions r ON r.article_id = p.article_id AND r.revision = p.revision
                WHERE p.id IN (SELECT value FROM json_each(?))""",
                (json.dumps(list(ids)),),
            ).fetchall()
        found = {row["id"]: _passage(row) for row in rows}
        return [found[i] for i in ids if i in found]

    def first(self, ids: Sequence[int]) -> set[int]:
        """Return which of these passages begin their article."""
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT id FROM passages WHERE start = 0 AND id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(ids)),),
            )
            return {row[0] for row in rows}

    def published(self, ids: Sequence[int]) -> dict[int, str | None]:
        """Return when the articles of these passages were published; reads no text."""
        with self.reading() as connection:
            rows = connection.execute(
                """SELECT p.id, r.published FROM passages p
                JOIN revisions r ON r.article_id = p.article_id AND r.revision = p.revision
                WHERE p.id IN (SELECT value FROM json_each(?))""",
                (json.dumps(list(ids)),),
            )
            return dict(map(tuple, rows))

    # Articles

    def article(self, article_id: str, revision: int | None = None) -> Article:
        """Return an article, at its current revision unless told otherwise.

        Raises ArticleNotFoundError.
        """
        with self.reading() as connection:
            query = f"{REVISIONS} AND r.revision = coalesce(?, a.revision) WHERE a.id = ?"
            row = connection.execute(query, (revision, article_id)).fetchone()
        if row is None:
            which = article_id if revision is None else f"{article_id}, revision {revision}"
            raise ArticleNotFoundError(f"No article {which} in the index. List them: newsqa articles")
        return read_article(row)

    def revisions(self, article_id: str) -> list[int]:
        """Return the numbers of an article's revisions, ascending."""
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT revision FROM revisions WHERE article_id = ? ORDER BY revision", (article_id,)
            )
            return [row[0] for row in rows]

    def articles(self, filters: Filters = Filters(), *, limit: int | None = None, offset: int = 0) -> Iterator[Article]:
        """Yield current revisions, latest published first, undated ones last."""
        where, values = conditions(filters)
        with self.reading() as connection:
            yield from map(
                read_article,
                connection.execute(
                    f"{ARTICLES} WHERE {where or 'TRUE'} ORDER BY r.published DESC NULLS LAST, a.id LIMIT ? OFFSET ?",
                    (*values, -1 if limit is None else limit, offset),
                ),
            )

    def copies(self, article_id: str) -> list[Article]:
        """Return the near copies that an article is searched for, or of the one searched for it."""
        with self.reading() as connection:
            root = "SELECT coalesce(copy_of, id) FROM articles WHERE id = ?"
            (original,) = connection.execute(root, (article_id,)).fetchone() or (None,)
            rows = connection.execute(
                f"{ARTICLES} WHERE a.id != ? AND (a.copy_of = ? OR a.id = ?) ORDER BY r.published, a.id",
                (article_id, original, original),
            )
            return [read_article(row) for row in rows]

    def outlets(self) -> list[tuple[str, int]]:
        """Return each outlet with its number of articles, most first."""
        with self.reading() as connection:
            rows = connection.execute(
                f"""SELECT r.outlet, count(*) AS n FROM {CURRENT} WHERE r.outlet IS NOT NULL
                GROUP BY 1 ORDER BY n DESC, 1"""
            )
            return [(row[0], row[1]) for row in rows]

    def sources(self) -> list[Source]:
        """Return the remembered sources in the order they were added."""
        with self.reading() as connection:
            return read_sources(connection)

    def status(self) -> dict[str, Any]:
        """Return counts, dates, size on disk and how the index was built."""
        with self.reading() as connection:
            row = connection.execute(
                """SELECT (SELECT count(*) FROM articles) AS articles,
                (SELECT count(*) FROM articles WHERE copy_of IS NOT NULL) AS copies,
                (SELECT count(*) FROM articles WHERE pending) AS pending,
                (SELECT count(*) FROM revisions) AS revisions, (SELECT count(*) FROM passages) AS passages,
                (SELECT count(*) FROM sources) AS sources, (SELECT min(published) FROM revisions) AS first_published,
                (SELECT max(published) FROM revisions) AS last_published"""
            ).fetchone()
            meta = {key: value for key, value in read_meta(connection).items() if key != "database"}
        size = sum(file.stat().st_size for file in self.folder.iterdir() if file.is_file())
        return {"index": str(self.folder), **dict(row), "bytes": size, **meta}


def _close_all(connections: list[sqlite3.Connection]) -> None:
    for connection in connections:
        connection.close()


def read_sources(connection: sqlite3.Connection, location: str | None = None) -> list[Source]:
    """Return the remembered sources, or the one at ``location``, with how many articles each holds."""
    rows = connection.execute(
        """SELECT s.id, s.location, s.fields, s.follow, s.allow_private, s.refreshed_at,
        (SELECT count(DISTINCT g.article_id) FROM documents d JOIN sightings g ON g.document_id = d.id
         WHERE d.source_id = s.id) FROM sources s WHERE s.location = coalesce(?, s.location) ORDER BY s.id""",
        (location,),
    )
    return [Source(r[0], r[1], json.loads(r[2]), bool(r[3]), bool(r[4]), r[5], r[6]) for r in rows]


def read_article(row: sqlite3.Row) -> Article:
    """Turn a row of `REVISIONS` or `ARTICLES` into the record."""
    fields = dict(row)
    return Article(**fields | {"authors": tuple(json.loads(fields["authors"]))})


def _passage(row: sqlite3.Row) -> Passage:
    fields = dict(row)
    return Passage(**fields | {"text": fields["text"][fields["start"] : fields["end"]]})
