"""`newsqa serve` and `newsqa mcp` as they are run: a real server and real models, without a browser."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import httpx
import httpx2
import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from installed import COMMAND, environment, newsqa
from serving import READ, WRITE, bearer

from .conftest import address

pytestmark = pytest.mark.slow
CONFIG = Path(__file__).with_name("schemathesis.toml")
QUESTION = "How many people were on board the ferry Lady Corrin?"


@contextmanager
def serving(
    archive: Path, *options: str, name: str = "serve", **changes: str
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run a command that serves on a free port until the block ends."""
    command = [COMMAND, name, "--port", "0", "--index", archive, *options]
    with (
        NamedTemporaryFile("r", suffix=".log") as log,
        subprocess.Popen(command, env=environment(**changes), stdout=log, stderr=log) as process,
    ):
        try:
            yield address(process, Path(log.name)), process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def events(lines: Iterator[str]) -> list[tuple[str, Any]]:
    found, kind = [], ""
    for line in lines:
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            found.append((kind, json.loads(line.removeprefix("data: "))))
    return found


def test_a_stream_of_stages_ends_in_a_verbatim_answer(archive: Path) -> None:
    with (
        serving(archive, NEWSQA_TOKEN=WRITE, NEWSQA_READ_TOKEN=READ, NEWSQA_MIN_CONFIDENCE="0") as (url, _),
        httpx.Client(base_url=url, timeout=120, headers=bearer(READ)) as client,
    ):
        with client.stream("POST", "/api/v1/ask/stream", json={"question": QUESTION}) as streamed:
            *stages, (kind, answer) = events(streamed.iter_lines())
        assert [name for name, _ in stages] == ["stage"] * len(stages)
        assert len(stages) >= 2
        assert kind == "answer"
        cited = answer["citations"][0]
        article = client.get(f"/api/v1/articles/{cited['article_id']}", params={"revision": cited["revision"]}).json()
        assert article["text"][cited["start"] : cited["end"]] == cited["quote"]
        places = client.post("/api/v1/verify", json={"quote": cited["quote"]}).json()["places"]
        assert (cited["article_id"], cited["start"]) in [(place["article_id"], place["start"]) for place in places]
        assert client.delete(f"/api/v1/articles/{cited['article_id']}").status_code == 403
        assert httpx.get(f"{url}/", follow_redirects=False).status_code == 401


def test_it_ends_at_once_with_a_tab_open(archive: Path) -> None:
    with (
        serving(archive) as (url, process),
        socket.create_connection(("127.0.0.1", httpx.URL(url).port or 0)) as tab,
    ):
        tab.sendall(b"GET /gradio_api/heartbeat/x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert tab.recv(15) == b"HTTP/1.1 200 OK"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in (0, -signal.SIGTERM)


def test_others_are_not_served_without_a_token(archive: Path) -> None:
    refused = newsqa("serve", "--host", "0.0.0.0", "--index", archive)
    assert refused.returncode == 2
    assert "NEWSQA_TOKEN" in refused.stderr


# Assistants


async def toured(transport: Any) -> None:
    """Do what an assistant does: ask, look into the article, search, and check the quote."""
    async with Client(transport) as client:

        async def call(name: str, **arguments: Any) -> Any:
            return (await client.call_tool(name, arguments)).structured_content

        answer = (await call("ask", question=QUESTION, as_of="2025-02-01"))["answers"][0]
        article = await call("open_article", article_id=answer["article_id"], revision=answer["revision"])
        assert article["text"][answer["start"] : answer["end"]] == answer["quote"]
        passages = (await call("search", query=QUESTION, k=3))["passages"]
        assert answer["article_id"] in [passage["article_id"] for passage in passages]
        assert (await call("verify_quote", quote=answer["quote"]))["verbatim"] is True
        assert (await call("verify_quote", quote=answer["quote"].swapcase()))["verbatim"] is False


def test_an_assistant_starts_it_and_asks(archive: Path) -> None:
    command = StdioServerParameters(
        command=str(COMMAND), args=["mcp", "--index", str(archive)], env=environment(NEWSQA_MIN_CONFIDENCE="0")
    )
    asyncio.run(toured(stdio_client(command)))


def test_an_assistant_asks_over_http_with_a_token(archive: Path) -> None:
    async def asked(url: str, headers: dict[str, str]) -> None:
        async with httpx2.AsyncClient(headers=headers, timeout=120) as client:
            await toured(streamable_http_client(f"{url}/mcp", http_client=client))

    changes = {"NEWSQA_TOKEN": WRITE, "NEWSQA_READ_TOKEN": READ, "NEWSQA_MIN_CONFIDENCE": "0"}
    with serving(archive, "--http", name="mcp", **changes) as (url, _):
        for token in (READ, WRITE):
            asyncio.run(asked(url, bearer(token)))
        for headers in ({}, bearer("wrong-token-0123456789")):
            with pytest.RaisesGroup(MCPError, flatten_subgroups=True):
                asyncio.run(asked(url, headers))
            for method in ("GET", "POST", "DELETE"):
                assert httpx.request(method, f"{url}/mcp", headers=headers).status_code == 401
        foreign = bearer(READ) | {"origin": "https://evil.example"}
        assert httpx.post(f"{url}/mcp", headers=foreign).status_code == 403


def test_the_api_does_what_its_document_says(archive: Path, tmp_path: Path) -> None:
    """schemathesis sends what it makes up from the document: right requests, wrong ones, and those at the edges."""
    index = Path(shutil.copytree(archive, tmp_path / "index"))
    with serving(index, "--rate-limit", "0", NEWSQA_TOKEN=WRITE) as (url, _):
        token = ["--header", f"Authorization: Bearer {WRITE}"]
        done = subprocess.run(
            [COMMAND.with_name("st"), "--config-file", CONFIG, "run", f"{url}/openapi.json", *token],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stdout
    assert "9 selected / 9 total" in done.stdout
