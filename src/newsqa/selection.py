"""Which articles and passages filters keep, exactly."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import numpy as np

from newsqa.cells import Ids
from newsqa.following import current_mark
from newsqa.meta import commits
from newsqa.types import Filters

Read = TypeVar("Read")
REMEMBERED = 8
"""How many counts and selections are kept until the next commit."""
CURRENT = "articles a JOIN revisions r ON r.article_id = a.id AND r.revision = a.revision"
RUNS = "SELECT article_id, min(id), max(id) FROM passages {} GROUP BY article_id"


def conditions(filters: Filters) -> tuple[str, list[str]]:
    """Return a WHERE clause over ``articles a`` and ``revisions r``, and its values; empty when nothing is filtered."""
    clauses, values = [], []
    for operator, day in ((">=", filters.since), ("<=", filters.until)):
        if day is not None:
            clauses.append(f"substr(r.published, 1, 10) {operator} ?")
            values.append(day.isoformat())
    for column, names in (("r.outlet COLLATE NOCASE", filters.outlets), ("r.language", filters.languages)):
        if names:
            clauses.append(f"{column} IN ({', '.join('?' * len(names))})")
            values += names
    if filters.only is not None:
        clauses.append("a.id IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(sorted(filters.only)))
    if filters.without:
        clauses.append("a.id NOT IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(sorted(filters.without)))
    return " AND ".join(clauses), values


class Selections:
    """Counts and selections, remembered until the next commit for all threads together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[Hashable, Any] = {}
        self._commits = -1
        # An article's passages are stored in one go, so that their ids follow each other.
        self._runs: dict[str, tuple[int, int]] = {}
        self._last = 0

    def count(self, connection: sqlite3.Connection, filters: Filters) -> int:
        """Count the articles that filters keep."""
        where, values = conditions(filters)
        query = f"SELECT count(*) FROM {CURRENT} WHERE {where}" if where else "SELECT count(*) FROM articles"
        return self._once(connection, (query, *values), lambda: int(connection.execute(query, values).fetchone()[0]))

    def passages(self, connection: sqlite3.Connection, filters: Filters) -> Ids | None:
        """Return the ids of the passages that filters keep, ascending; None for all."""
        where, values = conditions(filters)
        if not where:
            return None
        # The original is searched for a copy that the filters keep, see `answer.within`.
        query = f"SELECT coalesce(a.copy_of, a.id) FROM {CURRENT} WHERE {where}"

        def read() -> Ids:
            self._follow(connection)
            kept = {row[0] for row in connection.execute(query, values)}
            runs = np.array([self._runs[a] for a in kept if a in self._runs], np.int64).reshape(-1, 2)
            return _joined(runs[np.argsort(runs[:, 0])])

        return self._once(connection, (query, *values), read)

    def _once(self, connection: sqlite3.Connection, key: Hashable, read: Callable[[], Read]) -> Read:
        now = commits(connection)
        with self._lock:
            if now > self._commits:
                self._found.clear()
                self._commits = now
            if now == self._commits and key in self._found:
                known: Read = self._found[key]
                return known
        found = read()  # without the lock, behind which whoever filters nothing would wait
        with self._lock:
            if len(self._found) >= REMEMBERED:
                self._found.clear()
            if now == self._commits:
                self._found[key] = found
        return found

    def _follow(self, connection: sqlite3.Connection) -> None:
        """Bring the first and last passage of each article up to what is committed; only new passages are read."""
        upto = current_mark(connection).passage
        if upto > self._last:
            # The first time all are read, from an index that leaves the vectors out.
            where = "WHERE id > ?" if self._last else ""
            rows = connection.execute(RUNS.format(where), (self._last,) if self._last else ())
            self._runs.update((article, (first, last)) for article, first, last in rows)
            self._last = upto


def _joined(runs: Ids) -> Ids:
    """Return the numbers of all runs, each a row of first and last."""
    lengths = runs[:, 1] - runs[:, 0] + 1
    before = np.cumsum(lengths) - lengths
    return np.repeat(runs[:, 0] - before, lengths) + np.arange(lengths.sum())
