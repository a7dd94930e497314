"""Publishing a snapshot of what is committed, while others read and write."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Thread

import filelock

from newsqa import database, snapshot
from newsqa.cells import Halves, Ids
from newsqa.errors import IndexCorruptError, NewsQAError
from newsqa.following import current_mark, read_tombstones, read_vectors
from newsqa.meta import dimension, read_meta
from newsqa.settings import Settings
from newsqa.snapshot import Mark
from newsqa.store import FaissStore

log = logging.getLogger(__name__)
LOCK = "snapshot.lock"
SHARE, LAG = 0.1, 20_000
"""A new snapshot is published when this share of it has changed since, or so many passages:
what it lacks must be read on opening, and is compared one by one by every search."""


def publish(settings: Settings) -> bool:
    """Publish a snapshot unless the current one is near enough; tell which.

    Until then, whoever reads goes on with the current one. Where another process is at it already, that
    is left to it. Memory stays bounded: vectors go from the database to the file.
    Raises NewsQAError when it can't be written.
    """
    path = settings.index / database.FILE
    lock = filelock.FileLock(settings.index / LOCK, blocking=False)
    try:
        with (
            lock,
            database.translated(path),
            closing(database.connect(path)) as connection,
            database.transaction(connection, "DEFERRED"),
        ):
            return _publish(connection, settings.index, settings.threads)
    except filelock.Timeout:
        return False


def publish_aside(settings: Settings) -> Thread:
    """Publish in a daemon thread, on one core: a crash or the process's end leaves the current snapshot whole."""

    def run() -> None:
        try:
            publish(settings)
        except (NewsQAError, OSError):
            log.exception("No snapshot was published; the next newsqa index tries again")

    settings = replace(settings, threads=1)
    thread = Thread(target=run, name="newsqa-snapshot", daemon=True)
    thread.start()
    return thread


def _publish(connection: sqlite3.Connection, folder: Path, threads: int) -> bool:
    name, now = read_meta(connection)["database"], current_mark(connection)
    store, mark = FaissStore(dimension(connection)), Mark(0, 0)
    try:
        found = snapshot.load(folder, name)
    except IndexCorruptError:
        found = None
    if found and found[0].dimension == store.dimension and not found[1].mark.ahead_of(now):
        store, mark = found[0], found[1].mark
        behind = now.passage - mark.passage + now.tombstone - mark.tombstone
        if behind <= min(SHARE * found[1].vectors, LAG):
            return False
    store.remove(read_tombstones(connection, mark.tombstone, now.tombstone))
    added = Added(connection, mark.passage, now.passage)
    most = now.passages - len(store)
    snapshot.publish(folder, name, now, lambda path: store.save(path, threads, added=added, most=most))
    return True


def discard_wrong(connection: sqlite3.Connection, folder: Path) -> None:
    """Forget a snapshot that is not of this database's past, before ids it knows are given out anew."""
    try:
        manifest = snapshot.read_manifest(folder, read_meta(connection)["database"])
    except IndexCorruptError:
        snapshot.discard(folder)
    else:
        if manifest and manifest.mark.ahead_of(current_mark(connection)):
            snapshot.discard(folder)


class Added:
    """The vectors of passages with ``after < id <= upto``, read anew each time that they are gone through."""

    def __init__(self, connection: sqlite3.Connection, after: int, upto: int) -> None:
        self._bounds = (connection, after, upto)

    def __iter__(self) -> Iterator[tuple[Ids, Halves]]:
        """Yield ids and vectors in batches."""
        return read_vectors(*self._bounds)
