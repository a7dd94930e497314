"""Records that the stages exchange.

Offsets are Unicode code points, half-open, and always index ``Article.text``:
``article.text[start:end] == quote``. Scores live on `Hit` and `Span`; a higher
score is always better.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""Unit-length rows, shape (n, dimension)."""


def parse_published(value: str) -> date | datetime:
    """Read `Article.published`; raises ValueError when it is not ISO 8601."""
    return date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)


@dataclass(frozen=True, slots=True)
class Draft:
    """An article as a format found it; `clean` turns it into final text.

    ``published`` is ISO 8601 (``2016-12-28`` or a time with its zone) or None;
    ``key`` identifies the record inside its source when there is no url.
    """

    text: str
    title: str = ""
    url: str | None = None
    outlet: str | None = None
    authors: tuple[str, ...] = ()
    published: str | None = None
    language: str | None = None
    key: str | None = None
    line: int | None = field(default=None, compare=False)
    """Where it stands in its document, counted from 1, where that has lines."""


@dataclass(frozen=True, slots=True)
class Article:
    """One revision of an article. ``text`` never changes under (id, revision)."""

    id: str
    revision: int
    title: str
    text: str
    url: str | None
    outlet: str | None
    authors: tuple[str, ...]
    published: str | None
    language: str | None
    origin: str
    content_hash: str
    copy_of: str | None = None
    """Id of the article that is searched in this one's stead, for near copies."""


@dataclass(frozen=True, slots=True)
class Passage:
    """``text == article.text[start:end]`` of the given revision.

    Title, outlet and published are context for embedder and reader; they can't be quoted.
    """

    id: int
    article_id: str
    revision: int
    start: int
    end: int
    text: str
    title: str
    outlet: str | None
    published: str | None


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that retrieval brought."""

    passage: Passage
    score: float


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of an article that answers, as offsets into ``Article.text``.

    ``score`` is the probability, in [0, 1], that the span answers the question.
    """

    passage: Passage
    start: int
    end: int
    score: float
    also: tuple[Span, ...] = ()
    """Where else the same answer stands, best first."""

    @property
    def text(self) -> str:
        """The verbatim words."""
        return self.passage.text[self.start - self.passage.start : self.end - self.passage.start]

    def overlaps(self, other: Span) -> bool:
        """Tell whether two spans share a character of one article."""
        same = self.passage.article_id == other.passage.article_id
        return same and self.start < other.end and other.start < self.end

    @property
    def support(self) -> int:
        """How many of the articles that were read give this answer."""
        return len({span.passage.article_id for span in (self, *self.also)})


@dataclass(frozen=True, slots=True)
class Copy:
    """Another article that tells the same story; ``verbatim``: it holds the very quote."""

    article_id: str
    revision: int
    title: str
    outlet: str | None
    published: str | None
    url: str | None
    verbatim: bool


@dataclass(frozen=True, slots=True)
class Citation:
    """A verbatim quote and where to check it: ``article.text[start:end] == quote``.

    The quote is whole sentences. ``answer`` is the part of it that answers,
    ``article.text[answer_start:answer_end]``, within [start, end); the three are None
    where a passage is shown without one. ``passage`` is
    ``article.text[passage_start:passage_end]``, the context around the quote.
    """

    number: int
    article_id: str
    revision: int
    quote: str
    start: int
    end: int
    answer: str | None
    answer_start: int | None
    answer_end: int | None
    title: str
    outlet: str | None
    published: str | None
    url: str | None
    passage: str
    passage_start: int
    passage_end: int
    score: float
    support: int = 1
    """How many of the articles that were read give the same answer, this one included."""
    also_in: tuple[Copy, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the archive says.

    ``text`` is the best answer, equal to ``citations[0].answer``; None when newsqa
    abstains, then ``reason`` says why and ``near`` holds the nearest passages,
    which are not answers. ``confidence`` is in [0, 1].
    """

    question: str
    text: str | None
    citations: tuple[Citation, ...]
    near: tuple[Citation, ...]
    confidence: float
    reason: str | None
    searched: int
    """How many articles were searched, after filters."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Stage name to seconds spent."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A step that `QA.stream` is about to take, in words for a person."""

    name: str
    message: str


@dataclass(frozen=True, slots=True)
class Filters:
    """Which articles to search: published within [since, until], from one of ``outlets``, in one of ``languages``.

    Undated articles are left out when a date is given. Languages are ISO 639-1. No outlets or languages means all.
    ``only`` and ``without`` name articles by id, each by itself: a near copy counts as another.
    ``as_of`` leaves nothing out: it is the day on which a question is asked, and what was published
    near it is preferred (see `newsqa.asof`).
    """

    since: date | None = None
    until: date | None = None
    outlets: tuple[str, ...] = ()
    only: frozenset[str] | None = None
    without: frozenset[str] = frozenset()
    as_of: date | None = None
    languages: tuple[str, ...] = ()

    def keep(self, article: Article) -> bool:
        """Tell whether an article is searched."""
        day = article.published[:10] if article.published else None
        return not (
            (self.since and (not day or day < self.since.isoformat()))
            or (self.until and (not day or day > self.until.isoformat()))
            or (self.outlets and (article.outlet or "").lower() not in {name.lower() for name in self.outlets})
            or (self.languages and article.language not in self.languages)
            or (self.only is not None and article.id not in self.only)
            or article.id in self.without
        )


@dataclass(frozen=True, slots=True)
class Document:
    """Bytes that a source yielded: a file's, a response's, or standard input's.

    ``open`` gives the decompressed content from its beginning and may be called
    again; reading past the size limit raises FormatError. ``digest`` is the
    hex sha256 of the stored bytes.
    """

    location: str
    open: Callable[[], AbstractContextManager[BinaryIO]]
    digest: str
    content_type: str | None = None
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A document whose server answered 304 Not Modified."""

    location: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """Something that was not indexed, with the reason; ``line`` counts from 1."""

    location: str
    reason: str
    line: int | None = None
    permanent: bool = True
    """False when trying again later may help (time-outs, 5xx)."""


@dataclass(frozen=True, slots=True)
class Source:
    """A remembered place to index from: a path, a feed or a page."""

    id: int
    location: str
    fields: dict[str, str]
    follow: bool
    allow_private: bool
    refreshed_at: str | None
    articles: int


@dataclass(frozen=True, slots=True)
class Report:
    """What an indexing run did, counted in articles unless the name says otherwise."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    copies: int = 0
    embedded: int = 0
    """Passages embedded in this run."""
    rejected: tuple[Rejection, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a long job is. ``total`` is None while unknown."""

    stage: str
    done: int
    total: int | None
    unit: str


ProgressHook = Callable[[Progress], None]
Documents = Iterator[Document | Unchanged | Rejection]
