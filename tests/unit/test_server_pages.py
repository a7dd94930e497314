"""The pages beside the chat, and how the server starts."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from newsqa.errors import UsageError
from newsqa.escape import text
from newsqa.server import app
from newsqa.server.app import Options
from newsqa.server.guard import COOKIE
from newsqa.settings import Settings
from serving import READ, TEXT, WRITE, Server, bearer, serving


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    with serving(monkeypatch, tmp_path) as server:
        yield server.client


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving(monkeypatch, tmp_path, Options(token=WRITE, read_token=READ, rate=0)) as server:
        yield server


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
    words = text(message) if "<html" in response.text else message
    assert words in response.text
    assert "Traceback" not in response.text
    assert "<script" not in response.text


@pytest.mark.parametrize("path", ["/docs", "/login"])
def test_pages_have_no_script_and_load_nothing_from_elsewhere(client: TestClient, path: str) -> None:
    page = client.get(path)
    assert page.status_code == 200
    assert "<script" not in page.text
    assert "://" not in page.text


def test_the_reference_names_every_operation(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    page = client.get("/docs").text
    for path, operations in document["paths"].items():
        for method in operations:
            assert f"{method.upper()} {text(f'/api/v1{path}')}" in page


def test_metrics_count_questions_by_outcome_and_requests_by_area(client: TestClient) -> None:
    for question in ("When?", "Who?", "Why?", "Boom?"):
        client.post("/api/v1/ask", json={"question": question})
    client.request("BREW", "/api/v1/coffee")
    figures = client.get("/metrics").text.splitlines()
    for outcome in ("answered", "abstained", "refused", "failed"):
        assert f'newsqa_questions_total{{outcome="{outcome}"}} 1.0' in figures
    assert 'newsqa_requests_total{area="api",method="POST",status="200"} 2.0' in figures
    assert 'newsqa_requests_total{area="api",method="other",status="404"} 1.0' in figures
    assert "newsqa_questions_waiting 0.0" in figures


# Logging in


def test_logging_in_gives_a_session_that_no_script_and_no_other_site_can_use(locked: Server) -> None:
    sent = locked.client.get("/articles/a1?start=14&end=37", headers={"accept": "text/html"})
    assert sent.status_code == 303
    assert sent.headers["location"] == "/login?next=%2Farticles%2Fa1%3Fstart%3D14%26end%3D37"
    form = locked.client.get(sent.headers["location"])
    assert 'type="password"' in form.text
    wanted = "/articles/a1?start=14&end=37"
    done = locked.client.post("/login", data={"token": WRITE, "next": wanted})
    assert (done.status_code, done.headers["location"]) == (303, wanted)
    cookie = done.headers["set-cookie"]
    for word in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age="):
        assert word in cookie
    assert WRITE not in cookie
    assert locked.client.get(wanted).status_code == 200
    assert locked.client.delete("/api/v1/articles/a1").json()["removed"] == 1
    locked.client.post("/logout")
    assert locked.client.get(wanted).status_code == 401


def test_a_session_over_tls_stays_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = Options(token=WRITE, allow_hosts=("news.example",), root_path="/archive", rate=0)
    with serving(monkeypatch, tmp_path, options) as server:
        client = TestClient(server.app, base_url="https://news.example", root_path="/archive", follow_redirects=False)
        cookie = client.post("/archive/login", data={"token": WRITE}).headers["set-cookie"]
        assert "Secure" in cookie
        assert "Path=/archive" in cookie


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\t/evil",
    ],
)
def test_logging_in_leads_nowhere_else(locked: Server, wanted: str) -> None:
    done = locked.client.post("/login", data={"token": READ, "next": wanted})
    assert done.headers["location"] == "./"
    assert "evil" not in locked.client.get("/login", params={"next": wanted}).text


def test_a_wrong_token_is_said_and_hurts(locked: Server) -> None:
    for _ in range(10):
        wrong = locked.client.post("/login", data={"token": "guess"})
        assert wrong.status_code == 401
        assert "This token is wrong&#46;" in wrong.text
    for right in (
        locked.client.post("/login", data={"token": WRITE}),
        locked.client.get("/api/v1/status", headers=bearer(WRITE)),
    ):
        assert right.status_code == 429
        assert 0 < int(right.headers["retry-after"]) <= 60
    assert COOKIE not in locked.client.cookies


# Starting


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "::", "example.org"])
def test_without_a_token_it_listens_on_loopback_only(host: str) -> None:
    with pytest.raises(UsageError, match="Without a token only this machine is served"):
        app.serve(Settings(), Options(host))


def test_without_a_token_no_proxy_leads_others_here() -> None:
    with pytest.raises(UsageError, match="Without a token only this machine is served"):
        app.serve(Settings(), Options(allow_hosts=("news.example",)))


@pytest.mark.parametrize("root", ["archive", "/archive/", "/"])
def test_a_root_path_looks_like_one(root: str) -> None:
    with pytest.raises(UsageError, match="should look like /news"):
        app.serve(Settings(), Options(root_path=root))


def test_serve_says_that_a_port_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.web, "mount", lambda application, service: None)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"127.0.0.1:{port}.*Try: --port {port + 1}"):
            app.serve(Settings(index=tmp_path), Options(port=port))


def test_serve_opens_the_browser_only_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    ran: list[Any] = []
    monkeypatch.setattr(app.web, "mount", lambda application, service: None)
    monkeypatch.setattr(app.webbrowser, "open", opened.append)
    monkeypatch.setattr(app.uvicorn.Server, "run", lambda self, sockets: ran.append(self.config))
    app.serve(Settings(index=tmp_path), Options(port=0))
    assert opened == []
    app.serve(Settings(index=tmp_path), Options(port=0), open_browser=True)
    assert len(opened) == 1
    assert opened[0].startswith("http://127.0.0.1:")
    assert [(config.timeout_graceful_shutdown, config.proxy_headers) for config in ran] == [(app.GRACE, False)] * 2
