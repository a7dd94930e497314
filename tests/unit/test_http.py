"""URLs: what is sent, what is refused, limits. The servers listen on loopback and belong to the tests."""

from __future__ import annotations

import gzip
import hashlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpcore
import pytest

from newsqa import http
from newsqa.errors import FormatError, SourceError
from newsqa.fetch import Fetcher, normal_location
from newsqa.settings import MEGABYTE, Settings
from newsqa.types import Document, Unchanged

BODY = b"The mill burned down.\n"
SETTINGS = Settings(max_document_mb=1, timeout=5.0, delay=0.0)
Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Site:
    """A server with one answer for every path, and the requests it got."""

    answer: Answer
    url: str = ""
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


def reply(body: bytes = BODY, status: int = 200, **headers: str) -> Answer:
    """Answer with these; an underscore in a header's name stands for a dash."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        sent = {"Content_Length": str(len(body)), **headers}
        for name, value in sent.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@contextmanager
def serve(answer: Answer) -> Iterator[Site]:
    site = Site(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.paths.append(self.path)
            site.headers.append({name.lower(): value for name, value in self.headers.items()})
            with suppress(ConnectionError):  # the client has seen enough
                site.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        site.url = f"http://127.0.0.1:{server.server_port}/"
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def site() -> Iterator[Site]:
    with serve(reply()) as site:
        yield site


def fetch(url: str, settings: Settings = SETTINGS, *, allow_private: bool = True, **validators: str | None) -> Document:
    known = (validators.get("etag"), validators.get("last_modified"))
    (found,) = Fetcher(settings, allow_private=allow_private).documents(url, lambda _: known)
    assert isinstance(found, Document), found
    return found


def refusal(url: str, settings: Settings = SETTINGS, *, allow_private: bool = True) -> SourceError:
    with pytest.raises(SourceError) as raised:
        Fetcher(settings, allow_private=allow_private).documents(url)
    return raised.value


def content(document: Document) -> bytes:
    with document.open() as stream:
        return stream.read()


def test_a_page_is_fetched_with_what_its_server_says(site: Site) -> None:
    site.answer = reply(Content_Type="text/html; charset=x", ETag='"1"', Last_Modified="Tue, 04 May 2021 18:30:00 GMT")
    found = fetch(site.url + "mill?a=b#top")
    assert found.location == site.url + "mill?a=b"
    assert content(found) == content(found) == BODY
    assert found.digest == hashlib.sha256(BODY).hexdigest()
    assert found.content_type == "text/html; charset=x"
    assert (found.etag, found.last_modified) == ('"1"', "Tue, 04 May 2021 18:30:00 GMT")
    assert site.paths == ["/mill?a=b"]


def test_requests_name_newsqa_and_carry_no_validators_at_first(site: Site) -> None:
    fetch(site.url)
    (sent,) = site.headers
    assert "newsqa" in sent["user-agent"]
    assert not {"if-none-match", "if-modified-since"} & set(sent)


def test_an_unchanged_page(site: Site) -> None:
    site.answer = reply(b"", 304)
    validators = ('"1"', "Tue, 04 May 2021 18:30:00 GMT")
    found = list(Fetcher(SETTINGS, allow_private=True).documents(site.url, lambda _: validators))
    assert found == [Unchanged(site.url)]
    assert (site.headers[0]["if-none-match"], site.headers[0]["if-modified-since"]) == validators


def test_an_answer_of_not_modified_that_was_not_asked_for_is_an_error(site: Site) -> None:
    site.answer = reply(b"", 304)
    assert "answers 304 Not Modified" in str(refusal(site.url))


@pytest.mark.parametrize(
    ("status", "permanent"),
    [
        (400, True),
        (401, True),
        (403, True),
        (404, True),
        (410, True),
        (408, False),
        (429, False),
        (500, False),
        (503, False),
    ],
)
def test_errors_of_the_server(site: Site, status: int, permanent: bool) -> None:
    site.answer = reply(BODY, status)
    error = refusal(site.url)
    assert str(error).startswith(f"'{site.url}' answers {status} ")
    assert error.permanent is permanent


def test_how_long_a_server_asks_to_wait_is_told(site: Site) -> None:
    site.answer = reply(BODY, 429, Retry_After="120")
    assert str(refusal(site.url)).endswith("answers 429 Too Many Requests; it asks to wait 120 s")


def test_gzip_is_kept_as_sent_and_read_decompressed(site: Site) -> None:
    packed = gzip.compress(BODY)
    site.answer = reply(packed, Content_Encoding="gzip")
    found = fetch(site.url)
    assert content(found) == BODY
    assert found.digest == hashlib.sha256(packed).hexdigest()
    assert site.headers[0]["accept-encoding"] == "gzip"


def test_a_bomb_in_the_content_encoding_is_bounded(site: Site) -> None:
    site.answer = reply(gzip.compress(bytes(50 * MEGABYTE)), Content_Encoding="gzip")
    found = fetch(site.url)
    with pytest.raises(FormatError, match=r"larger than the limit of 1 MB \(max_document_mb\)"):
        content(found)


def test_an_encoding_that_was_not_asked_for_is_refused(site: Site) -> None:
    site.answer = reply(Content_Encoding="br")
    assert "comes in the encoding 'br'" in str(refusal(site.url))


def test_a_body_that_announces_too_much_is_refused(site: Site) -> None:
    site.answer = reply(Content_Length=str(MEGABYTE + 1))
    assert str(refusal(site.url)) == f"'{site.url}' is larger than the limit of 1 MB (max_document_mb)"


def test_a_body_without_end_is_refused(site: Site) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(bytes(65536))

    site.answer = endless
    assert str(refusal(site.url)) == f"'{site.url}' is larger than the limit of 1 MB (max_document_mb)"


def test_a_body_that_breaks_off_is_an_error_that_may_pass(site: Site) -> None:
    site.answer = reply(Content_Length="100")
    error = refusal(site.url)
    assert "can't be fetched" in str(error)
    assert not error.permanent


def drip(first: bytes) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(first)
        while True:
            handler.wfile.write(b"x")
            time.sleep(0.02)

    return answer


@pytest.mark.parametrize(
    "first", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Slow: ", b""], ids=["body", "head", "all"]
)
def test_a_slow_drip_ends_at_the_time_limit(site: Site, first: bytes) -> None:
    site.answer = drip(first)
    error = refusal(site.url, Settings(timeout=0.3, delay=0))
    assert str(error) == f"'{site.url}' took longer than 0.3 seconds (timeout)"
    assert not error.permanent


def test_silence_ends_at_the_time_limit(site: Site) -> None:
    site.answer = lambda _: time.sleep(0.6)
    assert "took longer than 0.2 seconds" in str(refusal(site.url, Settings(timeout=0.2, delay=0)))


def test_redirects_are_followed_five_times(site: Site) -> None:
    def count_down(handler: BaseHTTPRequestHandler) -> None:
        left = int(handler.path.strip("/"))
        (reply(b"", 302, Location=f"/{left - 1}") if left else reply())(handler)

    site.answer = count_down
    assert content(fetch(site.url + "5")) == BODY
    assert site.paths == ["/5", "/4", "/3", "/2", "/1", "/0"]
    assert str(refusal(site.url + "6")) == f"'{site.url}6' redirects more than 5 times"


def test_the_body_of_a_redirect_is_not_read(site: Site) -> None:
    def heavy(handler: BaseHTTPRequestHandler) -> None:
        if handler.path == "/end":
            return reply()(handler)
        handler.send_response(302)
        handler.send_header("Location", "/end")
        handler.end_headers()
        while True:
            handler.wfile.write(bytes(65536))

    site.answer = heavy
    assert content(fetch(site.url)) == BODY


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://e.org/", "gopher://127.0.0.1/"])
def test_redirects_to_other_schemes_are_refused(site: Site, target: str) -> None:
    site.answer = reply(b"", 302, Location=target)
    assert "only http and https are fetched" in str(refusal(site.url))


def test_redirects_to_private_addresses_are_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first host passes for public; the address that it redirects to does not."""
    site.answer = reply(b"", 302, Location="http://10.0.0.1/admin")
    monkeypatch.setattr(http, "is_public", lambda address: address == "127.0.0.1")
    error = refusal(site.url, allow_private=False)
    assert "host '10.0.0.1' is at 10.0.0.1, which is not a public address" in str(error)
    assert error.permanent


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0",
        "0.0.0.0",
    ],
)
def test_loopback_in_every_spelling_is_refused(site: Site, host: str) -> None:
    port = site.url.rstrip("/").rpartition(":")[2]
    error = refusal(f"http://{host}:{port}/", allow_private=False)
    assert any(reason in str(error) for reason in ("not a public address", "no address for host", "not a valid URL"))
    assert site.paths == []


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.1", "172.16.0.1", "192.168.1.1", "127.0.0.53", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1"),
        *("::", "::1", "fe80::1", "fe80::1%1", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1", "::127.0.0.1"),
        *("::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::"),
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not http.is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_that_are_public(address: str) -> None:
    assert http.is_public(address)


class Resolver:
    """Stands in for getaddrinfo: a list of addresses for each time it is asked for a name."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    def __call__(self, host: str, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
        named = host.endswith(".example.org")
        self.asked += named
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in (self.answers.pop(0) if named else [host])
        ]


def test_a_name_is_resolved_once_and_connected_where_it_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rebinding server answers with a public address first, with loopback after."""
    resolver = Resolver(["93.184.216.34"], ["127.0.0.1"])
    connected = []

    def connect(_: object, host: str, port: int, *__: object) -> httpcore.NetworkStream:
        connected.append((host, port))
        raise httpcore.ConnectError("unreachable")

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    assert "unreachable" in str(refusal("http://rebind.example.org/", allow_private=False))
    assert (resolver.asked, connected) == (1, [("93.184.216.34", 80)])


def test_one_private_address_among_public_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Resolver(["93.184.216.34", "127.0.0.1"]))
    assert "is at 127.0.0.1, which is not a public address" in str(
        refusal("http://mixed.example.org/", allow_private=False)
    )


