"""Spans -> Answer: select, abstain, cite.

An answer is shown inside the whole sentences around it, its quote. What is not, to
the letter, what the article says at its offsets is never shown: `cite` raises instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from newsqa.errors import CitationError
from newsqa.match import normalised, widened
from newsqa.types import Answer, Article, Citation, Copy, Filters, Passage, Span

Sentences = Callable[[str], list[tuple[int, int]]]
"""Returns the ``[start, end)`` of each sentence of a text."""

NEAR = 3
"""How many nearest passages to show when abstaining."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What spans are cited from: ``articles`` has each by its id, with its near copies."""

    articles: Mapping[str, tuple[Article, Sequence[Article]]]
    sentences: Sentences


def cite(
    number: int, span: Span, article: Article, copies: Sequence[Article] = (), *, sentences: Sentences
) -> Citation:
    """Cite the answer that a span is, with the whole sentences around it as its quote.

    Raises CitationError unless quote and answer are what the article says at their offsets.
    """
    _verify(span, article)
    shown = show(number, _quote(span, sentences), article, copies)
    return replace(shown, answer=span.text, answer_start=span.start, answer_end=span.end)


def show(number: int, quote: Span, article: Article, copies: Sequence[Article] = ()) -> Citation:
    """Cite words that are no answer; raises CitationError unless the article says them there."""
    _verify(quote, article)
    words, passage = quote.text, quote.passage
    return Citation(
        number=number,
        article_id=article.id,
        revision=article.revision,
        quote=words,
        start=quote.start,
        end=quote.end,
        answer=None,
        answer_start=None,
        answer_end=None,
        title=article.title,
        outlet=article.outlet,
        published=article.published,
        url=article.url,
        passage=article.text[passage.start : passage.end],
        passage_start=passage.start,
        passage_end=passage.end,
        score=quote.score,
        support=quote.support,
        also_in=tuple(Copy(c.id, c.revision, c.title, c.outlet, c.published, c.url, words in c.text) for c in copies),
    )


def parts(citation: Citation) -> tuple[str, str, str]:
    """Split a quote into what stands before its answer, the answer, and what stands after it.

    Without an answer, the first part is the quote and the others are empty.
    """
    if citation.answer_start is None or citation.answer_end is None:
        return citation.quote, "", ""
    start, end = citation.answer_start - citation.start, citation.answer_end - citation.start
    return citation.quote[:start], citation.quote[start:end], citation.quote[end:]


def _verify(span: Span, article: Article) -> None:
    passage = span.passage
    if (article.id, article.revision) != (passage.article_id, passage.revision):
        raise CitationError(f"passage {passage.id} is not of article {article.id}, revision {article.revision}")
    inside = passage.start <= span.start < span.end <= passage.end
    if not inside or article.text[span.start : span.end] != span.text:
        raise CitationError(f"article {article.id}: text[{span.start}:{span.end}] is not {span.text[:80]!r}")


def _quote(span: Span, sentences: Sentences) -> Span:
    """Widen a span to the whole sentences of its passage that it touches."""
    base = span.passage.start
    start, end = widened(span.start - base, span.end - base, sentences(span.passage.text))
    return replace(span, start=base + start, end=base + end)


def within(filters: Filters, spans: Iterable[Span], sources: Sources) -> Iterator[Span]:
    """Yield spans of articles that filters keep.

    In place of another comes a near copy that has its very quote, or else where else its answer stands.
    """
    for span in spans:
        yield from islice(_kept(filters, span, sources), 1)


def _kept(filters: Filters, span: Span, sources: Sources) -> Iterator[Span]:
    every = (span, *span.also)
    for place in every:
        place = replace(place, also=tuple(other for other in every if other is not place))
        article, copies = sources.articles[place.passage.article_id]
        if filters.keep(article):
            yield place
        for copy in copies:
            if filters.keep(copy) and (moved := _moved(place, copy, sources.sentences)):
                yield moved


def _moved(span: Span, copy: Article, sentences: Sentences) -> Span | None:
    """Find a span and its quote, with its passage if possible, in a copy of its article."""
    whole = replace(span, start=span.passage.start, end=span.passage.end)
    for part in (whole, _quote(span, sentences)):
        if (start := copy.text.find(part.text)) >= 0:
            there = replace(
                span.passage,
                article_id=copy.id,
                revision=copy.revision,
                start=start,
                end=start + len(part.text),
                text=part.text,
                title=copy.title,
                outlet=copy.outlet,
                published=copy.published,
            )
            by = start - part.start
            return replace(span, passage=there, start=span.start + by, end=span.end + by)
    return None


def select(spans: Iterable[Span], k: int) -> list[Span]:
    """Return the best spans, at most ``k``, that give different answers and don't overlap."""
    chosen: list[Span] = []
    answers: set[str] = set()
    for span in sorted(spans, key=lambda span: -span.score):
        answer = normalised(span.text)
        if answer in answers or any(map(span.overlaps, chosen)):
            continue
        answers.add(answer)
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
    sources: Sources,
) -> Answer:
    """Give up to ``k`` answers, or abstain when none reaches ``min_confidence``.

    Args:
        question: What was asked.
        spans: What the reader found.
        passages: What retrieval brought, nearest first.
        k: How many answers at most.
        min_confidence: Least score of a span that is shown as an answer.
        filters: Which articles may be cited.
        searched: How many articles were searched.
        sources: Each passage's article, at the passage's revision.

    Raises:
        CitationError: A span is not verbatim.
    """
    best = select(within(filters, spans, sources), k)
    confidence = best[0].score if best else 0.0
    citations = tuple(
        cite(number, span, *sources.articles[span.passage.article_id], sentences=sources.sentences)
        for number, span in enumerate((span for span in best if span.score >= min_confidence), start=1)
    )
    answer = Answer(question, None, citations, (), confidence, None, searched)
    if citations:
        return replace(answer, text=citations[0].answer)
    nearest = within(filters, (Span(p, p.start, p.end, 0.0) for p in passages), sources)
    near = enumerate(islice(_one_an_article(nearest), NEAR), start=1)
    return replace(
        answer,
        near=tuple(show(number, span, *sources.articles[span.passage.article_id]) for number, span in near),
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
    return "Nothing that was read answers the question with enough confidence."
