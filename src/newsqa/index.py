"""Reading an index: articles, revisions, passages, and search over them.

`Index` is safe to share between threads. It follows what other processes
commit: each `reading` block sees one whole state of the database.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import weakref
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from newsqa import chunk, database, lexical, snapshot
from newsqa.errors import ArticleNotFoundError, IndexCorruptError, IndexMismatchError, IndexMissingError
from newsqa.settings import Settings
from newsqa.snapshot import Mark
from newsqa.store import FaissStore, Halves, Ids
from newsqa.types import Article, Filters, Passage, Source, Vectors

log = logging.getLogger(__name__)

ARTICLE = """SELECT a.id, r.revision, r.title, r.text, r.url, r.outlet, r.authors, r.published, r.language,
    r.origin, r.content_hash, a.copy_of FROM articles a JOIN revisions r ON r.article_id = a.id"""
CURRENT = f"{ARTICLE} AND r.revision = a.revision"
Ranked = list[tuple[int, float]]
Read = TypeVar("Read")
REMEMBERED = 8
"""How many counts and selections by filters are kept until the next commit."""


def expected_meta(model_id: str) -> dict[str, str]:
    """What an index must record to be readable by this version with this model."""
    return {
        "schema": str(database.SCHEMA_VERSION),
        "chunking": chunk.CHUNKING,
        "model": model_id,
        "normalised": "l2",
    }


def read_meta(connection: sqlite3.Connection) -> dict[str, str]:
    """Return how the index was built, and the database's own name under ``database``."""
    return dict(connection.execute("SELECT key, value FROM meta").fetchall())


def check_meta(connection: sqlite3.Connection, folder: Path, model_id: str, *, rebuilding: bool = False) -> None:
    """Raise IndexMismatchError unless the index was built the way it is about to be read.

    ``rebuilding`` is about to change all but the schema.
    """
    found = read_meta(connection)
    for key, wanted in expected_meta(model_id).items():
        if found.get(key) != wanted and not (rebuilding and key != "schema"):
            remedy = f"Rebuild it from the stored articles: newsqa index --rebuild --index '{folder}'"
            if key == "schema":
                remedy = f"Move '{folder}' away and run newsqa index on your sources again."
            if key == "schema" and found.get(key) == database.UPGRADABLE:
                remedy = f"Bring it up to date, nothing is embedded again: newsqa index --index '{folder}'"
            raise IndexMismatchError(
                f"The index at '{folder}' was built with {key} '{found.get(key)}', this is '{wanted}'. {remedy}"
            )