def test_the_next_address_is_tried_when_one_does_not_answer(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.2", 0))
        port = site.url.rstrip("/").rpartition(":")[2]
        monkeypatch.setattr(socket, "getaddrinfo", Resolver(["127.0.0.2", "127.0.0.1"]))
        assert content(fetch(f"http://two.example.org:{port}/")) == BODY


def test_a_host_without_address_may_have_one_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = refusal("http://nowhere.example.org/")
    assert "no address for host 'nowhere.example.org'" in str(error)
    assert not error.permanent


def test_tls_checks_the_name_of_the_host_not_its_address(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    names = []

    def wrap(*_: object, server_hostname: str, **__: object) -> None:
        names.append(server_hostname)
        raise ssl.SSLCertVerificationError("certificate is for another host")

    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", wrap)
    monkeypatch.setattr(socket, "getaddrinfo", Resolver(["127.0.0.1"]))
    port = site.url.rstrip("/").rpartition(":")[2]
    assert "certificate is for another host" in str(refusal(f"https://courier.example.org:{port}/"))
    assert names == ["courier.example.org"]


def test_a_refused_connection_may_work_later() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        error = refusal(f"http://127.0.0.1:{closed.getsockname()[1]}/")
    assert "can't be fetched" in str(error)
    assert not error.permanent


def test_proxies_of_the_environment_are_not_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9/")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9/")
    assert content(fetch(site.url)) == BODY


def test_requests_to_one_host_are_spaced_out(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    client = http.Client(Settings(delay=7.0), allow_private=True)
    for url in (site.url, site.url + "b", site.url + "c"):
        with client.get(url):
            pass
    with serve(reply()) as other, client.get(other.url):
        pass
    assert [wait for wait in waits if wait in (0.0, 7.0, 14.0)] == [0.0, 7.0, 14.0, 0.0]


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("HTTP://E.org", "http://e.org/"),
        ("http://e.org/a b?q=ü#top", "http://e.org/a%20b?q=%C3%BC"),
        ("http://e.org/a%2Fb", "http://e.org/a%2Fb"),
        ("https://e.org:443/a", "https://e.org/a"),
    ],
)
def test_how_a_url_is_remembered(url: str, normal: str) -> None:
    assert normal_location(url) == normal
    assert normal_location(normal) == normal


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://", "names no host"),
        ("http:///a", "names no host"),
        ("https://lena:secret@e.org/", "a URL with a user name in it is refused"),
        ("http://[::1", "is not a valid URL"),
        ("http://e.org:port/", "is not a valid URL"),
        ("http://e.org/\x00", "is not a valid URL"),
    ],
)
def test_urls_that_make_no_sense_are_refused(url: str, reason: str) -> None:
    with pytest.raises(SourceError, match=reason) as raised:
        normal_location(url)
    assert "secret" not in str(raised.value)
