from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from starlette.testclient import TestClient

from newsqa import api
from newsqa.errors import ArticleNotFoundError, IndexCorruptError, UsageError
from newsqa.qa import QA
from newsqa.settings import Settings
from newsqa.types import Article

TEXT = "A quiet week.\nThe ferry sank at noon.\n"
HOST = "http://127.0.0.1:7860"


class FakeIndex:
    def article(self, article_id: str, revision: int | None = None) -> Article:
        if article_id == "broken":
            raise IndexCorruptError("The database is damaged.")
        if article_id != "a1" or revision not in (None, 1, 2):
            raise ArticleNotFoundError(f"No article {article_id} in the index.")
        return Article("a1", revision or 2, "Ferry sinks", TEXT, None, "Courier", (), "2025-01-02", "en", "x", "h")

    def copies(self, article_id: str) -> list[Article]:
        return []


class FakeQA:
    index = FakeIndex()


@pytest.fixture(autouse=True)
def no_chat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave Gradio out: it drops event loops unclosed, which is an error here. The browser tests have it."""
    monkeypatch.setattr(api.web, "mount", lambda app, service: None)


@pytest.fixture
def client(no_chat: None, tmp_path: Path) -> Iterator[TestClient]:
    settings = Settings(index=tmp_path)
    with TestClient(api.create_app(settings, cast(QA, FakeQA())), base_url=HOST) as client:
        yield client


def test_health(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


def test_an_article_is_a_page_with_its_quote_marked(client: TestClient) -> None:
    response = client.get("/articles/a1", params={"revision": 2, "start": 14, "end": 37})
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert '<mark id="quote">The ferry sank at noon&#46;</mark>' in response.text


def test_an_earlier_revision_says_so(client: TestClient) -> None:
    assert "This is revision 1 as it was cited." in client.get("/articles/a1?revision=1").text
    assert "as it was cited" not in client.get("/articles/a1").text


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/articles/nope", 404, "No article nope"),
        ("/articles/a1?revision=7", 404, "No article a1"),
        ("/articles/%00", 404, "No article"),
        ("/articles/%ff%fe", 404, "No article"),
        ("/articles/" + "x" * 5000, 404, "No article"),
        ("/articles/<script>alert(1)</script>", 404, "Not Found"),
        ("/articles/a1?start=3", 400, "both"),
        ("/articles/a1?end=3", 400, "both"),
        ("/articles/a1?start=9&end=9", 400, "9, 9"),
        ("/articles/a1?start=9&end=3", 400, "9, 3"),
        (f"/articles/a1?start=0&end={len(TEXT) + 1}", 400, f"this article has {len(TEXT)} characters"),
        ("/articles/a1?start=-1&end=3", 400, "greater than or equal to 0"),
        ("/articles/a1?start=one&end=3", 400, "valid integer"),
        (f"/articles/a1?start=0&end={10**30}", 400, "less than"),
        (f"/articles/a1?revision={10**30}", 400, "less than"),
        ("/articles/a1?revision=0", 400, "greater than"),
        ("/articles/broken", 503, "The database is damaged."),
    ],
)
def test_what_can_not_be_shown_is_a_clear_page(client: TestClient, path: str, status: int, message: str) -> None:
    response = client.get(path)
    assert response.status_code == status
    words = api.pages.text(message) if "<html" in response.text else message
    assert words in response.text
    assert "Traceback" not in response.text
    assert "<script" not in response.text


@pytest.mark.parametrize("path", ["/", "/healthz", "/articles/a1", "/articles/nope", "/newsqa/newsqa.css"])
def test_everything_carries_the_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(rule.strip().split(" ", 1) for rule in headers["content-security-policy"].split(";"))
    assert policy["script-src"] == "'self'"
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"


def test_article_pages_have_no_script_at_all(client: TestClient) -> None:
    assert "<script" not in client.get("/articles/a1").text


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:7860", "[::1]:7860", "[::1]", "LOCALHOST"])
def test_loopback_names_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:7860", "127.0.0.1.evil.example", "localhost.evil.example", "127.0.0.1@evil", ""],
)
def test_other_names_are_refused(client: TestClient, host: str) -> None:
    response = client.get("/healthz", headers={"host": host})
    assert response.status_code == 403
    assert "127.0.0.1" in response.text


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "https://127.0.0.1:7860"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_changes_asked_for_by_other_sites_are_refused(client: TestClient, method: str, headers: dict[str, str]) -> None:
    assert client.request(method, "/gradio_api/queue/join", headers=headers).status_code == 403


def test_the_page_itself_may_post(client: TestClient) -> None:
    headers = {"origin": HOST, "sec-fetch-site": "same-origin"}
    assert client.post("/gradio_api/queue/join", headers=headers).status_code == 404


def test_no_documentation_page_that_loads_from_elsewhere(client: TestClient) -> None:
    assert [client.get(path).status_code for path in ("/docs", "/redoc", "/openapi.json")] == [404] * 3


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "::", "example.org"])
def test_serve_listens_on_loopback_only(host: str) -> None:
    with pytest.raises(UsageError, match="no log-in"):
        api.serve(Settings(), host)


def test_serve_says_that_a_port_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"127.0.0.1:{port}.*Try: --port {port + 1}"):
            api.serve(Settings(index=tmp_path), port=port)


def test_serve_opens_the_browser_only_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    ran: list[Any] = []
    monkeypatch.setattr(api.webbrowser, "open", opened.append)
    monkeypatch.setattr(
        api.uvicorn.Server, "run", lambda self, sockets: ran.append(self.config.timeout_graceful_shutdown)
    )
    api.serve(Settings(index=tmp_path), port=0)
    assert opened == []
    api.serve(Settings(index=tmp_path), port=0, open_browser=True)
    assert len(opened) == 1
    assert opened[0].startswith("http://127.0.0.1:")
    assert ran == [api.GRACE, api.GRACE]
