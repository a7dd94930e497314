"""Spans -> Answer: select, abstain, cite.

A quote that is not, to the letter, what its article says at its offsets is
never shown: `cite` raises instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from newsqa.errors import CitationError
from newsqa.types import Answer, Article, Citation, Copy, Filters, Passage, Span

Sources = Mapping[str, tuple[Article, Sequence[Article]]]
"""Article id to the article and its near copies."""

NEAR = 3
"""How many nearest passages to show when abstaining."""


def cite(number: int, span: Span, article: Article, copies: Sequence[Article] = ()) -> Citation:
    """Cite a span of an article.

    Raises CitationError unless ``article.text[start:end]`` is the very quote.
    """
    passage = span.passage
    quote = span.text
    if (article.id, article.revision) != (passage.article_id, passage.revision):
        raise CitationError(f"passage {passage.id} is not of article {article.id}, revision {article.revision}")
    if not quote or article.text[span.start : span.end] != quote:
        raise CitationError(f"article {article.id}: text[{span.start}:{span.end}] is not the quote {quote[:80]!r}")
    return Citation(
        number=number,
        article_id=article.id,
        revision=article.revision,
        quote=quote,
        start=span.start,
        end=span.end,
        title=article.title,
        outlet=article.outlet,
        published=article.published,
        url=article.url,
        passage=article.text[passage.start : passage.end],
        passage_start=passage.start,
        passage_end=passage.end,
        score=span.score,
        also_in=tuple(Copy(c.id, c.revision, c.title, c.outlet, c.published, c.url, quote in c.text) for c in copies),
    )


def within(filters: Filters, spans: Iterable[Span], articles: Sources) -> Iterator[Span]:
    """Yield spans of articles that filters keep; one of another is moved to a near copy that has its very words."""
    for span in spans:
        article, copies = articles[span.passage.article_id]
        if filters.keep(article):
            yield span
        else:
            moved = (_moved(span, copy) for copy in copies if filters.keep(copy))
            yield from islice(filter(None, moved), 1)


def _moved(span: Span, copy: Article) -> Span | None:
    """Find a span, with its passage if possible, in a copy of its article."""
    passage = span.passage
    text, start = passage.text, copy.text.find(passage.text)
    offset = span.start - passage.start
    if start < 0:
        text, start, offset = span.text, copy.text.find(span.text), 0
    if start < 0:
        return None
    there = replace(
        passage,
        article_id=copy.id,
        revision=copy.revision,
        start=start,
        end=start + len(text),
        text=text,
        title=copy.title,
        outlet=copy.outlet,
        published=copy.published,
    )
    return Span(there, start + offset, start + offset + len(span.text), span.score)


def select(spans: Iterable[Span], k: int) -> list[Span]:
    """Return the best spans, at most ``k``, from different articles and with different quotes."""
    chosen: list[Span] = []
    articles: set[str] = set()
    quotes: set[str] = set()
    for span in sorted(spans, key=lambda span: -span.score):
        words = " ".join(span.text.split()).casefold()
        if span.passage.article_id in articles or words in quotes:
            continue
        articles.add(span.passage.article_id)
        quotes.add(words)
        chosen.append(span)
        if len(chosen) == k:
            break
    return chosen


def build(
    question: str,
    spans: Sequence[Span],
    passages: Sequence[Passage],
    *,
    k: int,
    min_confidence: float,
    filters: Filters,
    searched: int,
    articles: Sources,
) -> Answer:
    """Answer with up to ``k`` quotes, or abstain when none reaches ``min_confidence``.

    Args:
        question: What was asked.
        spans: What the reader found.
        passages: What retrieval brought, nearest first.
        k: How many answers at most.
        min_confidence: Least score of a span that is shown as an answer.
        filters: Which articles may be cited.
        searched: How many articles were searched.
        articles: Each passage's article, at the passage's revision, with its near copies.

    Raises:
        CitationError: A span is not verbatim.
    """
    best = select(within(filters, spans, articles), k)
    confidence = best[0].score if best else 0.0
    answers = [span for span in best if span.score >= min_confidence]
    citations = tuple(cite(n, span, *articles[span.passage.article_id]) for n, span in enumerate(answers, start=1))
    answer = Answer(question, None, citations, (), confidence, None, searched)
    if citations:
        return replace(answer, text=citations[0].quote)
    nearest = within(filters, (Span(p, p.start, p.end, 0.0) for p in passages), articles)
    near = list(islice(_one_an_article(nearest), NEAR))
    return replace(
        answer,
        near=tuple(cite(n, span, *articles[span.passage.article_id]) for n, span in enumerate(near, start=1)),
        reason=_reason(passages, searched),
    )


def _one_an_article(spans: Iterable[Span]) -> Iterator[Span]:
    seen: set[str] = set()
    for span in spans:
        if span.passage.article_id not in seen:
            seen.add(span.passage.article_id)
            yield span


def _reason(passages: Sequence[Passage], searched: int) -> str:
    if not searched:
        return "There are no articles to search, or none that the filters keep."
    if not passages:
        return "No passage has anything in common with the question."
    return "No sentence that was found answers the question with enough confidence."
