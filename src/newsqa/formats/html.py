"""Web pages: trafilatura finds the body and the metadata."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import datetime
from urllib.parse import urlsplit

import lxml.html
import trafilatura
import trafilatura.metadata
from trafilatura.settings import Document as Metadata

from newsqa.errors import FormatError
from newsqa.formats.content import Head, declared_charset, decode, read_whole
from newsqa.formats.markup import html_tree, tree_text
from newsqa.settings import Settings
from newsqa.types import Document, Draft, Rejection

SHORT = 300
"""Characters. A precise extraction below this is likelier a notice than an article."""
LEAST_PROSE = 150
"""Characters in lines of `PROSE_LINE` or more, below which a page holds no article."""
PROSE_LINE = 40

_SUFFIXES = (".html", ".htm", ".xhtml")
_CONTENT_TYPES = ("text/html", "application/xhtml+xml")
_BEGINS = re.compile(r"<!doctype html|<(?:html|head|body)[\s>]", re.IGNORECASE)
_TAG = re.compile(r"</?[a-z][a-z0-9]*[\s>/]", re.IGNORECASE)
_NEAR_TOP = 4096
_CHARSET_WITHIN = 2048

# Elements of trafilatura's own vocabulary.
_BLOCKS = frozenset({"p", "head", "list", "item", "quote", "table", "row", "lb", "code", "div", "body", "del"})
_CELLS = frozenset({"cell"})

for _library in ("trafilatura", "htmldate", "justext", "readability", "courlan"):
    # They log what we report ourselves; without a handler it would go to standard error.
    logging.getLogger(_library).addHandler(logging.NullHandler())


def matches(head: Head, _fields: Mapping[str, str]) -> bool:
    """Recognise a page by its first tags; by its name only if it has any tag."""
    if head.suffix in _SUFFIXES or head.content_type in _CONTENT_TYPES:
        return _TAG.search(head.text) is not None
    return head.text.startswith("<") and _BEGINS.search(head.text[:_NEAR_TOP]) is not None


def parse(
    document: Document, _head: Head, _fields: Mapping[str, str], settings: Settings
) -> Iterator[Draft | Rejection]:
    """Yield the page's article; raises FormatError when it holds none."""
    data = read_whole(document, settings)
    declared = declared_charset(document.content_type) or declared_charset(data[:_CHARSET_WITHIN].decode("latin-1"))
    tree = html_tree(decode(data, declared, mend=True))
    fetched = document.location if "://" in document.location else None
    try:
        text = body_text(tree)
        metadata = _metadata(tree, fetched)
    except Exception as error:  # the page is strange, and trafilatura did not expect it
        raise FormatError(f"no article could be extracted: {type(error).__name__}: {error}") from error
    if sum(map(len, _prose(text))) < LEAST_PROSE:
        raise FormatError("no article found on the page")
    yield Draft(
        text=text,
        title=metadata.title or "",
        url=_article_url(metadata.url, fetched),
        outlet=metadata.sitename,
        authors=tuple(name for name in (metadata.author or "").split("; ") if name),
        published=_published(metadata.date),
        language=(tree.get("lang") or "").partition("-")[0].lower() or None,
    )


def body_text(tree: lxml.html.HtmlElement) -> str:
    """Extract the body: precisely, or if that leaves next to nothing, as trafilatura balances it.

    ``benchmarks/extraction.py`` measures the choice. On a page without paragraphs, a login form
    say, the balanced text is one line of every word there is, and is not taken.
    """
    precise = _extract(tree, favor_precision=True)
    if len(precise) >= SHORT:
        return precise
    balanced = _extract(tree)
    return balanced if len(_prose(balanced)) > 1 and len(balanced) > len(precise) else precise


def _prose(text: str) -> list[str]:
    return [line for line in text.splitlines() if len(line) >= PROSE_LINE]


def _extract(tree: lxml.html.HtmlElement, *, favor_precision: bool = False) -> str:
    found = trafilatura.bare_extraction(deepcopy(tree), favor_precision=favor_precision, include_comments=False)
    return tree_text(found.body, _BLOCKS, _CELLS) if isinstance(found, Metadata) else ""


def _metadata(tree: lxml.html.HtmlElement, url: str | None) -> Metadata:
    dates = {"original_date": True, "extensive_search": True, "outputformat": "%Y-%m-%dT%H:%M:%S%z"}
    return trafilatura.metadata.extract_metadata(tree, default_url=url, date_config=dates)


def _article_url(canonical: str | None, fetched: str | None) -> str | None:
    """Trust the address that the page gives itself, unless it is its site's front page."""
    parts = urlsplit(canonical or "")
    return canonical if parts.path.strip("/") or parts.query else fetched


def _published(moment: str | None) -> str | None:
    """Keep the time only where its zone is known: htmldate fills in what it doesn't know."""
    if not moment:
        return None
    parsed = datetime.fromisoformat(moment)
    return parsed.isoformat() if parsed.tzinfo else parsed.date().isoformat()