class Index:
    """A read-only view of the index in a folder; open it with `Index.open`."""

    def __init__(self, folder: Path, model_id: str) -> None:
        self.folder = folder
        self._model_id = model_id
        self._path = folder / database.FILE
        self._local = threading.local()
        connections: list[sqlite3.Connection] = []
        self._connections = connections
        self.close = weakref.finalize(self, _close_all, connections)
        self._lock = threading.Lock()
        with database.translated(self._path):
            check_meta(self._connection, folder, model_id)
        self._store: FaissStore | None = None
        self._mark = Mark(0, 0)
        self._file: str | None = None

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
        with self.reading() as connection, self._lock:
            self._follow(connection)

    def dense(self, vector: Vectors, k: int, filters: Filters = Filters()) -> Ranked:
        """Return up to ``k`` (passage id, inner product), best first; ``vector`` has shape (dimension,)."""
        with self.reading() as connection:
            allowed = self._allowed(connection, filters)
            with self._lock:
                store = self._follow(connection)
                return store.search(vector[np.newaxis], k, allowed)[0]

    def lexical(self, question: str, k: int, filters: Filters = Filters()) -> Ranked:
        """Return up to ``k`` (passage id, BM25), best first."""
        with self.reading() as connection:
            allowed = self._allowed(connection, filters)
            return lexical.search(connection, question, k, current_mark(connection).passages, allowed)

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

    def _allowed(self, connection: sqlite3.Connection, filters: Filters) -> Ids | None:
        where, values = _conditions(filters)
        if not where:
            return None
        # The original is searched for a copy that the filters keep, see `answer.within`.
        query = f"""SELECT id FROM passages WHERE article_id IN (SELECT coalesce(a.copy_of, a.id) FROM articles a
            JOIN revisions r ON r.article_id = a.id AND r.revision = a.revision WHERE {where})"""

        def read() -> Ids:
            return np.fromiter((row[0] for row in connection.execute(query, values)), np.int64)

        return self._once(connection, (query, *values), read)

    def _once(self, connection: sqlite3.Connection, key: Hashable, read: Callable[[], Read]) -> Read:
        """Read something, or return what this thread read before if nothing was committed since."""
        version = connection.execute("PRAGMA data_version").fetchone()[0]
        memory: dict[Hashable, Any] = self._local.__dict__.setdefault("memory", {})
        if memory.get("version") != version or len(memory) > REMEMBERED:
            memory.clear()
            memory["version"] = version
        if key not in memory:
            memory[key] = read()
        found: Read = memory[key]
        return found

    def _follow(self, connection: sqlite3.Connection) -> FaissStore:
        """Add to the vectors in memory what was committed since; the caller holds the lock."""
        now = current_mark(connection)
        if self._store is None:
            self._store, self._mark = self._from_snapshot(connection) or (
                FaissStore(dimension(connection)),
                Mark(0, 0),
            )
        elif now != self._mark:
            check_meta(connection, self.folder, self._model_id)
            # Another process may have put what is here added one by one in order, which is searched faster.
            self._store, self._mark = self._from_snapshot(connection) or (self._store, self._mark)
        self._mark = catch_up(connection, self._store, self._mark, now)
        return self._store

    def _from_snapshot(self, connection: sqlite3.Connection) -> tuple[FaissStore, Mark] | None:
        """Open the current snapshot, unless it is the one in use or can't be used."""
        meta, now = read_meta(connection), current_mark(connection)
        try:
            manifest = snapshot.read_manifest(self.folder, meta["database"])
            if manifest is None or manifest.file == self._file:
                return None
            store, manifest = snapshot.load(self.folder, meta["database"]) or (None, manifest)
        except IndexCorruptError as error:
            log.warning("%s. Its vectors are read from the database instead; the next newsqa index mends it.", error)
            return None
        # A snapshot may be newer than what this transaction sees, or than a database restored from a backup.
        if store is None or manifest.mark.ahead_of(now) or store.dimension != int(meta["dimension"]):
            return None
        self._file = manifest.file
        return store, manifest.mark

    # Articles

    def article(self, article_id: str, revision: int | None = None) -> Article:
        """Return an article, at its current revision unless told otherwise.

        Raises ArticleNotFoundError.
        """
        with self.reading() as connection:
            query = f"{ARTICLE} AND r.revision = coalesce(?, a.revision) WHERE a.id = ?"
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
        where, values = _conditions(filters)
        with self.reading() as connection:
            yield from map(
                read_article,
                connection.execute(
                    f"{CURRENT} WHERE {where or 'TRUE'} ORDER BY r.published DESC NULLS LAST, a.id LIMIT ? OFFSET ?",
                    (*values, -1 if limit is None else limit, offset),
                ),
            )

    def count(self, filters: Filters = Filters()) -> int:
        """Count the articles that filters keep."""
        where, values = _conditions(filters)
        current = "articles a JOIN revisions r ON r.article_id = a.id AND r.revision = a.revision"
        query = f"SELECT count(*) FROM {current} WHERE {where}" if where else "SELECT count(*) FROM articles"
        with self.reading() as connection:
            return self._once(
                connection, (query, *values), lambda: int(connection.execute(query, values).fetchone()[0])
            )

    def copies(self, article_id: str) -> list[Article]:
        """Return the near copies that an article is searched for, or of the one searched for it."""
        with self.reading() as connection:
            root = "SELECT coalesce(copy_of, id) FROM articles WHERE id = ?"
            (original,) = connection.execute(root, (article_id,)).fetchone() or (None,)
            rows = connection.execute(
                f"{CURRENT} WHERE a.id != ? AND (a.copy_of = ? OR a.id = ?) ORDER BY r.published, a.id",
                (article_id, original, original),
            )
            return [read_article(row) for row in rows]

    def outlets(self) -> list[tuple[str, int]]:
        """Return each outlet with its number of articles, most first."""
        with self.reading() as connection:
            rows = connection.execute(
                """SELECT r.outlet, count(*) AS n FROM articles a JOIN revisions r ON r.article_id = a.id
                AND r.revision = a.revision WHERE r.outlet IS NOT NULL GROUP BY 1 ORDER BY n DESC, 1"""
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


def dimension(connection: sqlite3.Connection) -> int:
    """Return the length of the vectors that the index records."""
    return int(read_meta(connection)["dimension"])


def current_mark(connection: sqlite3.Connection) -> Mark:
    """Return the last passage id and tombstone ever written."""
    last = dict(connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
    return Mark(last.get("passages", 0), last.get("tombstones", 0))


def read_vectors(connection: sqlite3.Connection, after: int, upto: int) -> Iterator[tuple[Ids, Halves]]:
    """Yield ids and vectors of passages with ``after < id <= upto``, in batches."""
    rows = connection.execute("SELECT id, vector FROM passages WHERE id > ? AND id <= ? ORDER BY id", (after, upto))
    while batch := rows.fetchmany(8192):
        vectors = np.frombuffer(b"".join(row[1] for row in batch), np.float16).reshape(len(batch), -1)
        yield np.array([row[0] for row in batch], np.int64), vectors


def catch_up(connection: sqlite3.Connection, store: FaissStore, mark: Mark, now: Mark) -> Mark:
    """Bring a store that is at ``mark`` to ``now`` and return where it is then.

    Only forward: this transaction may be older than what the store has.
    """
    if now.passage > mark.passage:
        for ids, vectors in read_vectors(connection, mark.passage, now.passage):
            store.add(ids, vectors.astype(np.float32))
    if now.tombstone > mark.tombstone:
        rows = connection.execute(
            "SELECT passage_id FROM tombstones WHERE seq > ? AND seq <= ?", (mark.tombstone, now.tombstone)
        )
        store.remove(np.fromiter((row[0] for row in rows), np.int64))
    return Mark(max(now.passage, mark.passage), max(now.tombstone, mark.tombstone))


def read_article(row: sqlite3.Row) -> Article:
    """Turn a row of `ARTICLE` into the record."""
    fields = dict(row)
    return Article(**fields | {"authors": tuple(json.loads(fields["authors"]))})


def _passage(row: sqlite3.Row) -> Passage:
    fields = dict(row)
    return Passage(**fields | {"text": fields["text"][fields["start"] : fields["end"]]})


def _conditions(filters: Filters) -> tuple[str, list[str]]:
    """Return a WHERE clause over ``articles a`` and ``revisions r``, and its values; empty when nothing is filtered."""
    clauses, values = [], []
    for operator, day in ((">=", filters.since), ("<=", filters.until)):
        if day is not None:
            clauses.append(f"substr(r.published, 1, 10) {operator} ?")
            values.append(day.isoformat())
    if filters.outlets:
        clauses.append(f"r.outlet COLLATE NOCASE IN ({', '.join('?' * len(filters.outlets))})")
        values += filters.outlets
    if filters.only is not None:
        clauses.append("a.id IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(sorted(filters.only)))
    if filters.without:
        clauses.append("a.id NOT IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(sorted(filters.without)))
    return " AND ".join(clauses), values
