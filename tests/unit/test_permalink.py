from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

import pytest

from newsqa.errors import ArticleNotFoundError
from newsqa.index import Index
from newsqa.permalink import LONGEST_SEARCH, find, fingerprint, follow
from newsqa.types import Article

QUOTE = "The ferry sank at noon."
FIRST = Article("a", 1, "t", f"A quiet week. {QUOTE}", None, None, (), None, None, "o", "h")
MOVED = replace(FIRST, revision=2, text=f"Corrected. {FIRST.text}")
WITHOUT = replace(FIRST, revision=3, text="A quiet week. The ferry sank at one.")
START, END = 14, 14 + len(QUOTE)


class FakeIndex:
    """Revisions of one article; the last is the current one."""

    def __init__(self, *stored: Article) -> None:
        self.stored = {article.revision: article for article in stored}

    @contextmanager
    def reading(self) -> Iterator[None]:
        yield

    def revisions(self, article_id: str) -> list[int]:
        return list(self.stored)

    def article(self, article_id: str, revision: int | None = None) -> Article:
        found = self.stored.get(revision or max(self.stored))
        if article_id != "a" or found is None:
            raise ArticleNotFoundError("none")
        return found


def led(*stored: Article, **link: Any) -> tuple[int, int, int, int | None]:
    link = {"revision": 1, "start": START, "end": END, "mark": fingerprint(QUOTE)} | link
    landing = follow(cast(Index, FakeIndex(*stored)), "a", **link)
    assert landing.article.text[landing.start : landing.end] == QUOTE
    return landing.article.revision, landing.start, landing.current, landing.start_now


def test_a_fingerprint_is_of_the_words_to_the_letter() -> None:
    assert fingerprint("a") == "ca978112ca1bbdca"
    assert len({fingerprint(words) for words in (QUOTE, f"{QUOTE} ", QUOTE.lower(), "\ud800")}) == 4


def test_a_link_leads_to_its_revision_and_tells_where_the_quote_stands_now() -> None:
    assert led(FIRST) == (1, START, 1, START)
    assert led(FIRST, MOVED) == (1, START, 2, START + 11)
    assert led(FIRST, MOVED, WITHOUT) == (1, START, 3, None)


def test_a_link_survives_an_archive_built_anew_that_counts_its_revisions_anew() -> None:
    assert led(FIRST, revision=7) == (1, START, 1, START)
    assert led(replace(MOVED, revision=1), revision=1) == (1, START + 11, 1, START + 11)
    assert led(replace(WITHOUT, revision=1), MOVED, revision=1) == (2, START + 11, 2, START + 11)


@pytest.mark.parametrize(
    "forged",
    [{"mark": "0" * 16}, {"mark": ""}, {"end": END - 1}, {"start": END, "end": START}, {"end": 10**9}],
)
def test_a_link_that_fits_no_revision_is_refused(forged: dict[str, Any]) -> None:
    with pytest.raises(ArticleNotFoundError, match="was altered"):
        led(FIRST, MOVED, **forged)


def test_an_unknown_article_is_refused() -> None:
    with pytest.raises(ArticleNotFoundError, match="none"):
        follow(cast(Index, FakeIndex(FIRST)), "b", 1, START, END, fingerprint(QUOTE))


def test_the_search_for_a_moved_quote_is_bounded() -> None:
    half = int(LONGEST_SEARCH**0.5)
    text = "x" * (3 * half) + "y" * half
    assert find(text, half, fingerprint("y" * half)) is None
    assert find(text, 5, fingerprint("xxyyy")) == 3 * half - 2
