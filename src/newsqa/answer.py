"""Spans -> Answer: select, abstain, cite.

A quote that is not, to the letter, what its article says at its offsets is
never shown: `cite` raises instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from newsqa.errors import CitationError
from newsqa.types import Answer, Article, Citation, Copy, Passage, Span

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
        searched: How many articles were searched.
        articles: Each passage's article, at the passage's revision, with its near copies.

    Raises:
        CitationError: A span is not verbatim.
    """
    best = select(spans, k)
    confidence = best[0].score if best else 0.0
    answers = [span for span in best if span.score >= min_confidence]
    citations = tuple(cite(n, span, *articles[span.passage.article_id]) for n, span in enumerate(answers, start=1))
    answer = Answer(question, None, citations, (), confidence, None, searched)
    if citations:
        return replace(answer, text=citations[0].quote)
    near = [Span(p, p.start, p.end, 0.0) for p in _one_an_article(passages)[:NEAR]]
    return replace(
        answer,
        near=tuple(cite(n, span, *articles[span.passage.article_id]) for n, span in enumerate(near, start=1)),
        reason=_reason(passages, searched),
    )


def _one_an_article(passages: Sequence[Passage]) -> list[Passage]:
    first: dict[str, Passage] = {}
    for passage in passages:
        first.setdefault(passage.article_id, passage)
    return list(first.values())


def _reason(passages: Sequence[Passage], searched: int) -> str:
    if not searched:
        return "No article matches the filters."
    if not passages:
        return "No passage has anything in common with the question."
    return "No sentence that was found answers the question with enough confidence."
