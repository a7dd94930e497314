"""The vectors in memory: from the snapshot, and following what is committed after it."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from newsqa import snapshot
from newsqa.cells import Halves, Ids
from newsqa.errors import IndexCorruptError
from newsqa.meta import check_meta, dimension, read_meta
from newsqa.snapshot import Mark
from newsqa.store import FaissStore

log = logging.getLogger(__name__)
BATCH = 8192


@dataclass(frozen=True, slots=True)
class Held:
    """A store, which is never changed, the point in history it is at, and which snapshot was looked at for it."""

    store: FaissStore
    mark: Mark
    stamp: snapshot.Stamp | None


class Follower:
    """Keeps a store at what is committed.

    What is new comes in a new store, so that threads go on searching the one they have.
    """

    def __init__(self, folder: Path, model_id: str) -> None:
        self._folder = folder
        self._model_id = model_id
        self._held: Held | None = None
        self._lock = threading.Lock()

    def store(self, connection: sqlite3.Connection) -> FaissStore:
        """Return the vectors that this transaction sees; there may be some that came or went since.

        Raises IndexMismatchError when the index was rebuilt another way.
        """
        now, stamp = current_mark(connection), snapshot.stamp(self._folder)
        held = self._held
        if held and not now.ahead_of(held.mark):
            # Only for a new snapshot: while one thread opens it, the others go on with what there is.
            if held.stamp == stamp or not self._lock.acquire(blocking=False):
                return held.store
        else:
            self._lock.acquire()
        try:
            self._held = self._followed(connection, now)
            return self._held.store
        finally:
            self._lock.release()

    def _followed(self, connection: sqlite3.Connection, now: Mark) -> Held:
        """Return what is held after another look, as others may have been here; the caller has the lock."""
        stamp = snapshot.stamp(self._folder)
        held = self._held or Held(FaissStore(dimension(connection)), Mark(0, 0), None)
        if now != held.mark:
            check_meta(connection, self._folder, self._model_id)
        if stamp != held.stamp:
            held = self._opened(connection, now, held, stamp)
        if not now.ahead_of(held.mark):
            return held
        store = held.store.fork()
        return Held(store, catch_up(connection, store, held.mark, now), held.stamp)

    def _opened(self, connection: sqlite3.Connection, now: Mark, held: Held, stamp: snapshot.Stamp | None) -> Held:
        """Open the current snapshot; what is held goes on where that can't be used."""
        meta = read_meta(connection)
        try:
            manifest = snapshot.read_manifest(self._folder, meta["database"])
            # It may be newer than what this transaction sees, and then is looked at again.
            if manifest and manifest.mark.ahead_of(now):
                return held
            found = snapshot.load(self._folder, meta["database"])
        except IndexCorruptError as error:
            log.warning("%s. Its vectors are read from the database instead; the next newsqa index mends it.", error)
            found = None
        if found is None or found[0].dimension != int(meta["dimension"]):
            return Held(held.store, held.mark, stamp)
        return held if found[1].mark.ahead_of(now) else Held(found[0], found[1].mark, stamp)


def current_mark(connection: sqlite3.Connection) -> Mark:
    """Return the last passage id and tombstone ever written."""
    last = dict(connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
    return Mark(last.get("passages", 0), last.get("tombstones", 0))


def read_vectors(connection: sqlite3.Connection, after: int, upto: int) -> Iterator[tuple[Ids, Halves]]:
    """Yield ids and vectors of passages with ``after < id <= upto``, in batches."""
    rows = connection.execute("SELECT id, vector FROM passages WHERE id > ? AND id <= ? ORDER BY id", (after, upto))
    while batch := rows.fetchmany(BATCH):
        vectors = np.frombuffer(b"".join(row[1] for row in batch), np.float16).reshape(len(batch), -1)
        yield np.array([row[0] for row in batch], np.int64), vectors


def read_tombstones(connection: sqlite3.Connection, after: int, upto: int) -> Ids:
    """Return the passages that were removed, in the order of their tombstones."""
    rows = connection.execute("SELECT passage_id FROM tombstones WHERE seq > ? AND seq <= ?", (after, upto))
    return np.fromiter((row[0] for row in rows), np.int64)


def catch_up(connection: sqlite3.Connection, store: FaissStore, mark: Mark, now: Mark) -> Mark:
    """Bring a store that is at ``mark`` to ``now`` and return where it is then.

    Only forward: this transaction may be older than what the store has.
    """
    if now.passage > mark.passage:
        for ids, vectors in read_vectors(connection, mark.passage, now.passage):
            store.add(ids, vectors.astype(np.float32))
    if now.tombstone > mark.tombstone:
        store.remove(read_tombstones(connection, mark.tombstone, now.tombstone))
    return Mark(max(now.passage, mark.passage), max(now.tombstone, mark.tombstone))
