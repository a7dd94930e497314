"""What stands before every route."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from listing import routes
from newsqa.server import guard
from newsqa.server.app import Options
from serving import HOST, READ, WRITE, Server, bearer, serving

BOTH = Options(token=WRITE, read_token=READ, rate=0)


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    with serving(monkeypatch, tmp_path) as server:
        yield server.client


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving(monkeypatch, tmp_path, BOTH) as server:
        yield server


# Tokens


@pytest.mark.parametrize("headers", [{}, bearer("wrong-token-0123456789"), {"authorization": f"Basic {WRITE}"}])
def test_no_route_is_answered_without_the_right_token(locked: Server, headers: dict[str, str]) -> None:
    found = [*routes(locked.app)]
    assert {("POST", "/api/v1/ask"), ("DELETE", "/api/articles/a1"), ("GET", "/newsqa/newsqa.js")} <= {*found}
    answered = set()
    for method, path in [*found, ("GET", "/"), ("POST", "/gradio_api/upload"), ("GET", "/nowhere")]:
        if locked.client.request(method, path, headers=headers).status_code not in (401, 429):
            answered.add(path)
    assert answered == {"/healthz", "/login", "/newsqa/newsqa.css"}
    assert locked.qa.asked == locked.ingest.removed == []


SENT = [
    ("POST", "/api/v1/articles"),
    ("POST", "/api/articles"),
    ("DELETE", "/api/v1/articles/a1"),
    ("DELETE", "/api/articles/a1"),
    ("POST", "/gradio_api/upload"),
    ("POST", "/gradio_api/component_server"),
    ("PUT", "/api/v1/whatever"),
]


@pytest.mark.parametrize(("method", "path"), SENT)
def test_the_read_token_changes_nothing(locked: Server, method: str, path: str) -> None:
    refused = locked.client.request(method, path, headers=bearer(READ), files={"files": ("a.txt", b"one")})
    assert refused.status_code == 403
    assert "the token that may write" in refused.text
    assert (locked.ingest.indexed, locked.ingest.removed) == ([], [])


def test_the_read_token_reads_and_asks(locked: Server) -> None:
    for method, path, body in (
        ("GET", "/api/v1/status", None),
        ("GET", "/articles/a1", None),
        ("POST", "/api/v1/ask", {"question": "When?"}),
        ("POST", "/api/ask/stream", {"question": "When?"}),
        ("POST", "/api/v1/search", {"query": "ferry"}),
        ("POST", "/api/v1/verify", {"quote": "The ferry"}),
    ):
        assert locked.client.request(method, path, headers=bearer(READ), json=body).status_code == 200


@pytest.mark.parametrize(("method", "path"), SENT)
def test_a_read_only_server_changes_nothing_for_anyone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, path: str
) -> None:
    for options in (Options(read_only=True, rate=0), Options(token=WRITE, read_only=True, rate=0)):
        with serving(monkeypatch, tmp_path, options) as server:
            refused = server.client.request(method, path, headers=bearer(WRITE))
            assert (refused.status_code, "read-only" in refused.text) == (403, True)
            assert server.client.get("/api/v1/status", headers=bearer(WRITE)).json()["read_only"] is True


@pytest.mark.parametrize(("token", "seen"), [(READ, []), (WRITE, ["yes"])])
def test_what_comes_after_is_told_who_may_write_and_no_client_can_claim_it(token: str, seen: list[str]) -> None:
    told: list[str] = []

    async def spy(scope: Scope, receive: Receive, send: Send) -> None:
        told.extend(Headers(scope=scope).getlist(guard.MAY_WRITE))
        await PlainTextResponse("")(scope, receive, send)

    claiming = bearer(token) | {guard.MAY_WRITE: "yes, me"}
    TestClient(guard.Guard(spy, BOTH.rules()), base_url=HOST).get("/gradio_api/queue/data", headers=claiming)
    assert told == seen


# Hosts and other sites


@pytest.mark.parametrize("path", ["/", "/healthz", "/articles/a1", "/articles/nope", "/newsqa/newsqa.css", "/api/v1/x"])
def test_everything_carries_the_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(rule.strip().split(" ", 1) for rule in headers["content-security-policy"].split(";"))
    assert policy["script-src"] == "'self'"
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"


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
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/gradio_api/queue/join", "/api/v1/ask", "/articles/a1", "/login", "/healthz"])
def test_requests_of_other_sites_are_refused(
    client: TestClient, method: str, path: str, headers: dict[str, str]
) -> None:
    assert client.request(method, path, headers=headers).status_code == 403


FOLLOWED = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


def test_links_from_other_sites_can_be_followed_but_nothing_can_be_sent_or_framed(client: TestClient) -> None:
    assert client.get("/articles/a1", headers=FOLLOWED).status_code == 200
    assert client.post("/login", headers=FOLLOWED).status_code == 403
    for shown in ("iframe", "image", "script", "empty"):
        assert client.get("/articles/a1", headers=FOLLOWED | {"sec-fetch-dest": shown}).status_code == 403


def test_the_page_itself_may_post(client: TestClient) -> None:
    headers = {"origin": HOST, "sec-fetch-site": "same-origin"}
    assert client.post("/gradio_api/queue/join", headers=headers).status_code == 404


@pytest.mark.parametrize(
    ("origin", "status"),
    [("https://news.example", 200), ("http://news.example", 200), ("https://evil.example", 403)],
)
def test_a_proxy_may_give_it_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, origin: str, status: int) -> None:
    with serving(monkeypatch, tmp_path, Options(token=WRITE, allow_hosts=("News.Example",), rate=0)) as server:
        headers = bearer(WRITE) | {"host": "news.example", "origin": origin}
        asked = server.client.post("/api/v1/ask", json={"question": "When?"}, headers=headers)
        assert asked.status_code == status


# What the chat doesn't need


@pytest.mark.parametrize(
    "path",
    [
        "proxy=https://evil.example/x",
        "file=/etc/passwd",
        "file/etc/passwd",
        "deep_link",
        "call/ask",
        "vibe-code",
        "runs",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_the_chat_does_not_use_of_gradio_is_not_there(client: TestClient, method: str, path: str) -> None:
    refused = client.request(method, f"/gradio_api/{path}")
    assert (refused.status_code, refused.text) == (404, "The chat doesn't use this.")


# Limits


def test_too_many_requests_are_put_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(monkeypatch, tmp_path, Options(rate=3)) as server:
        seen = [server.client.get("/api/v1/status") for _ in range(4)]
        assert [response.status_code for response in seen] == [200, 200, 200, 429]
        assert 0 < int(seen[-1].headers["retry-after"]) <= 20
        assert seen[-1].headers["content-type"] == "application/problem+json"
        assert server.client.get("/articles/a1").status_code == 200


def chunks(size: int) -> Iterator[bytes]:
    yield from (b"x" * 65536 for _ in range(size // 65536))


@pytest.mark.parametrize("path", ["/api/v1/ask", "/gradio_api/queue/join", "/login", "/api/v1/articles/a1"])
def test_large_bodies_are_refused(client: TestClient, path: str) -> None:
    assert client.post(path, content=b"x" * (guard.LARGEST_BODY + 1)).status_code == 413


@pytest.mark.parametrize(
    ("path", "kind"), [("/api/v1/ask", "application/json"), ("/login", "application/x-www-form-urlencoded")]
)
def test_large_bodies_are_refused_also_when_they_do_not_say_how_large_they_are(
    client: TestClient, path: str, kind: str
) -> None:
    sent = client.post(path, content=chunks(2 * guard.LARGEST_BODY), headers={"content-type": kind})
    assert sent.status_code == 413
    assert client.post(path, content=chunks(65536), headers={"content-type": kind}).status_code != 413


def test_uploads_have_a_limit_of_their_own(client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fits = client.post("/api/v1/articles", files={"files": ("a.txt", b"x" * (guard.LARGEST_BODY + 1))})
    assert fits.status_code == 200
    monkeypatch.setattr(guard, "LARGEST_UPLOAD", 1000)
    for path in guard.UPLOADS:
        assert client.post(path, files={"files": ("a.txt", b"x" * 1001)}).status_code == 413
