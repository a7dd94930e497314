"""Web pages and feeds over http(s): bounded, polite, and only from public addresses."""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx

from newsqa.errors import SourceError
from newsqa.settings import MEGABYTE, Settings

USER_AGENT = "newsqa/0.1 (a reader's own archive of news articles)"
MAX_REDIRECTS = 5
_SCHEMES = ("http", "https")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://|(?:file|data|ftp):", re.IGNORECASE)
_NOT_MODIFIED = 304
_TRY_AGAIN = (408, 425, 429)
_ENCODINGS = ("", "identity", "gzip", "x-gzip")
"""What Accept-Encoding asks for; others are refused, for want of a bounded decoder."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_url(location: str) -> bool:
    """Tell a URL, of whatever scheme, from a path."""
    return _URL.match(location) is not None


def normal_url(url: str) -> str:
    """Lower scheme and host, drop the fragment; raises SourceError when newsqa can't fetch it."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise SourceError(f"'{url}' is not a valid URL: {error}") from error
    _check_url(parsed)
    return str(parsed.copy_with(raw_path=parsed.raw_path, fragment=None))  # its raw path is never empty


def is_public(address: str) -> bool:
    """Tell whether an IP address is one host of the public internet, also inside IPv6."""
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        parsed = _embedded(parsed) or parsed
    special = parsed.is_multicast or parsed.is_reserved or parsed.is_unspecified
    return parsed.is_global and not special


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that packets to an IPv6 address would reach."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


@dataclass(frozen=True, slots=True)
class Reply:
    """A response with its body still to come; ``chunks`` are as sent, perhaps gzipped."""

    chunks: Iterator[bytes]
    content_type: str | None
    etag: str | None
    last_modified: str | None


