"""A server without Gradio and models, for tests of what is around them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from starlette.testclient import TestClient

from newsqa.errors import ArticleNotFoundError, IndexCorruptError, UsageError
from newsqa.ingest import Ingest
from newsqa.qa import QA
from newsqa.server import app
from newsqa.server.app import Options
from newsqa.settings import Settings
from newsqa.types import Answer, Article, Citation, Filters, Passage, ProgressHook, Rejection, Report, Stage

HOST = "http://127.0.0.1:7860"
WRITE = "write-token-0123456789"
READ = "read-token-0123456789"
TEXT = "A quiet week.\nThe ferry sank at noon.\n"
ARTICLE = Article("a1", 2, "Ferry sinks", TEXT, None, "Courier", ("Ada Moor",), "2025-01-02", "en", "x", "h")
CITATION = Citation(
    1, "a1", 2, TEXT[14:37], 14, 37, "at noon", 29, 36, "Ferry sinks", "Courier", "2025-01-02", None, TEXT, 0, 38, 0.9
)
STAGE = Stage("search", "Searching 1 articles…")
ANSWER = Answer("When?", "at noon", (CITATION,), (), 0.9, None, 1)
NONE = Answer("Who?", None, (), (replace(CITATION, answer=None, answer_start=None, answer_end=None),), 0.1, "Low.", 1)
PASSAGE = Passage(7, "a1", 2, 14, 37, TEXT[14:37], "Ferry sinks", "Courier", "2025-01-02")


class FakeIndex:
    """Two revisions of one article; reading the article "broken" fails."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    @contextmanager
    def reading(self) -> Iterator[FakeIndex]:
        yield self

    def execute(self, query: str, values: dict[str, Any]) -> FakeIndex:
        self.asked.append(values)
        return self

    def fetchall(self) -> list[dict[str, Any]]:
        quote, wanted = self.asked[-1]["quote"], self.asked[-1]["article_id"]
        row = {"article_id": "a1", "revision": 2, "current": 1, "title": "Ferry sinks", "text": TEXT}
        row |= {"outlet": "Courier", "published": "2025-01-02", "url": None}
        return [row] if quote in TEXT and wanted in (None, "a1") else []

    def article(self, article_id: str, revision: int | None = None) -> Article:
        if article_id == "broken":
            raise IndexCorruptError("The database is damaged.")
        if article_id != "a1" or revision not in (None, 1, 2):
            raise ArticleNotFoundError(f"No article {article_id} in the index.")
        return replace(ARTICLE, revision=revision or 2)

    def articles(self, filters: Filters, *, limit: int, offset: int) -> list[Article]:
        self.asked.append((filters, limit, offset))
        return [ARTICLE][offset:][:limit]

    def count(self, filters: Filters) -> int:
        return 1

    def copies(self, article_id: str) -> list[Article]:
        return []

    def revisions(self, article_id: str) -> list[int]:
        return [1, 2]

    def status(self) -> dict[str, Any]:
        counts = dict.fromkeys(("articles", "copies", "passages", "revisions", "sources", "bytes"), 1)
        built = {"model": "hash@1", "dimension": "64", "chunking": "c", "schema": "1", "normalised": "l2"}
        return {"index": "/home/ada/index", "first_published": None, "last_published": None} | counts | built


class FakeQA:
    """Answers "When?", refuses "Why?", breaks at "Boom?", and finds no answer to all else."""

    def __init__(self) -> None:
        self.index = FakeIndex()
        self.asked: list[Any] = []

    def stream(
        self, question: str, *, k: int | None, filters: Filters, min_confidence: float | None
    ) -> Iterator[Stage | Answer]:
        self.asked.append((question, k, filters, min_confidence))
        yield STAGE
        if question == "Why?":
            raise UsageError("Nobody knows why.")
        if question == "Boom?":
            raise ValueError("a defect")
        yield ANSWER if question == "When?" else NONE

    def retrieve(self, question: str, *, k: int, filters: Filters) -> list[Passage]:
        return [PASSAGE][:k]


class FakeIngest:
    """Keeps what it was told to index and to remove."""

    def __init__(self) -> None:
        self.indexed: list[tuple[list[str], bool]] = []
        self.removed: list[str] = []

    def __call__(self, hook: ProgressHook) -> Ingest:
        return cast(Ingest, self)

    def index(self, locations: Sequence[str], *, follow: bool) -> Report:
        self.indexed.append((list(locations), follow))
        bad = tuple(Rejection(place, "not text") for place in locations if place.endswith(".bin"))
        return Report(added=len(locations) - len(bad), rejected=bad)

    def remove(self, article_ids: Sequence[str]) -> Report:
        if article_ids != ["a1"]:
            raise ArticleNotFoundError(f"No article {article_ids[0]} in the index.")
        self.removed += article_ids
        return Report(removed=1)


class Server:
    """What a test talks to, and what it did."""

    def __init__(self, folder: Path, options: Options) -> None:
        self.qa, self.ingest, self.folder = FakeQA(), FakeIngest(), folder
        self.service = app.create_service(
            Settings(index=folder), read_only=options.read_only, qa=cast(QA, self.qa), ingest=self.ingest
        )
        self.app = app.create_app(self.service, options)
        self.client = TestClient(self.app, base_url=HOST, raise_server_exceptions=False, follow_redirects=False)


@contextmanager
def serving(monkeypatch: pytest.MonkeyPatch, folder: Path, options: Options | None = None) -> Iterator[Server]:
    """Make a server without Gradio, which drops event loops unclosed; the browser tests have it."""
    monkeypatch.setattr(app.web, "mount", lambda application, service: None)
    server = Server(folder, options or Options(rate=0))
    with server.client:
        yield server


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}
