"""newsqa as it is installed beside this."""

from __future__ import annotations

from pathlib import Path

import worker

from newsqa.ingest import Ingest
from newsqa.qa import QA
from newsqa.settings import Settings
from newsqa.types import Passage


class Newsqa:
    """Hybrid search, fused by reciprocal rank; near copies collapse."""

    def __init__(self, folder: Path) -> None:
        self._settings = Settings.load({"index": folder})
        self._ingest = Ingest(self._settings)
        self._opened: QA | None = None

    @property
    def _qa(self) -> QA:
        self._opened = self._opened or QA.open(self._settings)
        return self._opened

    def index(self, file: Path) -> int:
        """Index the file; what is known and unchanged is not embedded again."""
        return self._ingest.index([str(file)]).embedded

    def delete(self, url: str) -> None:
        """Remove the article, for good."""
        self._ingest.remove([next(a.id for a in self._qa.index.articles() if a.url == url)])

    def search(self, question: str, k: int) -> list[Passage]:
        """Retrieve, without reading for an answer."""
        return self._qa.retrieve(question, k=k)

    def articles(self, hits: list[Passage]) -> list[list[str]]:
        """Name each article with its near copies, which it stands for."""
        index = self._qa.index
        ids = dict.fromkeys(hit.article_id for hit in hits)
        return [[str(a.url) for a in (index.article(i), *index.copies(i))] for i in ids]


if __name__ == "__main__":
    worker.serve(Newsqa)
