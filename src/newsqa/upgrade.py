"""Bringing an index up to this version's schema, or making it ready for another model."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from newsqa import database, lexical
from newsqa.meta import read_meta
from newsqa.types import Progress, ProgressHook


def upgrade(connection: sqlite3.Connection, progress: ProgressHook) -> bool:
    """Bring the index up to date in one transaction; tell whether its snapshot has another form.

    One of the first schema had words in FTS5, and a snapshot of another kind.
    """
    first = read_meta(connection).get("schema") == database.UPGRADABLE
    if first:
        with database.transaction(connection):
            connection.execute("DROP TABLE lexicon")
            connection.execute(database.POSTINGS)
            _index_words(connection, progress)
            connection.execute("UPDATE meta SET value = ? WHERE key = 'schema'", (str(database.SCHEMA_VERSION),))
    # An index for filters that knows no languages is replaced by one that does.
    if first or not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'revisions_kept'").fetchone():
        with database.transaction(connection):
            connection.execute("DROP INDEX IF EXISTS revisions_filter")
            connection.execute(database.KEPT)
    return first


def _index_words(connection: sqlite3.Connection, progress: ProgressHook) -> None:
    (total,) = connection.execute("SELECT count(*) FROM passages").fetchone()
    done = 0
    rows = connection.execute(f"{database.PASSAGES} ORDER BY p.id")
    while batch := rows.fetchmany(database.PASSAGE_BATCH):
        lexical.add(connection, map(tuple, batch))
        done += len(batch)
        progress(Progress("upgrading", done, total, "passages"))


def forget_passages(connection: sqlite3.Connection, meta: Mapping[str, str]) -> None:
    """Make every article pending, to be searched the way ``meta`` says."""
    for table in ("postings", "passages", "bands"):
        connection.execute(f"DELETE FROM {table}")
    connection.execute("UPDATE articles SET pending = 1, copy_of = NULL")
    connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", meta.items())
