"""`newsqa serve` and `newsqa mcp` as they are run: a real server and real models, without a browser."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import httpx
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from installed import COMMAND, environment, newsqa

from .conftest import address

pytestmark = pytest.mark.slow
QUESTION = "How many people were on board the ferry Lady Corrin?"
WRITE, READ = "write-token-0123456789", "read-token-0123456789"


@contextmanager
def serving(archive: Path, *options: str, **changes: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run `newsqa serve` on a free port until the block ends."""
    command = [COMMAND, "serve", "--port", "0", "--index", archive, *options]
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
        httpx.Client(base_url=url, timeout=120, headers={"authorization": f"Bearer {READ}"}) as client,
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
        for path in ("/config", "/gradio_api/info", "/theme.css", "/newsqa/newsqa.js", "/metrics", "/openapi.json"):
            assert httpx.get(url + path).status_code == 401
            assert client.get(path).status_code in (200, 404)
        for path in ("/gradio_api/upload", "/gradio_api/queue/join", "/api/v1/ask"):
            assert httpx.post(url + path).status_code == 401


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


def test_an_assistant_starts_it_and_asks(archive: Path) -> None:
    command = StdioServerParameters(
        command=str(COMMAND), args=["mcp", "--index", str(archive)], env=environment(NEWSQA_MIN_CONFIDENCE="0")
    )

    async def asked() -> Any:
        async with Client(stdio_client(command)) as client:
            answered = (await client.call_tool("ask", {"question": QUESTION})).structured_content
            quote = answered["answers"][0]["quote"]
            return quote, (await client.call_tool("verify_quote", {"quote": quote})).structured_content

    quote, checked = asyncio.run(asked())
    assert checked["verbatim"], quote
