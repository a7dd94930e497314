"""RSS, Atom and RDF feeds, by feedparser; other XML is refused here."""

from __future__ import annotations

import html
import io
import re
from calendar import timegm
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import feedparser

from newsqa.errors import FormatError
from newsqa.formats.content import Head, decode, read_whole
from newsqa.formats.markup import check_attributes, fragment_text, is_markup
from newsqa.settings import Settings
from newsqa.types import Document, Draft, Rejection

_ROOTS = frozenset({"rss", "feed", "rdf", "channel"})
_PROLOG = re.compile(
    r"(?>\s++|<\?(?>.*?\?>)|<!--(?>.*?-->)|<!DOCTYPE[^\[>]*+(?>\[.*?\]\s*+)?>)*+", re.IGNORECASE | re.DOTALL
)
_ROOT = re.compile(r"<(?=[A-Za-z_])(?:[\w.-]+:)?([\w.-]+)")
_DECLARES = re.compile(r"<!(?:ENTITY|ATTLIST)", re.IGNORECASE)
_ENCODING = re.compile(r"""<\?xml[^>]*?\s+encoding\s*=\s*["']([\w.:-]+)["']""", re.IGNORECASE)
_TITLE_SHOWN = 60

MAX_TAGS = 250_000
"""Of feed and articles together; feedparser takes time for each."""


def matches(head: Head, _fields: Mapping[str, str]) -> bool:
    """Recognise a feed by its root element, and XML of any other kind but XHTML."""
    root = _root(head.text)
    return root in _ROOTS or (root != "html" and head.text.startswith("<?xml"))


def is_feed(head: Head) -> bool:
    """Tell whether the root element is that of a feed."""
    return _root(head.text) in _ROOTS


def parse(
    document: Document, _head: Head, _fields: Mapping[str, str], settings: Settings
) -> Iterator[Draft | Rejection]:
    """Yield a draft for each entry that holds text, a rejection for the others."""
    feed = _read(document, settings)
    for number, entry in enumerate(feed.entries, start=1):
        try:
            yield _draft(entry, feed.feed)
        except FormatError as error:
            name = _line(entry, "title")[:_TITLE_SHOWN] or entry.get("link", "without a title")
            yield Rejection(document.location, f"entry {number} ({name}): {error}")


def links(document: Document, settings: Settings) -> Iterator[str]:
    """Yield the http(s) address of each entry, once; raises FormatError as `parse` does."""
    addresses = (_address(entry) for entry in _read(document, settings).entries)
    yield from dict.fromkeys(address for address in addresses if address)


def _root(text: str) -> str:
    root = _ROOT.match(text, _prolog_end(text))
    return root[1].lower() if root else ""


def _prolog_end(text: str) -> int:
    prolog = _PROLOG.match(text)
    return prolog.end() if prolog else 0


def _read(document: Document, settings: Settings) -> feedparser.FeedParserDict:
    data = read_whole(document, settings)
    declared = _ENCODING.search(data[:256].decode("latin-1"))
    text = decode(data, declared[1] if declared else None, mend=True).lstrip()
    start = _prolog_end(text)
    if _DECLARES.search(text, 0, start):
        raise FormatError("XML that declares entities of its own is refused: they can grow without limit")
    if text.count("<") > MAX_TAGS:
        raise FormatError(f"a feed of more than {MAX_TAGS:,} tags")
    check_attributes(text)
    if (root := _root(text)) not in _ROOTS:
        raise FormatError(f"XML that is not a feed: its root element is '{root}'")
    # From the root element on, where nothing can declare an entity, whatever feedparser makes of the rest;
    # as bytes of a known encoding: it would take a string for a path, and guess at bytes.
    headers = {"content-type": "application/xml; charset=utf-8", "content-location": document.location}
    feed = feedparser.parse(
        io.BytesIO(text[start:].encode()),
        response_headers=headers,
        sanitize_html=False,  # only text is taken from it
        resolve_relative_uris=False,  # of links inside the text
    )
    if not feed.entries:
        raise FormatError(f"malformed feed: {feed.bozo_exception}" if feed.bozo else "the feed has no entries")
    return feed


def _draft(entry: feedparser.FeedParserDict, feed: feedparser.FeedParserDict) -> Draft:
    text = _text(entry)
    if not text:
        raise FormatError("holds no text, only a link; index with --follow to fetch its page")
    return Draft(
        text=text,
        title=_line(entry, "title"),
        url=_address(entry),
        outlet=_line(entry.get("source", {}), "title") or _line(feed, "title") or None,
        authors=_authors(entry),
        published=_published(entry),
        language=entry.get("language") or feed.get("language") or None,
        key=entry.get("id") or None,
    )


def _text(entry: feedparser.FeedParserDict) -> str:
    """Take the longest of content and summary: which of them is whole differs by feed."""
    parts = [*entry.get("content", []), entry.get("summary_detail") or {}]
    return max((_plain(part) for part in parts), key=len)


def _line(holder: Mapping[str, Any], name: str) -> str:
    return " ".join(_plain(holder.get(f"{name}_detail") or {}).split())


def _plain(detail: Mapping[str, Any]) -> str:
    value = detail.get("value") or ""
    if is_markup(value):
        return fragment_text(value)
    return html.unescape(value).strip() if detail.get("type") != "text/plain" else value.strip()


def _address(entry: feedparser.FeedParserDict) -> str | None:
    """Return where the article is; never a path or another scheme, for it may be fetched."""
    address = entry.get("feedburner_origlink") or entry.get("link") or ""
    parts = urlsplit(address)
    return address if parts.scheme in ("http", "https") and parts.netloc else None


def _authors(entry: feedparser.FeedParserDict) -> tuple[str, ...]:
    names = [author.get("name") for author in entry.get("authors", [])]
    return tuple(dict.fromkeys(name.strip() for name in names if name and name.strip()))


def _published(entry: feedparser.FeedParserDict) -> str | None:
    """Return the moment in UTC, or what stands there if feedparser can't read it."""
    for name in ("published", "updated", "created"):
        if moment := entry.get(f"{name}_parsed"):
            return datetime.fromtimestamp(timegm(moment), UTC).isoformat()
        if raw := entry.get(name):
            return str(raw)
    return None
