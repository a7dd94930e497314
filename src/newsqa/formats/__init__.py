"""Documents of every format -> drafts of articles.

A new format is one file with ``matches`` and ``parse`` and one line in `_FORMATS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from newsqa.errors import FormatError
from newsqa.formats import feed, html, jsonl, table, text
from newsqa.formats.content import Head, read_head
from newsqa.formats.lines import too_long
from newsqa.settings import MEGABYTE, Settings
from newsqa.types import Document, Draft, Rejection


class _Format(NamedTuple):
    matches: Callable[[Head, Mapping[str, str]], bool]
    parse: Callable[[Document, Head, Mapping[str, str], Settings], Iterator[Draft | Rejection]]


_FORMATS = (
    _Format(feed.matches, feed.parse),
    _Format(html.matches, html.parse),
    _Format(jsonl.matches, jsonl.parse),
    _Format(table.matches, table.parse),
    _Format(text.matches, text.parse),
)
"""In the order in which they are tried; the last takes what is left."""


def parse(document: Document, fields: Mapping[str, str], settings: Settings) -> Iterator[Draft | Rejection]:
    """Yield what a document holds, recognised by its content.

    ``fields`` maps a field of `Draft` to the column that holds it, for records.
    Whatever can't be read becomes a Rejection, after the drafts that came before it.
    Raises UsageError when ``fields`` names a field that `Draft` does not have.
    """
    try:
        head = read_head(document)
        chosen = next(each for each in _FORMATS if each.matches(head, fields))
        for found in chosen.parse(document, head, fields, settings):
            yield _within_limit(found, document, settings)
    except FormatError as error:
        yield Rejection(document.location, str(error), error.line)
    except OSError as error:
        yield Rejection(document.location, f"can't be read: {error.strerror or error}")


def _within_limit(found: Draft | Rejection, document: Document, settings: Settings) -> Draft | Rejection:
    """Refuse what grew while it was read: the formats bound only what goes in."""
    limit = settings.max_article_mb * MEGABYTE
    if isinstance(found, Rejection) or len(found.text) + len(found.title) <= limit:
        return found
    return Rejection(document.location, too_long(settings, "article"))


def is_feed(document: Document) -> bool:
    """Tell whether a document is an RSS or Atom feed; False for what can't be read."""
    try:
        return feed.is_feed(read_head(document))
    except (FormatError, OSError):
        return False


def links(document: Document, settings: Settings) -> Iterator[str | Rejection]:
    """Yield the addresses of the pages that a feed links to, also of entries without text."""
    try:
        yield from feed.links(document, settings)
    except FormatError as error:
        yield Rejection(document.location, str(error), error.line)
    except OSError as error:
        yield Rejection(document.location, f"can't be read: {error.strerror or error}")
