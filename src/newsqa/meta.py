"""How an index was built, and whether this version can read it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from newsqa import chunk, database
from newsqa.errors import IndexMismatchError


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
    return dict(connection.execute("SELECT key, value FROM meta WHERE key != 'commits'").fetchall())


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


def dimension(connection: sqlite3.Connection) -> int:
    """Return the length of the vectors that the index records."""
    return int(read_meta(connection)["dimension"])


def commits(connection: sqlite3.Connection) -> int:
    """Return how often articles were written, as far as this transaction sees."""
    row = connection.execute("SELECT value FROM meta WHERE key = 'commits'").fetchone()
    return int(row[0]) if row else 0


def count_commit(connection: sqlite3.Connection) -> None:
    """Note that articles are written by this transaction."""
    connection.execute(
        "INSERT INTO meta VALUES ('commits', '1') ON CONFLICT (key) DO UPDATE SET value = CAST(value + 1 AS TEXT)"
    )
