"""Which articles and questions the systems are compared on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from newsqa.clean import article_key
from newsqa.evaluate.questions import Question
from newsqa.types import Draft
from newsqa.writer import article_id

Row = Mapping[str, Any]
NEW = 8
"""How many articles are held back: some to warm up with, the others to add one at a time."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """``articles`` to index at first, in an order without meaning; ``new`` ones to add later."""

    articles: Sequence[Row]
    new: Sequence[Row]


def identity(url: str) -> str:
    """Name the article at a URL, however the URL is written."""
    return article_id(article_key(Draft(text="", url=url), ""))


def choose(rows: Iterable[Row], questions: Sequence[Question], count: int) -> Corpus:
    """Choose the articles that answer the questions, then what else a search brought for them, then others.

    Some are always held back. Articles of one URL are taken once. Raises ValueError when the answers
    alone are more than ``count``.
    """
    labelled = frozenset[str]().union(*(question.labelled for question in questions))
    given = frozenset[str]().union(*(question.given for question in questions))
    found: dict[str, Row] = {}
    for row in rows:
        found.setdefault(identity(row["url"]), row)
    needed = len(labelled & found.keys())
    if needed > count:
        raise ValueError(f"{needed} articles answer the questions: take at least as many, or fewer questions.")
    ranked = sorted(found, key=lambda i: (i not in labelled, i not in given, i))
    indexed = ranked[: min(count, len(ranked) - NEW)]
    return Corpus(
        [found[i] for i in sorted(indexed, key=_shuffled)],
        [found[i] for i in sorted(ranked[len(indexed) :], key=_shuffled)[:NEW]],
    )


def _shuffled(identity: str) -> bytes:
    return hashlib.blake2b(identity.encode()).digest()


def parts(articles: Sequence[Row], count: int) -> list[Sequence[Row]]:
    """Deal articles out into ``count`` parts of about one size."""
    return [articles[i::count] for i in range(count)]


def rank(found: Sequence[Sequence[str]], labelled: frozenset[str]) -> float:
    """Return the place, from 1, of the first article that answers; inf when none does.

    ``found`` are articles, nearest first, each as the URLs of itself and its near copies.
    """
    places = (place for place, urls in enumerate(found, 1) if any(identity(url) in labelled for url in urls))
    return next(places, float("inf"))
