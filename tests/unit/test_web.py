"""The chat's handlers leave the page alive, whatever fails behind them and whatever they are sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import gradio as gr
import pytest

from newsqa import feedback
from newsqa.qa import QA
from newsqa.service import UNEXPECTED, Service, Turn
from newsqa.settings import Settings
from newsqa.types import Answer, Filters
from newsqa.web import MAY_WRITE, NEEDS_TOKEN, Handlers
from serving import ANSWER, FakeIngest, FakeQA

WRITER = gr.Request(headers={MAY_WRITE: "yes"})
READER = gr.Request(headers={})
TURNS = [Turn("When?", ANSWER)]


@pytest.fixture
def handlers(tmp_path: Path) -> Handlers:
    qa = FakeQA()
    cast(Any, qa.index).folder = tmp_path
    return Handlers(Service(Settings(index=tmp_path), lambda: cast(QA, qa), FakeIngest()))


def told(steps: AsyncIterator[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    async def collected() -> list[tuple[Any, ...]]:
        return [step async for step in steps]

    return asyncio.run(collected())


def failing() -> Any:
    raise PermissionError(13, "Permission denied", "index/meta.db")


def test_an_archive_that_fails_unexpectedly_is_said_in_the_header_and_the_box_is_enabled(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    handlers = Handlers(Service(Settings(index=tmp_path), failing, None))
    header, outlets = asyncio.run(handlers.load(READER))
    assert UNEXPECTED.split(";")[0] in header
    assert outlets["choices"] == []
    *_, box = asyncio.run(handlers.open("[]"))
    assert box["interactive"] is True
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]


def test_an_answer_is_shown_though_its_timeline_fails(
    handlers: Handlers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(handlers.service.qa, "retrieve", lambda *_, **__: failing())
    *_, (turns, chat, *_) = told(handlers.ask("When?", [], [], None, None, None))
    assert isinstance(turns[-1].outcome, Answer)
    assert "The ferry sank" in chat
    assert [record.levelname for record in caplog.records] == ["ERROR"]


@pytest.mark.parametrize("question", [None, "", " \n"])
def test_nothing_is_asked_where_nothing_was_typed(handlers: Handlers, question: str | None) -> None:
    assert told(handlers.ask(question, [], None, None, None, None)) == []
    assert told(handlers.go(question, [])) == []


def test_fields_that_are_none_are_empty(handlers: Handlers, tmp_path: Path) -> None:
    *_, (turns, *_) = told(handlers.ask("When?", [], None, None, None, None))
    assert turns[-1].outcome == ANSWER
    said, note = asyncio.run(handlers.right(TURNS, None, WRITER))
    assert "Kept" in said
    assert note == ""
    assert '"note": ""' in feedback.questions(tmp_path)
    ((said, *_),) = told(handlers.add(None, None, WRITER))
    assert "Drop a file" in said


@pytest.mark.parametrize(
    "url", ["http://[::1", "\x00", "file:///etc/passwd", "https://" + "a" * 100_000, "/etc/passwd"]
)
def test_odd_addresses_are_refused_in_words(handlers: Handlers, url: str) -> None:
    *_, (said, *_, kept) = told(handlers.add(None, url, WRITER))
    assert "nq-state" in said
    assert UNEXPECTED.split(";")[0] not in said
    assert kept == url.strip()


def test_opinions_are_exported_as_a_file_of_another_name_each_time(handlers: Handlers) -> None:
    said, file = asyncio.run(handlers.save(WRITER))
    assert "No answer has been called right yet" in said
    asyncio.run(handlers.right(TURNS, "Checked.", WRITER))
    said, file = asyncio.run(handlers.save(WRITER))
    assert "opinions&#45;" in said
    assert "Checked&#46;" in file


def test_who_may_only_read_is_told_so(handlers: Handlers, tmp_path: Path) -> None:
    header, _ = asyncio.run(handlers.load(READER))
    assert "read-only" in header
    for said, *_ in (
        asyncio.run(handlers.right(TURNS, "", READER)),
        asyncio.run(handlers.save(READER)),
        *told(handlers.add([], "https://harbour.example/", READER)),
    ):
        assert NEEDS_TOKEN[:-1] in said
    assert feedback.questions(tmp_path) == ""


def test_a_link_asks_in_its_languages(handlers: Handlers) -> None:
    *_, (turns, *_) = told(handlers.go("?q=When%3F&lang=fr", []))
    assert turns[-1].filters == Filters(languages=("fr",))
