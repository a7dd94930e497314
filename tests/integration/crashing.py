"""Indexes a folder as a process of its own, for `test_crash` to kill: crashing.py INDEX FOLDER STATEMENT.

At that statement (counted from 1) it writes a byte and works on, but not past the next few: however late
the signal comes, it comes about there.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from itertools import count
from pathlib import Path

from fakes import HashEmbedder
from newsqa import database, ingest
from newsqa.settings import Settings

FURTHER = 20
opening = database._open


def opened(path: Path, mode: str) -> sqlite3.Connection:
    connection = opening(path, mode)
    connection.set_trace_callback(lambda _: reached(next(statements)))
    return connection


def reached(statement: int) -> None:
    if statement == int(sys.argv[3]):
        os.write(1, b".")
    elif statement == int(sys.argv[3]) + FURTHER:
        signal.pause()


if __name__ == "__main__":
    ingest.READ_BATCH, ingest.SETTLE_BATCH = 7, 5
    database._open, statements = opened, count(1)
    ingest.Ingest(Settings(index=Path(sys.argv[1])), embedder=HashEmbedder()).index([sys.argv[2]], prune=True)