class Client:
    """Fetches URLs, with ``settings.delay`` seconds between requests to one host.

    Refuses addresses that are not public unless ``allow_private``. Proxies from the
    environment are not used: they would connect on newsqa's behalf, unchecked.
    """

    def __init__(self, settings: Settings, *, allow_private: bool = False) -> None:
        self._settings = settings
        self._allow_private = allow_private
        self._next: dict[str, float] = {}
        self._lock = threading.Lock()

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    @contextmanager
    def get(self, url: str, etag: str | None = None, last_modified: str | None = None) -> Iterator[Reply | None]:
        """Open a response, None if it has not changed since the given validators.

        Raises SourceError for everything but success: refused addresses and schemes,
        limits, errors of network and server, also while ``chunks`` are read.
        """
        self._wait(urlsplit(url).netloc)
        deadline = _Deadline(self._settings.timeout)
        backend = _CheckedBackend(deadline, allow_private=self._allow_private)
        pool = httpcore.ConnectionPool(ssl_context=self._tls, network_backend=backend)
        with httpx.Client(transport=_Transport(pool), trust_env=False) as client, self._translated(url):
            request = client.build_request("GET", url, headers=_headers(etag, last_modified))
            with _follow(client, request) as response:
                unchanged = response.status_code == _NOT_MODIFIED and (etag or last_modified)
                yield None if unchanged else self._reply(response)

    def _wait(self, host: str) -> None:
        """Sleep until the host may be asked again, and take the turn."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next.get(host, now))
            self._next[host] = turn + self._settings.delay
        time.sleep(turn - now)

    def _reply(self, response: httpx.Response) -> Reply:
        _check_status(response)
        headers = response.headers
        size = headers.get("content-length", "")
        limit = self._settings.max_document_mb
        if size.isdecimal() and int(size) > limit * MEGABYTE:
            raise SourceError(f"'{response.url}' is larger than the limit of {limit} MB (max_document_mb)")
        if (encoding := headers.get("content-encoding", "").lower()) not in _ENCODINGS:
            raise SourceError(f"'{response.url}' comes in the encoding '{encoding}', which was not asked for")
        return Reply(
            response.iter_raw(), headers.get("content-type"), headers.get("etag"), headers.get("last-modified")
        )

    @contextmanager
    def _translated(self, url: str) -> Iterator[None]:
        try:
            yield
        except httpcore.TimeoutException as error:
            limit = f"{self._settings.timeout:g} seconds (timeout)"
            raise SourceError(f"'{url}' took longer than {limit}", permanent=False) from error
        except (httpcore.NetworkError, httpcore.ProtocolError, httpx.HTTPError, httpx.InvalidURL) as error:
            raise SourceError(f"'{url}' can't be fetched: {error}", permanent=False) from error


def _check_url(url: httpx.URL) -> None:
    if url.scheme not in _SCHEMES:
        raise SourceError(f"'{url}' is refused: only http and https are fetched; give a file by its path")
    if not url.host:
        raise SourceError(f"'{url}' names no host")
    if url.userinfo:
        raise SourceError(f"a URL with a user name in it is refused: it would be stored and shown ({url.host})")


def _check_status(response: httpx.Response) -> None:
    if response.is_success:
        return
    again = response.is_server_error or response.status_code in _TRY_AGAIN
    hint = f"; it asks to wait {after} s" if (after := response.headers.get("retry-after", "")).isdecimal() else ""
    answer = f"{response.status_code} {response.reason_phrase}".strip()
    raise SourceError(f"'{response.url}' answers {answer}{hint}", permanent=not again)


def _headers(etag: str | None, last_modified: str | None) -> dict[str, str]:
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "gzip", "Accept": "*/*"}
    if etag:
        headers["If-None-Match"] = etag
    if last_modified:
        headers["If-Modified-Since"] = last_modified
    return headers


@contextmanager
def _follow(client: httpx.Client, request: httpx.Request) -> Iterator[httpx.Response]:
    """Send, follow redirects without reading their bodies, and close the response after use."""
    first = request.url
    for _ in range(MAX_REDIRECTS + 1):
        response = client.send(request, stream=True)
        try:
            if response.next_request is None:
                yield response
                return
            request = response.next_request
        finally:
            response.close()
    raise SourceError(f"'{first}' redirects more than {MAX_REDIRECTS} times")


class _Deadline:
    """The moment by which a whole fetch must be over, however slowly bytes drip in."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds that are left; raises httpcore's time-out when there are none."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return left


class _Transport(httpx.BaseTransport):
    """httpx over a connection pool of our own, which knows our backend."""

    def __init__(self, pool: httpcore.ConnectionPool) -> None:
        self._pool = pool

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        _check_url(request.url)
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        sent = httpcore.Request(request.method, url, headers=request.headers.raw, content=request.stream)
        received = self._pool.handle_request(sent)
        return httpx.Response(
            received.status, headers=received.headers, stream=_Body(received), extensions=received.extensions
        )

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        return self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


class _CheckedBackend(httpcore.NetworkBackend):
    """Resolves a host once, and connects to the very addresses that were checked."""

    def __init__(self, deadline: _Deadline, *, allow_private: bool) -> None:
        self._plain = httpcore.SyncBackend()
        self._deadline = deadline
        self._allow_private = allow_private

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failure: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in self._addresses(host, port):
            try:
                left = self._deadline.left()
                stream = self._plain.connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _TimedStream(stream, self._deadline)
        raise failure or httpcore.ConnectError(f"no address for host '{host}'")

    def _addresses(self, host: str, port: int) -> list[str]:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"no address for host '{host}'") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not self._allow_private:
            for address in addresses:
                if not is_public(address):
                    reason = f"host '{host}' is at {address}, which is not a public address"
                    raise SourceError(f"refused: {reason}. Use --allow-private if you trust it")
        return addresses


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every wait ends at the deadline."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.left())

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self._inner.start_tls(ssl_context, server_hostname, self._deadline.left())
        return _TimedStream(secured, self._deadline)

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - as httpcore declares it
        return self._inner.get_extra_info(info)
