"""What an index remembers of its sources: where they are, and what was in them last time."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from newsqa import database
from newsqa.index import read_sources
from newsqa.types import Document, Source

UNSEEN = 2
"""State of a sighting while its document is read: there last time, not yet seen this time."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is remembered of a document since it was last read to its end."""

    id: int
    digest: str | None
    etag: str | None
    last_modified: str | None


class Ledger:
    """Sources, their documents, and which of these are still there."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add_source(self, location: str, fields: Mapping[str, str], *, follow: bool, allow_private: bool) -> Source:
        """Remember a source, or update how it is read."""
        with database.transaction(self._connection):
            self._connection.execute(
                """INSERT INTO sources (location, fields, follow, allow_private) VALUES (?, ?, ?, ?)
                ON CONFLICT (location) DO UPDATE SET fields = excluded.fields, follow = excluded.follow,
                allow_private = excluded.allow_private""",
                (location, json.dumps(dict(fields), sort_keys=True), follow, allow_private),
            )
        (source,) = read_sources(self._connection, location)
        return source

    def sources(self) -> list[Source]:
        """Return the remembered sources in the order they were added."""
        return read_sources(self._connection)

    def start_pass(self, source: Source) -> None:
        """Begin reading a source: what is not seen until `end_pass` is gone from it."""
        with database.transaction(self._connection):
            self._connection.execute("UPDATE documents SET present = 0 WHERE source_id = ?", (source.id,))

    def end_pass(self, source: Source) -> None:
        """Record that a source was read to its end."""
        with database.transaction(self._connection):
            now = datetime.now(UTC).isoformat(timespec="seconds")
            self._connection.execute("UPDATE sources SET refreshed_at = ? WHERE id = ?", (now, source.id))

    def known(self, source: Source, location: str) -> Known | None:
        """Return what is remembered of a document of a source."""
        row = self._connection.execute(
            "SELECT id, digest, etag, last_modified FROM documents WHERE source_id = ? AND location = ?",
            (source.id, location),
        ).fetchone()
        return Known(*row) if row else None

    def seen(self, source: Source, location: str) -> int:
        """Note that a document is still there and return how many articles it holds."""
        with database.transaction(self._connection):
            self._connection.execute(
                "UPDATE documents SET present = 1 WHERE source_id = ? AND location = ?", (source.id, location)
            )
        row = self._connection.execute(
            """SELECT count(DISTINCT article_id) FROM sightings JOIN documents d ON d.id = document_id
            WHERE source_id = ? AND location = ? AND sightings.present""",
            (source.id, location),
        ).fetchone()
        return int(row[0])

    def spare(self, source: Source, location: str) -> None:
        """Note that a place could not be read now: what it held, or a folder there, is not gone."""
        with database.transaction(self._connection):
            self._connection.execute(
                """UPDATE documents SET present = 1 WHERE source_id = ?
                AND (location = ? OR substr(location, 1, length(?)) = ?)""",
                (source.id, location, f"{location}/", f"{location}/"),
            )

    def start_document(self, source: Source, location: str) -> int:
        """Begin reading a document and return its id.

        Its digest is cleared until `end_document`, so that an interrupted read is read again.
        """
        with database.transaction(self._connection):
            self._connection.execute(
                """INSERT INTO documents (source_id, location, present) VALUES (?, ?, 1)
                ON CONFLICT (source_id, location) DO UPDATE SET present = 1, digest = NULL, etag = NULL,
                last_modified = NULL""",
                (source.id, location),
            )
            known = self.known(source, location)
            assert known is not None
            self._connection.execute(
                "UPDATE sightings SET present = ? WHERE document_id = ? AND present", (UNSEEN, known.id)
            )
        return known.id

    def end_document(self, document_id: int, digest: str | None, document: Document, *, whole: bool) -> None:
        """Record that a document was read to its end; unless ``whole``, nothing in it has gone missing.

        Without a ``digest`` it is read again next time.
        """
        with database.transaction(self._connection):
            self._connection.execute(
                "UPDATE sightings SET present = ? WHERE document_id = ? AND present = ?",
                (not whole, document_id, UNSEEN),
            )
            if digest:
                self._connection.execute(
                    "UPDATE documents SET digest = ?, etag = ?, last_modified = ? WHERE id = ?",
                    (digest, document.etag, document.last_modified, document_id),
                )
