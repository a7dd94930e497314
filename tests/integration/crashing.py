"""Indexes a folder as a process of its own, for `test_crash` to kill."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from fakes import HashEmbedder
from newsqa import ingest
from newsqa.settings import Settings
from newsqa.types import Vectors


class SlowEmbedder(HashEmbedder):
    def embed(self, texts: Sequence[str]) -> Vectors:
        time.sleep(0.002 * len(texts))
        return super().embed(texts)


if __name__ == "__main__":
    ingest.READ_BATCH, ingest.SETTLE_BATCH = 7, 5
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    ingest.Ingest(Settings(index=Path(sys.argv[1])), embedder=SlowEmbedder()).index([sys.argv[2]], prune=True)
