"""CONDUCTOR: quote -> where it stands in the archive, character by character."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from newsqa.index import Index

MAX_PLACES = 20

_HOLDERS = """SELECT r.article_id, r.revision, r.revision = a.revision AS current, r.title, r.outlet, r.published,
    r.url, r.text FROM articles a JOIN revisions r ON r.article_id = a.id
    WHERE instr(r.text, :quote) AND r.article_id = coalesce(:article_id, r.article_id)
    ORDER BY current DESC, r.published DESC NULLS LAST, r.article_id, r.revision DESC LIMIT :limit"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a quote stands: ``article.text[start:end] == quote``; ``current``: in the newest revision."""

    article_id: str
    revision: int
    current: bool
    start: int
    end: int
    title: str
    outlet: str | None
    published: str | None
    url: str | None


def find(index: Index, quote: str, article_id: str | None = None) -> list[Place]:
    """Return up to `MAX_PLACES` places that hold a quote verbatim, current revisions first, newest first.

    Every stored text is looked through, so that an empty list means that none holds it.
    """
    with index.reading() as connection:
        rows = connection.execute(_HOLDERS, {"quote": quote, "article_id": article_id, "limit": MAX_PLACES}).fetchall()
    places = (
        Place(
            row["article_id"],
            row["revision"],
            bool(row["current"]),
            start,
            start + len(quote),
            row["title"],
            row["outlet"],
            row["published"],
            row["url"],
        )
        for row in rows
        for start in _starts(row["text"], quote)
    )
    return list(islice(places, MAX_PLACES))


def _starts(text: str, quote: str) -> Iterator[int]:
    start = text.find(quote)
    while start >= 0:
        yield start
        start = text.find(quote, start + 1)
