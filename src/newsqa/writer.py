"""Writing to an index: one process at a time, in transactions of whole articles."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

import filelock
import numpy as np

from newsqa import database, lexical, publishing, snapshot
from newsqa.database import PASSAGE_BATCH, PASSAGES
from newsqa.errors import ArticleNotFoundError, IndexLockedError, IndexMissingError
from newsqa.index import ARTICLES, read_article
from newsqa.ledger import UNSEEN, Ledger
from newsqa.meta import check_meta, count_commit, expected_meta
from newsqa.settings import Settings
from newsqa.types import Article, Draft, ProgressHook, Source, Vectors
from newsqa.upgrade import forget_passages, upgrade

LOCK = "writer.lock"
CANDIDATES = 16
"""How many articles are compared word by word to tell whether one is a copy."""


class Put(Enum):
    """What became of a draft that was handed to `Writer.put`."""

    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REMOVED = "removed"


def content_hash(draft: Draft | Article) -> str:
    """Hash what a revision consists of: text and metadata, not where it came from."""
    fields = (
        draft.title,
        draft.text,
        draft.url,
        draft.outlet,
        list(draft.authors),
        draft.published,
        draft.language,
    )
    return hashlib.sha256(json.dumps(fields, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()


def article_id(key: str) -> str:
    """Return the id of the article with this key (see `clean.article_key`)."""
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


class Writer:
    """The only way to change an index; made by `Writer.open`."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        self.ledger = Ledger(connection)
        self._connection = connection
        self._folder = folder
        self._unindexed: list[tuple[int, str, str]] = []

    @classmethod
    @contextmanager
    def open(
        cls,
        settings: Settings,
        model_id: str,
        dimension: int | None = None,
        *,
        rebuild: bool = False,
        progress: ProgressHook = lambda progress: None,
    ) -> Iterator[Writer]:
        """Lock the index for writing; with a ``dimension`` it is created if there is none.

        ``rebuild`` makes every article pending for the present model and chunking. ``progress`` is told how
        far bringing an old index up to date is.
        Raises IndexLockedError, IndexMissingError, IndexCorruptError, IndexMismatchError.
        """
        folder = settings.index
        path = folder / database.FILE
        if dimension is None and not path.is_file():
            raise IndexMissingError(f"No index at '{folder}'. Build one: newsqa index PATH|URL|FEED")
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder, settings.lock_timeout), database.translated(path):
            meta = expected_meta(model_id) | {"dimension": str(dimension)}
            if not path.is_file():
                database.create(path, meta)
            with closing(database.connect(path)) as connection:
                writer = cls(connection, folder)
                if upgrade(connection, progress):
                    snapshot.discard(folder)
                check_meta(connection, folder, model_id, rebuilding=rebuild)
                if rebuild:
                    with writer.transaction():
                        forget_passages(connection, meta)
                    snapshot.discard(folder)
                publishing.discard_wrong(connection, folder)
                yield writer

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything done in the block, or nothing."""
        self._unindexed.clear()
        with database.transaction(self._connection):
            yield
            self._index_words()
            count_commit(self._connection)

    def _index_words(self) -> None:
        """Index the words of all passages added in this transaction; together, since they share most terms."""
        lexical.add(self._connection, self._unindexed)
        self._unindexed.clear()

    # Articles

    def put(self, document_id: int, key: str, draft: Draft, origin: str, *, brief: bool = False) -> Put:
        """Store a cleaned draft that a document holds, as a new article or revision if it is new.

        A ``brief``, such as a feed's entry, never takes the place of a longer text from elsewhere.
        """
        identity, digest = article_id(key), content_hash(draft)
        if self._connection.execute("SELECT 1 FROM removed WHERE key = ?", (key,)).fetchone():
            return Put.REMOVED
        row = self._connection.execute(
            """SELECT a.revision, r.content_hash = ? OR EXISTS (SELECT 1 FROM sightings g WHERE g.document_id = ?
            AND g.article_id = a.id AND g.content_hash = ? AND g.present)
            OR (? AND r.origin != ? AND length(r.text) > ?) FROM articles a JOIN revisions r
            ON r.article_id = a.id AND r.revision = a.revision WHERE a.id = ?""",
            (digest, document_id, digest, brief, origin, len(draft.text), identity),
        ).fetchone()
        if row is None:
            self._connection.execute("INSERT INTO articles VALUES (?, ?, 1, NULL, 1)", (identity, key))
            self._add_revision(identity, 1, digest, draft, origin)
        elif not row[1]:
            self._update(identity, digest, draft, origin)
            # What it said until now is gone from it, also where nothing else can be told to be.
            self._connection.execute(
                "UPDATE sightings SET present = 0 WHERE document_id = ? AND article_id = ? AND present = ?",
                (document_id, identity, UNSEEN),
            )
        self._connection.execute(
            """INSERT INTO sightings VALUES (?, ?, ?, 1)
            ON CONFLICT (document_id, article_id, content_hash) DO UPDATE SET present = 1""",
            (document_id, identity, digest),
        )
        return Put.ADDED if row is None else Put.UNCHANGED if row[1] else Put.UPDATED

    def _update(self, identity: str, digest: str, draft: Draft, origin: str) -> None:
        known = self._connection.execute(
            "SELECT revision FROM revisions WHERE article_id = ? AND content_hash = ?", (identity, digest)
        ).fetchone()
        if known:
            revision = known[0]
        else:
            last = "SELECT max(revision) FROM revisions WHERE article_id = ?"
            revision = self._connection.execute(last, (identity,)).fetchone()[0] + 1
            self._add_revision(identity, revision, digest, draft, origin)
        self._connection.execute("UPDATE articles SET revision = ?, pending = 1 WHERE id = ?", (revision, identity))

    def _add_revision(self, identity: str, revision: int, digest: str, draft: Draft, origin: str) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._connection.execute(
            "INSERT INTO revisions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(
                    identity,
                    revision,
                    digest,
                    draft.url,
                    draft.outlet,
                    json.dumps(draft.authors, ensure_ascii=False),
                ),
                *(draft.published, draft.language, origin, now, draft.title, draft.text),
            ),
        )

    def count_pending(self) -> int:
        """Count the articles that wait to be searchable."""
        return int(self._connection.execute("SELECT count(*) FROM articles WHERE pending").fetchone()[0])

    def pending(self, limit: int) -> list[Article]:
        """Return some of the articles that wait to be searchable, in the order they were stored."""
        # Chosen by the indices alone, from the few that are pending: only the texts that are wanted are read.
        chosen = """SELECT r.rowid FROM articles a
            CROSS JOIN revisions r ON r.article_id = a.id AND r.revision = a.revision
            WHERE a.pending ORDER BY r.rowid LIMIT ?"""
        rows = self._connection.execute(f"{ARTICLES} WHERE r.rowid IN ({chosen}) ORDER BY r.rowid", (limit,))
        return [read_article(row) for row in rows]

    def release(self, article: Article) -> None:
        """Take an article's old passages and bands out, and let those it stood for stand for themselves."""
        self._forget_passages("p.article_id = ?", (article.id,))
        self._connection.execute("DELETE FROM bands WHERE article_id = ?", (article.id,))
        self._connection.execute("UPDATE articles SET copy_of = NULL, pending = 1 WHERE copy_of = ?", (article.id,))

    def near(self, article: Article, bands: Sequence[int]) -> list[Article]:
        """Return the searched articles that share most bands: candidates for being the same story."""
        shared = """SELECT article_id, count(*) AS bands FROM bands WHERE article_id != ?
            AND band IN (SELECT value FROM json_each(?)) GROUP BY 1 ORDER BY bands DESC, 1 LIMIT ?"""
        rows = self._connection.execute(
            f"{ARTICLES} JOIN ({shared}) near ON near.article_id = a.id ORDER BY near.bands DESC, a.id",
            (article.id, json.dumps(list(bands)), CANDIDATES),
        )
        return [read_article(row) for row in rows]

    def settle_copy(self, article: Article, original: Article) -> None:
        """Mark an article as a near copy of one that is searched in its stead."""
        self._connection.execute("UPDATE articles SET copy_of = ?, pending = 0 WHERE id = ?", (original.id, article.id))

    def settle(self, article: Article, bands: Iterable[int]) -> None:
        """Mark an article as one that is searched; `add_passages` must follow in the transaction."""
        self._connection.executemany(
            "INSERT OR IGNORE INTO bands VALUES (?, ?)", ((band, article.id) for band in bands)
        )
        self._connection.execute("UPDATE articles SET copy_of = NULL, pending = 0 WHERE id = ?", (article.id,))

    def add_passages(self, article: Article, bounds: Sequence[tuple[int, int]], vectors: Vectors) -> None:
        """Make passages of an article searchable; vectors have shape (len(bounds), dimension)."""
        for (start, end), vector in zip(bounds, vectors.astype(np.float16), strict=True):
            cursor = self._connection.execute(
                'INSERT INTO passages (article_id, revision, start, "end", vector) VALUES (?, ?, ?, ?, ?)',
                (article.id, article.revision, start, end, vector.tobytes()),
            )
            assert cursor.lastrowid is not None
            self._unindexed.append((cursor.lastrowid, article.title, article.text[start:end]))

    def remove(self, article_ids: Sequence[str]) -> None:
        """Remove articles with all their revisions, and keep them from coming back.

        Raises ArticleNotFoundError, then nothing is removed.
        """
        with self.transaction():
            for identity in dict.fromkeys(article_ids):
                row = self._connection.execute("SELECT key FROM articles WHERE id = ?", (identity,)).fetchone()
                if row is None:
                    raise ArticleNotFoundError(f"No article {identity} in the index. List them: newsqa articles")
                now = datetime.now(UTC).isoformat(timespec="seconds")
                self._connection.execute("INSERT OR REPLACE INTO removed VALUES (?, ?)", (row[0], now))
                self._delete(identity)

    def restore(self) -> None:
        """Forget which articles were removed, so that reading their sources brings them back."""
        with self.transaction():
            self._connection.execute("DELETE FROM removed")
            self._connection.execute("UPDATE documents SET digest = NULL, etag = NULL, last_modified = NULL")

    def prune(self, source: Source) -> int:
        """Remove the articles that this source no longer holds and no other does; return how many."""
        with self.transaction():
            self._connection.execute("DELETE FROM documents WHERE source_id = ? AND NOT present", (source.id,))
            self._connection.execute(
                """DELETE FROM sightings WHERE NOT present
                AND document_id IN (SELECT id FROM documents WHERE source_id = ?)""",
                (source.id,),
            )
            return self._delete_unsighted()

    def forget_source(self, source: Source) -> int:
        """Forget a source and the articles that only it brought; return how many."""
        with self.transaction():
            self._connection.execute("DELETE FROM sources WHERE id = ?", (source.id,))
            return self._delete_unsighted()

    def _delete_unsighted(self) -> int:
        rows = self._connection.execute(
            "SELECT id FROM articles a WHERE NOT EXISTS (SELECT 1 FROM sightings WHERE article_id = a.id)"
        ).fetchall()
        for row in rows:
            self._delete(row[0])
        return len(rows)

    def _delete(self, identity: str) -> None:
        self._forget_passages("p.article_id = ?", (identity,))
        self._connection.execute("UPDATE articles SET copy_of = NULL, pending = 1 WHERE copy_of = ?", (identity,))
        self._connection.execute("DELETE FROM articles WHERE id = ?", (identity,))

    def _forget_passages(self, where: str, values: Sequence[object]) -> None:
        self._index_words()
        rows = self._connection.execute(f"{PASSAGES} WHERE {where}", values)
        while batch := rows.fetchmany(PASSAGE_BATCH):
            lexical.remove(self._connection, map(tuple, batch))
        self._connection.execute(f"DELETE FROM passages AS p WHERE {where}", values)


@contextmanager
def _locked(folder: Path, timeout: float) -> Iterator[None]:
    try:
        with filelock.FileLock(folder / LOCK, timeout=timeout):
            yield
    except filelock.Timeout as error:
        raise IndexLockedError(
            f"Another process has been writing to '{folder}' for over {timeout:.0f} s. Try again when it is done."
        ) from error
