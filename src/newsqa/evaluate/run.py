"""Asks questions whose answers are known, and records what came of each."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from newsqa import answer as answers
from newsqa.chunk import TOKENS, Budget, chunk, sentences
from newsqa.embed import default_embedder
from newsqa.errors import ArticleNotFoundError, UsageError
from newsqa.evaluate import metrics
from newsqa.evaluate.outcomes import Evaluation, Outcome, Way
from newsqa.evaluate.questions import Question, read
from newsqa.match import contained, exact, f1
from newsqa.protocols import Embedder, Reader
from newsqa.qa import QA, READ, default_reader
from newsqa.settings import Settings
from newsqa.types import Answer, Article, Citation, Filters, Passage, Progress, ProgressHook

DEPTH = 100
"""How many of the nearest passages are looked through for a labelled article."""
UNLABELLED = "it isn't known whether an article answers it"
MISSING = "none of its articles is in the index"


def evaluate(
    settings: Settings,
    path: Path,
    way: Way = Way(),
    *,
    progress: ProgressHook | None = None,
    embedder: Embedder | None = None,
    reader: Reader | None = None,
) -> Evaluation:
    """Ask the questions of a file (see `questions`) and judge the answers.

    Args:
        settings: Which index, how many answers, and the least confidence at which one is shown.
        path: The questions; those that bring their article are asked of it alone and need no index.
        way: How they are asked, and which of them.
        progress: Told after each question.
        embedder: In place of the packaged one.
        reader: In place of the packaged one.

    Raises:
        UsageError: The file is not one of questions, or none of them can be asked.
        IndexMissingError: There is no index to ask; so, too, the other errors of `QA.open` and `QA.ask`.
    """
    found = read(path, way.half, way.limit)
    if way.without and all(question.article for question in found.asked):
        raise UsageError(f"The questions of '{path}' bring their own article: there is nothing to search without it.")
    asker = _Asker(settings, way, embedder or default_embedder(settings), reader)
    outcomes: list[Outcome] = []
    missing = 0
    for number, question in enumerate(found.asked, start=1):
        try:
            came = list(asker.ask(question))
        except UsageError as error:
            raise UsageError(f"'{path}', question '{question.id}': {error}") from error
        missing += not came
        outcomes += came
        if progress:
            progress(Progress("Asking", number, len(found.asked), "questions"))
    if not outcomes:
        raise UsageError(
            f"None of the articles that '{path}' names is in the index at '{settings.index}'. "
            "Index them first: newsqa index PATH"
        )
    skipped = {UNLABELLED: found.unlabelled, MISSING: missing}
    skipped = {reason: count for reason, count in skipped.items() if count}
    return Evaluation(path.name, found.sha256, way, settings.min_confidence, skipped, tuple(outcomes))


class _Asker:
    """Asks one question at a time; loads index and models when the first one needs them."""

    def __init__(self, settings: Settings, way: Way, embedder: Embedder, reader: Reader | None) -> None:
        self._settings = settings
        self._way = way
        self._as_of = date.fromisoformat(way.as_of) if way.as_of else None
        self._embedder = embedder
        self._reader = reader or default_reader(settings)
        self._reader.read("warm", [])  # no question waits for its model
        self._passages = lru_cache(maxsize=1)(self._chunked)

    @cached_property
    def _qa(self) -> QA:
        # The best answer is judged also where it would be withheld.
        settings = replace(self._settings, min_confidence=0.0)
        qa = QA.open(settings, embedder=self._embedder, reader=self._reader)
        qa.warm()
        return qa

    def ask(self, question: Question) -> Iterator[Outcome]:
        """Yield what comes of a question: nothing where its articles are missing, two outcomes if asked again."""
        if question.article:
            yield self._outcome(question, self._from(question, question.article))
            return
        labelled = list(self._articles(question.labelled))
        only = frozenset(article.id for article in self._articles(question.given)) if self._way.given else None
        if (question.labelled and not labelled) or (self._way.given and not only):
            return
        as_of = (question.day if self._way.dated else None) or self._as_of
        filters = Filters(only=only, as_of=as_of)
        yield self._asked(question, filters, {article.copy_of or article.id for article in labelled})
        if self._way.without and labelled:
            family = {a.id for one in labelled for a in (one, *self._qa.index.copies(one.id))}
            filters = replace(filters, without=frozenset(family))
            if self._qa.index.count(filters):
                yield self._outcome(question, self._answer(question, filters), again=True)

    def _articles(self, ids: frozenset[str]) -> Iterator[Article]:
        for identity in sorted(ids):
            try:
                yield self._qa.index.article(identity)
            except ArticleNotFoundError:
                continue  # the archive needn't hold every article that a question names

    def _asked(self, question: Question, filters: Filters, originals: set[str]) -> Outcome:
        outcome = self._outcome(question, self._answer(question, filters))
        if not question.answers:
            return outcome
        nearest = self._qa.retrieve(question.text, k=DEPTH, filters=filters)
        holds = any(contained(passage.text, question.answers) for passage in nearest[:READ])
        rank = None if self._way.given or not originals else _rank(nearest, originals)
        return replace(outcome, read=holds, rank=rank)

    def _answer(self, question: Question, filters: Filters) -> Answer:
        return next(step for step in self._qa.stream(question.text, filters=filters) if isinstance(step, Answer))

    def _from(self, question: Question, article: Article) -> Answer:
        """Answer from one article that is in no index."""
        passages = self._passages(article)
        started = time.perf_counter()
        if len(passages) > READ:
            asked, *vectors = self._embedder.embed([question.text, *(passage.text for passage in passages)])
            nearest = np.argsort(-(np.asarray(vectors) @ asked), kind="stable")[:READ]
            passages = [passages[i] for i in nearest]
        spans = self._reader.read(question.text, passages)
        seconds = {"read": time.perf_counter() - started}
        found = answers.build(
            question.text,
            spans,
            passages,
            k=self._settings.answers,
            min_confidence=0.0,
            filters=Filters(),
            searched=1,
            sources=answers.Sources({article.id: (article, ())}, sentences),
        )
        return replace(found, seconds=seconds)

    def _chunked(self, article: Article) -> list[Passage]:
        bounds = chunk(article.text, (TOKENS, Budget(self._embedder.count, self._embedder.max_tokens)))
        return [
            Passage(
                number, article.id, article.revision, start, end, article.text[start:end], article.title, None, None
            )
            for number, (start, end) in enumerate(bounds, start=1)
        ]

    def _outcome(self, question: Question, answer: Answer, *, again: bool = False) -> Outcome:
        given, gold = answer.text or "", question.answers
        best = answer.citations[0] if answer.citations else None
        cited = (*answer.citations, *answer.near)
        return Outcome(
            id=question.id,
            question=question.text,
            kind=question.kind,
            gold=gold,
            answerable=bool(gold) and not again,
            again=again,
            answer=answer.text,
            confidence=answer.confidence,
            answered=answer.text is not None and answer.confidence >= self._settings.min_confidence,
            exact=exact(given, gold),
            f1=f1(given, gold),
            contained=contained(given, gold),
            right=metrics.right(given, gold),
            rank=None,
            read=None,
            citations=len(cited),
            unverified=sum(not verbatim(citation, self._text(question, citation)) for citation in cited),
            title=best.title if best else None,
            quote=best.quote if best else None,
            seconds=answer.seconds,
        )

    def _text(self, question: Question, citation: Citation) -> str:
        """Read the cited article anew, at the revision that is cited."""
        if question.article:
            return question.article.text
        return self._qa.index.article(citation.article_id, citation.revision).text


def verbatim(citation: Citation, text: str) -> bool:
    """Tell whether a text holds the quote and, inside it, the answer, where the citation says."""
    if text[citation.start : citation.end] != citation.quote:
        return False
    if citation.answer_start is None or citation.answer_end is None:
        return citation.answer is None
    inside = citation.start <= citation.answer_start < citation.answer_end <= citation.end
    return inside and text[citation.answer_start : citation.answer_end] == citation.answer


def _rank(nearest: Sequence[Passage], originals: set[str]) -> int:
    """Count articles, not passages, up to the first that is wanted; 0 when it is not there."""
    ranked = dict.fromkeys(passage.article_id for passage in nearest)
    return next((n for n, identity in enumerate(ranked, start=1) if identity in originals), 0)
