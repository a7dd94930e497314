"""Feeds over HTTP: following links, conditional requests, entries that drop off."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from fakes import HashEmbedder
from newsqa.index import Index
from newsqa.ingest import Ingest
from newsqa.settings import Settings

BODY = "The council of Orvelle voted {n} to 4 on Monday to build the Lantern Bridge, district {n} said. " * 6
PAGE = "<html><head><title>Vote {n}</title></head><body><article><h1>Vote {n}</h1><p>{body}</p></article></body></html>"


class Site(ThreadingHTTPServer):
    """Serves ``pages`` with ETags and remembers what was asked for and how it answered."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages: dict[str, str] = {}
        self.log: list[tuple[str, int]] = []
        self.root = f"http://127.0.0.1:{self.server_port}"

    def feed(self, *paths: str) -> None:
        entry = (
            "<item><title>{0}</title><link>{1}{0}</link><description>Brief of {0}, in a few words.</description></item>"
        )
        items = "".join(entry.format(path, self.root) for path in paths)
        self.pages["/feed.xml"] = f'<rss version="2.0"><channel><title>Orvelle Post</title>{items}</channel></rss>'


class Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        page = self.server.pages.get(self.path)
        etag = f'"{abs(hash(page))}"'
        status = 404 if page is None else 304 if self.headers.get("If-None-Match") == etag else 200
        self.server.log.append((self.path, status))
        content = (page or "").encode() if status == 200 else b""
        self.send_response(status)
        self.send_header("ETag", etag)
        self.send_header("Content-Type", "application/rss+xml" if self.path.endswith("xml") else "text/html")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        for n in (7, 8):
            site.pages[f"/{n}.html"] = PAGE.format(n=n, body=BODY.format(n=n))
        yield site
        site.shutdown()
        thread.join()


@pytest.fixture
def ingest(tmp_path: Path) -> Ingest:
    return Ingest(Settings(index=tmp_path / "index", delay=0.0, timeout=5.0), embedder=HashEmbedder())


def texts(tmp_path: Path) -> list[str]:
    index = Index.open(Settings(index=tmp_path / "index"), HashEmbedder.model_id)
    return sorted(article.text for article in index.articles())


def test_a_feed_gives_its_own_entries_and_keeps_those_that_drop_off(site: Site, ingest: Ingest, tmp_path: Path) -> None:
    site.feed("/7.html")
    assert ingest.index([f"{site.root}/feed.xml"], allow_private=True).added == 1
    site.feed("/8.html")
    assert (ingest.index(prune=True).added, len(texts(tmp_path))) == (1, 2)
    assert {path for path, _ in site.log} == {"/feed.xml"}


def test_a_brief_does_not_replace_the_whole_text(site: Site, ingest: Ingest, tmp_path: Path) -> None:
    ingest.index([f"{site.root}/7.html"], allow_private=True)
    before = texts(tmp_path)
    site.feed("/7.html")
    assert ingest.index([f"{site.root}/feed.xml"], allow_private=True).unchanged == 1
    assert texts(tmp_path) == before


def test_following_reads_the_pages_and_only_those_of_the_feed(site: Site, ingest: Ingest, tmp_path: Path) -> None:
    site.feed("/7.html", "/8.html", "/other.xml", "/gone.html")
    site.pages["/other.xml"] = site.pages["/feed.xml"].replace("/gone.html", "/deeper.html")
    report = ingest.index([f"{site.root}/feed.xml"], follow=True, allow_private=True)
    assert [r.location for r in report.rejected] == [f"{site.root}/gone.html"]
    found = "\n".join(texts(tmp_path))
    assert [BODY.format(n=n).strip() in found for n in (7, 8)] == [True, True]
    assert "/deeper.html" not in {path for path, _ in site.log}


def test_unchanged_pages_are_not_sent_again_and_failed_ones_are_tried_again(
    site: Site, ingest: Ingest, tmp_path: Path
) -> None:
    site.feed("/7.html", "/9.html")
    ingest.index([f"{site.root}/feed.xml"], follow=True, allow_private=True)
    site.log.clear()
    site.pages["/9.html"] = PAGE.format(n=9, body=BODY.format(n=9))
    report = ingest.index(prune=True)
    assert (report.added, report.unchanged, report.removed, report.rejected) == (1, 1, 0, ())
    assert site.log == [("/feed.xml", 200), ("/7.html", 304), ("/9.html", 200)]
    site.log.clear()
    assert ingest.index().added == 0
    assert site.log == [("/feed.xml", 304)]


def test_a_private_address_is_refused_and_not_remembered(site: Site, ingest: Ingest, tmp_path: Path) -> None:
    site.feed("/7.html")
    report = ingest.index([f"{site.root}/feed.xml"])
    assert [r.location for r in report.rejected] == [f"{site.root}/feed.xml"]
    assert "--allow-private" in report.rejected[0].reason
    assert (site.log, texts(tmp_path)) == ([], [])
    assert Index.open(Settings(index=tmp_path / "index"), HashEmbedder.model_id).sources() == []
