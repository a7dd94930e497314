"""The SQLite database, the only truth of an index: schema, connections, errors."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from newsqa.errors import IndexCorruptError, IndexLockedError, NewsQAError

SCHEMA_VERSION = 2
UPGRADABLE = "1"
"""The schema that `Writer.open` brings up to this one."""
FILE = "newsqa.sqlite"
BUSY_SECONDS = 30

# Passage ids are never reused (AUTOINCREMENT), so a snapshot and the tombstones
# written since it are all that is needed to know what the snapshot lacks.
# `text` stands last in its row: reading the columns before it skips its pages.
# Foreign keys are on, so that dropping a source drops what only it brought.
SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sources (
    id INTEGER PRIMARY KEY, location TEXT NOT NULL UNIQUE, fields TEXT NOT NULL,
    follow INTEGER NOT NULL, allow_private INTEGER NOT NULL, refreshed_at TEXT);
CREATE TABLE documents (
    id INTEGER PRIMARY KEY, source_id INTEGER NOT NULL REFERENCES sources ON DELETE CASCADE,
    location TEXT NOT NULL, digest TEXT, etag TEXT, last_modified TEXT, present INTEGER NOT NULL,
    UNIQUE (source_id, location));
CREATE TABLE articles (
    id TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, revision INTEGER NOT NULL,
    copy_of TEXT REFERENCES articles ON DELETE SET NULL, pending INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX articles_pending ON articles (pending) WHERE pending;
CREATE INDEX articles_copy ON articles (copy_of) WHERE copy_of IS NOT NULL;
CREATE TABLE revisions (
    article_id TEXT NOT NULL REFERENCES articles ON DELETE CASCADE, revision INTEGER NOT NULL,
    content_hash TEXT NOT NULL, url TEXT, outlet TEXT, authors TEXT NOT NULL, published TEXT, language TEXT,
    origin TEXT NOT NULL, added_at TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL,
    UNIQUE (article_id, revision));
CREATE TABLE sightings (
    document_id INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
    article_id TEXT NOT NULL REFERENCES articles ON DELETE CASCADE, content_hash TEXT NOT NULL,
    present INTEGER NOT NULL, PRIMARY KEY (document_id, article_id, content_hash)) WITHOUT ROWID;
CREATE INDEX sightings_article ON sightings (article_id);
CREATE TABLE bands (
    band INTEGER NOT NULL, article_id TEXT NOT NULL REFERENCES articles ON DELETE CASCADE,
    PRIMARY KEY (band, article_id)) WITHOUT ROWID;
CREATE INDEX bands_article ON bands (article_id);
CREATE TABLE passages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, article_id TEXT NOT NULL, revision INTEGER NOT NULL,
    start INTEGER NOT NULL, "end" INTEGER NOT NULL, vector BLOB NOT NULL);
CREATE INDEX passages_article ON passages (article_id, revision);
CREATE TABLE tombstones (seq INTEGER PRIMARY KEY AUTOINCREMENT, passage_id INTEGER NOT NULL);
CREATE TRIGGER passage_gone AFTER DELETE ON passages
    BEGIN INSERT INTO tombstones (passage_id) VALUES (old.id); END;
CREATE TABLE removed (key TEXT PRIMARY KEY, removed_at TEXT NOT NULL) WITHOUT ROWID;
"""
# Apart, since an index that an earlier version made lacks these.
KEPT = "CREATE INDEX IF NOT EXISTS revisions_kept ON revisions (outlet, published, language, article_id, revision);"
POSTINGS = """CREATE TABLE postings (
    term TEXT NOT NULL, block INTEGER NOT NULL, entries BLOB NOT NULL, PRIMARY KEY (term, block)) WITHOUT ROWID;
"""

PASSAGES = """SELECT p.id, r.title, substr(r.text, p.start + 1, p."end" - p.start) FROM passages p
    JOIN revisions r ON r.article_id = p.article_id AND r.revision = p.revision"""
PASSAGE_BATCH = 4096


def create(path: Path, meta: Mapping[str, str]) -> None:
    """Create an empty database; it appears under its name only when whole.

    Raises IndexCorruptError where another database left its log: SQLite would replay it into this one.
    """
    with translated(path):
        if any(path.with_name(path.name + end).exists() for end in ("-wal", "-shm", "-journal")):
            raise sqlite3.DatabaseError("it is missing, but its log is there")
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with translated(path), closing(_open(draft, "rwc")) as connection:
        connection.executescript(f"BEGIN; {SCHEMA} {KEPT} {POSTINGS} COMMIT;")
        connection.executemany("INSERT INTO meta VALUES (?, ?)", [*meta.items(), ("database", uuid.uuid4().hex)])
    draft.replace(path)


def connect(path: Path) -> sqlite3.Connection:
    """Open an existing database in autocommit mode, for explicit transactions.

    Raises IndexCorruptError when the file is not a database.
    """
    with translated(path):
        # SQLite takes an empty file for a new database; ours appear only when whole.
        if not path.stat().st_size:
            raise sqlite3.DatabaseError("it is empty")
        return _open(path, "rw")


def _open(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        timeout=BUSY_SECONDS,
        check_same_thread=False,
    )
    connection.row_factory = sqlite3.Row
    # FULL makes a commit survive power loss; secure_delete wipes what was removed.
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection, mode: str = "IMMEDIATE") -> Iterator[None]:
    """Commit on success and roll back on any exception."""
    connection.execute(f"BEGIN {mode}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into this project's, with what to do about them."""
    try:
        yield
    except (sqlite3.ProgrammingError, sqlite3.InterfaceError):
        raise  # wrong calls, which say nothing about the file
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise IndexLockedError(f"'{path}' is being written by another process. Try again later.") from error
        if "full" in str(error):
            raise NewsQAError(
                f"No space left for '{path}'. What was committed is safe; free some space and run it again."
            ) from error
        if "no such table" in str(error):
            raise _corrupt(path, error) from error
        raise NewsQAError(f"'{path}' can't be used: {error}") from error
    except sqlite3.DatabaseError as error:
        raise _corrupt(path, error) from error


def _corrupt(path: Path, error: sqlite3.Error) -> IndexCorruptError:
    return IndexCorruptError(
        f"The database '{path}' is damaged ({error}). It was left as it is: restore the whole folder from a "
        f"backup, or move '{path.parent}' away and run newsqa index again."
    )
