"""What strangers may send to a running server, chat and all: refused, or inert."""

from __future__ import annotations

import gzip
import json
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from newsqa.server.access import SESSION_SECONDS
from newsqa.server.guard import COOKIE, LARGEST_UPLOAD, READING
from serving import READ, WRITE, bearer

from .conftest import Server, serving

pytestmark = pytest.mark.slow
QUESTION = {"question": "Who is the miller at Harrow Point?", "k": 1}
MILL = "The new tide mill at Harrow Point ground its first grain on Tuesday, said the miller, Una Beck."
LISTING = """
import json, sys
from functools import partial
from pathlib import Path
sys.path.insert(0, {tests!r})
from listing import routes
from newsqa.ingest import Ingest
from newsqa.server import app

class Trusting(Ingest):
    def index(self, *locations, **options):
        return super().index(*locations, allow_private=True, **options)

def listed(*given, create=app.create_app):
    made = create(*given)
    Path({file!r}).write_text(json.dumps(list(routes(made))))
    return made

app.create_app, app.Ingest = listed, Trusting
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("strangers")


@pytest.fixture(scope="module")
def locked(archive: Path, folder: Path) -> Iterator[Server]:
    """A server with both tokens, on a copy of the example archive; it trusts addresses of this machine."""
    index = Path(shutil.copytree(archive, folder / "index"))
    before = LISTING.format(tests=str(Path(__file__).parents[1]), file=str(folder / "routes.json"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEWSQA_MAX_DOCUMENT_MB", "2")
        patch.setenv("NEWSQA_DELAY", "0")
        patch.setenv("NEWSQA_MIN_CONFIDENCE", "0")
        patch.setenv("GRADIO_TEMP_DIR", str(folder / "gradio"))
        with serving(index, before, token=WRITE, read_token=READ, rate=0) as server:
            yield server


@pytest.fixture
def stranger(locked: Server) -> Iterator[httpx.Client]:
    """Somebody with an address of their own: who sends too many wrong tokens has to wait."""
    transport = httpx.HTTPTransport(local_address="127.0.0.2")
    with httpx.Client(base_url=locked.url, timeout=120, transport=transport) as client:
        yield client


@pytest.fixture
def writer(locked: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=locked.url, timeout=120, headers=bearer(WRITE)) as client:
        yield client


@pytest.fixture
def found(locked: Server, folder: Path) -> list[tuple[str, str]]:
    """Each method and path of the running application."""
    found = [(method, path) for method, path in json.loads((folder / "routes.json").read_text())]
    known = {("POST", "/api/v1/ask"), ("GET", "/newsqa/newsqa.js"), ("POST", "/gradio_api/upload"), ("GET", "/config")}
    assert known < {*found}
    assert len(found) > 100
    return found


# Tokens

OPEN = {("GET", "/healthz"), ("GET", "/login"), ("POST", "/login"), ("GET", "/newsqa/newsqa.css")}
TRICKS = [
    "/healthz/../api/v1/status",
    "/login/%2e%2e/api/v1/status",
    "//api/v1/status",
    "/HEALTHZ/",
    "/newsqa/newsqa.css/../newsqa.js",
    "/newsqa/..%2f..%2fetc%2fpasswd",
    "/nowhere",
]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer("wrong-token-0123456789"),
        {"authorization": f"Basic {WRITE}"},
        {"cookie": f"{COOKIE}=write.{10**10 + SESSION_SECONDS}.{'0' * 64}"},
        {"cookie": f"{COOKIE}={WRITE}"},
    ],
    ids=["none", "wrong", "basic", "forged session", "token as session"],
)
def test_no_address_of_the_running_server_answers_without_the_right_token(
    stranger: httpx.Client, found: list[tuple[str, str]], headers: dict[str, str]
) -> None:
    answered = set()
    for method, path in [*found, *(("GET", path) for path in TRICKS)]:
        status = stranger.request(method, path, headers=headers).status_code
        if status not in (401, 429):  # 429: too many wrong tokens
            answered.add((method, path))
    # Whoever logs in with nothing is told that it is wrong, unless that was tried too often.
    assert answered | {("POST", "/login")} == OPEN


def test_a_websocket_is_refused_too(stranger: httpx.Client) -> None:
    upgrade = {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
    upgrade["sec-websocket-key"] = "dGhlIHNhbXBsZSBub25jZQ=="
    for path in ("/gradio_api/queue/join", "/queue/join", "/"):
        assert stranger.get(path, headers=upgrade).status_code in (401, 403)


def test_the_read_token_sends_nothing_that_changes_something(
    writer: httpx.Client, found: list[tuple[str, str]]
) -> None:
    let_in = set()
    for method, path in found:
        if method not in ("GET", "HEAD") and (method, path) not in OPEN:
            refused = writer.request(method, path, headers=bearer(READ))
            if refused.status_code != 403 or "may write" not in refused.text:
                let_in.add(path)
    asking = {f"/api/{version}{name}" for version in ("", "v1/") for name in ("ask", "ask/stream", "search", "verify")}
    page = {f"/gradio_api/{name}" for name in ("queue/join", "cancel", "reset")}
    assert let_in == asking | page | {"/logout"}
    assert let_in < READING


# Other sites


@pytest.mark.parametrize(
    "headers", [{"origin": "http://127.0.0.1:1"}, {"sec-fetch-site": "same-site", "sec-fetch-dest": "empty"}], ids=str
)
def test_no_address_answers_the_pages_of_other_sites(
    writer: httpx.Client, found: list[tuple[str, str]], headers: dict[str, str]
) -> None:
    for method, path in found:
        refused = writer.request(method, path, headers=headers)
        assert (path, refused.status_code) == (path, 403)
        assert "access-control-allow-origin" not in refused.headers


# The chat's own functions, called by a program


def chat_functions(client: httpx.Client) -> Iterator[tuple[int, int, bool]]:
    for one in client.get("/config").json()["dependencies"]:
        yield one["id"], len(one["inputs"]), one["queue"]


def ended(client: httpx.Client, function: int, data: list[Any]) -> dict[str, Any]:
    """Call a function that waits in the queue; return what it ended with."""
    call = {"data": data, "fn_index": function, "session_hash": f"{function}-{hash(str(data))}"}
    assert client.post("/gradio_api/queue/join", json=call).status_code == 200
    with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": call["session_hash"]}) as told:
        for line in told.iter_lines():
            if "process_completed" in line:
                event: dict[str, Any] = json.loads(line.removeprefix("data: "))
                return event
    raise AssertionError("the stream ended early")


def test_odd_calls_of_the_chat_are_refused(writer: httpx.Client) -> None:
    def called(function: object, data: object) -> httpx.Response:
        call = {"data": data, "fn_index": function, "session_hash": "odd"}
        return writer.post("/gradio_api/run/predict", json=call)

    for function, inputs, queued in chat_functions(writer):
        if queued:
            continue
        for data in ([None] * inputs, [1] * inputs, [{"path": "/etc/passwd"}] * inputs, ["x"] * (inputs + 9), []):
            answer = called(function, data)
            assert answer.status_code in (200, 400)
            assert "root:" not in answer.text
    for function, data in ((999, []), (-1, []), ("x", []), (None, []), (0, None), (0, {})):
        refused = called(function, data)
        assert refused.status_code in (400, 422)
        assert refused.json()["detail"]
    for path in ("run/predict", "queue/join", "cancel", "reset"):
        for content in (b"{", b"[]", b"{}", b"\xff"):
            headers = {"content-type": "application/json"}
            assert writer.post(f"/gradio_api/{path}", content=content, headers=headers).status_code in (400, 422)
    assert writer.get("/").status_code == 200


def test_what_the_chat_is_told_to_read_must_have_been_uploaded(writer: httpx.Client, folder: Path) -> None:
    adding = next(function for function, inputs, queued in chat_functions(writer) if queued and inputs == 2)
    secret = folder / "secret.txt"
    secret.write_text("The secret of Harrow Point is a very long sentence that nobody must ever read.")
    for file in (str(secret), "/etc/passwd", f"file://{secret}"):
        data = [[{"path": file, "meta": {"_type": "gradio.FileData"}}], ""]
        assert ended(writer, adding, data)["success"] is False
    assert writer.post("/api/v1/verify", json={"quote": "secret of Harrow"}).json()["verbatim"] is False


# Uploads


def listed(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*")}


@pytest.mark.parametrize("path", ["/api/v1/articles", "/gradio_api/upload"])
@pytest.mark.parametrize(
    "name", ["../../../evil.txt", "..\\..\\evil.txt", "/tmp/evil.txt", "evil.txt/..", "\u202eevil"]
)
def test_uploads_stay_where_they_belong(writer: httpx.Client, folder: Path, path: str, name: str) -> None:
    before = listed(folder)
    sent = writer.post(path, files={"files": (name, f"{MILL} {name}".encode())})
    assert sent.status_code in (200, 400)
    belongs = (Path("index"), Path("gradio"))
    new = {found for found in listed(folder) - before if found not in belongs}
    assert all(any(found.is_relative_to(place) for place in belongs) for found in new)
    assert not Path("/tmp/evil.txt").exists()
    assert not any(".." in found.parts for found in new)


def bomb(size: int) -> bytes:
    return gzip.compress(b"A good long sentence about nothing at all. " * (size // 43))


WRONG = {
    "bomb.txt.gz": bomb(64 * 1024 * 1024),
    "bomb of bombs.gz": gzip.compress(bomb(64 * 1024 * 1024)),
    "cut.gz": bomb(1024 * 1024)[:-20],
    "picture.png": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40,
    "program.txt": b"\x7fELF" + bytes(4096),
    "archive.html": b"PK\x03\x04" + bytes(range(256)) * 40,
    "nothing.txt": b"",
    "zeros.jsonl": bytes(10_000),
    "laughs.xml": b'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%b">' % (i + 1, b"&%c;" % i * 10) for i in range(97, 110))
    + b"]><rss><channel><item><title>&n;</title></item></channel></rss>",
    "outside.xml": b'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    b"<rss><channel><item><title>x</title><description>&x; &x; &x;</description></item></channel></rss>",
    "deep.json": b"[" * 100_000,
    "deep.html": b"<div>" * 100_000,
    "number.jsonl": b'{"text": ' + b"9" * 10_000 + b"}\n",
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_article_is_rejected_with_its_reason(writer: httpx.Client, name: str) -> None:
    sent = writer.post("/api/v1/articles", files={"files": (name, WRONG[name])})
    assert sent.status_code == 200
    report = sent.json()
    assert report["added"] == 0
    assert report["rejected"][0]["reason"]
    assert "root:" not in sent.text


def test_a_request_that_would_be_too_large_is_refused_before_it_is_read(locked: Server) -> None:
    address = httpx.URL(locked.url)
    with socket.create_connection((address.host, address.port or 0), timeout=60) as connection:
        head = f"POST /api/v1/articles HTTP/1.1\r\nHost: {address.host}\r\nAuthorization: Bearer {WRITE}\r\n"
        connection.sendall(f"{head}Content-Length: {LARGEST_UPLOAD + 1}\r\n\r\n".encode())
        assert connection.recv(12) == b"HTTP/1.1 413"


@pytest.mark.parametrize("parts", [{"files": 101}, {"urls": 2000}])
def test_a_request_has_so_many_parts_at_most(writer: httpx.Client, parts: dict[str, int]) -> None:
    ((name, count),) = parts.items()
    sent = writer.post("/api/v1/articles", files=[(name, ("" if name == "urls" else "a.txt", b"x"))] * count)
    assert sent.status_code in (400, 413, 422)
    assert sent.json()["detail"]


# Addresses


@contextmanager
def elsewhere(pages: dict[str, tuple[str, bytes]]) -> Iterator[tuple[str, list[str]]]:
    """Serve pages on this machine; also yields the paths that were asked for."""
    asked: list[str] = []

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            kind, body = pages.get(self.path, ("", b""))
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        log_message: Callable[..., None] = lambda *_: None

    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()


def page(text: str, other: str) -> tuple[str, bytes]:
    head = f'<link rel="stylesheet" href="{other}/x.css"><script src="{other}/x.js"></script>'
    body = f'<article><h1>Tide mill opens</h1><p>{text}</p><img src="{other}/x.png"><p>{text} It was a fine day.</p>'
    return "text/html", f"<html><head><title>Tide mill opens</title>{head}</head><body>{body}</body></html>".encode()


def test_an_article_is_added_by_its_address_and_nothing_else_is_fetched(writer: httpx.Client) -> None:
    told = "The smithy at Gorse Lane was reopened on Friday by the blacksmith Otto Varn, who had rebuilt its forge. "
    with elsewhere({}) as (other, fetched), elsewhere({"/smithy": page(told * 4, other)}) as (site, asked):
        report = writer.post("/api/v1/articles", data={"urls": f"{site}/smithy"}).json()
    assert (report["added"], report["rejected"]) == (1, [])
    assert (asked, fetched) == (["/smithy"], [])
    answer = writer.post("/api/v1/ask", json={"question": "Who reopened the smithy at Gorse Lane?"}).json()
    assert "Otto Varn" in answer["text"]
    assert answer["citations"][0]["url"] == f"{site}/smithy"


def test_a_feed_is_followed_to_its_pages(writer: httpx.Client) -> None:
    feed = "<rss version='2.0'><channel><item><title>Kiln</title><link>{}</link></item></channel></rss>"
    text = "The old lime kiln at Fenwick Staithe was lit again on Sunday by the potter Ines Marl, after years. " * 3
    pages = {"/kiln": page(text, "http://127.0.0.1:1")}
    with elsewhere(pages) as (site, asked):
        pages["/feed"] = "application/rss+xml", feed.format(f"{site}/kiln").encode()
        report = writer.post("/api/v1/articles", data={"urls": f"{site}/feed", "follow": "true"}).json()
    assert (report["added"], asked) == (1, ["/feed", "/kiln"])


INSIDE = ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433", "169.254.169.254")


def test_addresses_of_this_machine_are_refused_unless_they_are_trusted(archive: Path, tmp_path: Path) -> None:
    index = Path(shutil.copytree(archive, tmp_path / "index"))
    with (
        elsewhere({"/mill": page(MILL, "")}) as (site, asked),
        serving(index) as server,
        httpx.Client(base_url=server.url, timeout=120) as client,
    ):
        port = httpx.URL(site).port
        for host in INSIDE:
            report = client.post("/api/v1/articles", data={"urls": f"http://{host}:{port}/mill"}).json()
            assert report["rejected"], host
    assert asked == []
