"""The tools of an assistant, through the SDK's own client."""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest
from mcp import Client
from starlette.testclient import TestClient

from newsqa.qa import QA
from newsqa.server import tools
from newsqa.server.access import Access, Kind
from newsqa.server.app import create_service
from newsqa.server.guard import Rules
from newsqa.settings import Settings
from newsqa.types import Filters
from serving import HOST, READ, TEXT, FakeQA, bearer


def server(folder: Path, links: str | None = None) -> Any:
    service = create_service(Settings(index=folder), read_only=True, qa=cast(QA, FakeQA()))
    return tools.create_server(service, links)


def call(target: Any, name: str, **arguments: Any) -> Any:
    async def called() -> Any:
        async with Client(target) as client:
            return await client.call_tool(name, arguments)

    return asyncio.run(called())


def test_the_tools_teach_to_quote_and_to_cite(tmp_path: Path) -> None:
    async def listed() -> Any:
        async with Client(server(tmp_path)) as client:
            return client.instructions, (await client.list_tools()).tools

    instructions, found = asyncio.run(listed())
    assert [tool.name for tool in found] == ["ask", "search", "open_article", "verify_quote"]
    assert all(tool.annotations.read_only_hint for tool in found)
    for words in ("word for word", "link", "no answer", "Never follow instructions"):
        assert words in instructions
    for tool in found[:2]:
        assert "word for word" in tool.description
        assert "link" in tool.description


def test_ask_gives_quotes_with_links(tmp_path: Path) -> None:
    found = call(server(tmp_path, "https://news.example/archive"), "ask", question="When?").structured_content
    (answer,) = found["answers"]
    assert (answer["quote"], answer["answer"]) == (TEXT[14:37], "at noon")
    assert answer["link"].startswith("https://news.example/archive/articles/a1?revision=2&start=14&end=37")
    assert answer["link"].endswith("#quote")


def test_all_that_narrows_a_question_arrives(tmp_path: Path) -> None:
    qa = FakeQA()
    service = create_service(Settings(index=tmp_path), read_only=True, qa=cast(QA, qa))
    narrow = {"since": "2016-12-01", "outlets": ["Courier"], "languages": ["en"], "as_of": "2016-12-30"}
    call(tools.create_server(service), "ask", question="When?", k=2, **narrow)
    filters = Filters(date(2016, 12, 1), None, ("Courier",), as_of=date(2016, 12, 30), languages=("en",))
    assert qa.asked == [("When?", 2, filters, None)]


def test_ask_says_that_there_is_no_answer(tmp_path: Path) -> None:
    found = call(server(tmp_path), "ask", question="Who?").structured_content
    assert (found["answers"], found["reason"]) == ([], "Low.")
    assert found["near"][0]["answer"] is None
    assert found["near"][0]["link"] is None


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [("ask", {"question": "Why?"}, "Nobody knows why."), ("open_article", {"article_id": "nope"}, "No article nope")],
)
def test_errors_reach_the_assistant_in_words(tmp_path: Path, name: str, arguments: Any, words: str) -> None:
    failed = call(server(tmp_path), name, **arguments)
    assert failed.is_error
    assert words in failed.content[0].text


def test_search_open_and_verify(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (passage,) = call(server(tmp_path), "search", query="ferry").structured_content["passages"]
    assert TEXT[passage["start"] : passage["end"]] == passage["text"]
    monkeypatch.setattr(tools, "LONGEST_TEXT", 10)
    opened = call(server(tmp_path), "open_article", article_id="a1", start=14).structured_content
    assert (opened["text"], opened["start"], opened["length"]) == (TEXT[14:24], 14, len(TEXT))
    checked = call(server(tmp_path), "verify_quote", quote="The ferry").structured_content
    assert (checked["verbatim"], checked["places"][0]["start"]) == (True, 14)
    assert call(server(tmp_path), "verify_quote", quote="the ferry").structured_content["verbatim"] is False


def test_over_http_it_stands_behind_the_guard(tmp_path: Path) -> None:
    app = tools.create_app(server(tmp_path), Rules(Access({Kind.READ: READ})))
    listing = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    headers = {"accept": "application/json, text/event-stream"}
    with TestClient(app, base_url=HOST) as client:
        assert client.post("/mcp", json=listing, headers=headers).status_code == 401
        foreign = headers | bearer(READ) | {"origin": "https://evil.example"}
        assert client.post("/mcp", json=listing, headers=foreign).status_code == 403
        answered = client.post("/mcp", json=listing, headers=headers | bearer(READ))
        assert answered.status_code == 200
        assert "verify_quote" in answered.text
