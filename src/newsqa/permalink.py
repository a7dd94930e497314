"""A link to a quote that outlives re-indexing: article, revision, offsets, and the quote's fingerprint.

With the fingerprint a quote is recognised though it has moved, and a link that was made up is told from
one to a text that has changed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from newsqa.errors import ArticleNotFoundError
from newsqa.index import Index
from newsqa.types import Article

LONGEST_SEARCH = 50_000_000
"""Characters that one search for a quote that has moved may hash: its length times the text's."""


def fingerprint(quote: str) -> str:
    """Return the first 16 hexadecimal digits of the quote's sha256, as UTF-8."""
    return hashlib.sha256(quote.encode(errors="surrogatepass")).hexdigest()[:16]


def find(text: str, length: int, mark: str) -> int | None:
    """Return where the words of this length and fingerprint start in a text, None where they don't stand there."""
    last = len(text) - length
    if length < 1 or length * (last + 1) > LONGEST_SEARCH:
        return None
    return next((at for at in range(last + 1) if fingerprint(text[at : at + length]) == mark), None)


@dataclass(frozen=True, slots=True)
class Landing:
    """Where a permalink leads: ``article.text[start:end]`` is the quote.

    ``current`` is the article's newest revision, and ``start_now`` where the quote stands in that one,
    None where it doesn't any more.
    """

    article: Article
    start: int
    end: int
    current: int
    start_now: int | None


def follow(index: Index, article_id: str, revision: int, start: int, end: int, mark: str) -> Landing:
    """Return where a permalink leads.

    The revision of the link comes first, then the others, newest first: an archive that was built anew
    counts its revisions anew. Raises ArticleNotFoundError, also where no revision has such a quote.
    """
    with index.reading():
        current = index.article(article_id)
        others = [number for number in reversed(index.revisions(article_id)) if number != revision]
        for number in (revision, *others):
            try:
                found = index.article(article_id, number)
            except ArticleNotFoundError:  # of this number there is none; the article was found
                continue
            at = _at(found.text, start, end, mark)
            if at is not None:
                now = _at(current.text, at, at + end - start, mark)
                return Landing(found, at, at + end - start, current.revision, now)
    raise ArticleNotFoundError(
        f"No revision of article {article_id} has this quote. The link was altered, or the text it was taken from "
        "is no longer kept."
    )


def _at(text: str, start: int, end: int, mark: str) -> int | None:
    if start < end <= len(text) and fingerprint(text[start:end]) == mark:
        return start
    return find(text, end - start, mark)
