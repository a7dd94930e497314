"""CONDUCTOR: question -> Answer."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import date

from newsqa import answer, asof, retrieve
from newsqa.answer import Sources
from newsqa.chunk import sentences
from newsqa.embed import default_embedder
from newsqa.errors import ModelError, UsageError
from newsqa.index import Index
from newsqa.protocols import Embedder, Reader
from newsqa.read import SpanReader, Weights
from newsqa.settings import Settings
from newsqa.spans import SpanModel, manifest
from newsqa.types import Answer, Article, Filters, Passage, Stage

MAX_QUESTION = 2000
READ = 24
"""How many passages are read for an answer."""
ASIDE = 4
"""How many lexical searches may run beside what else is done for their questions."""


class QA:
    """Answers questions from an index; safe to share between threads."""

    def __init__(self, index: Index, embedder: Embedder, reader: Reader, settings: Settings) -> None:
        self.index = index
        self._embedder = embedder
        self.reader = reader
        self._settings = settings
        self._warm = False
        self._aside = ThreadPoolExecutor(ASIDE, thread_name_prefix="newsqa-lexical")

    @classmethod
    def open(cls, settings: Settings, *, embedder: Embedder | None = None, reader: Reader | None = None) -> QA:
        """Open the index and models that ``settings`` name; models load at first use.

        Raises IndexMissingError, IndexCorruptError, IndexMismatchError, ModelError.
        """
        embedder = embedder or default_embedder(settings)
        return cls(
            Index.open(settings, embedder.model_id),
            embedder,
            reader or default_reader(settings),
            settings,
        )

    def warm(self) -> None:
        """Load index and models now, side by side, so that the first question needn't wait."""
        with ThreadPoolExecutor() as pool:
            models: list[Future[object]] = [
                pool.submit(self._embedder.embed, ["warm"]),
                pool.submit(self.reader.read, "warm", []),
            ]
            self.index.load()
            # Here, where Ctrl-C may come: interrupted in the pool's own waiting, Python would forget a thread
            # that goes on, and crash as it ends.
            for model in models:
                model.result()
        self._warm = True

    def ask(
        self,
        question: str,
        *,
        k: int | None = None,
        since: date | None = None,
        until: date | None = None,
        outlets: Sequence[str] = (),
        as_of: date | None = None,
        languages: Sequence[str] = (),
        min_confidence: float | None = None,
    ) -> Answer:
        """Answer a question with verbatim quotes, or abstain.

        Args:
            question: What a person asks, at most `MAX_QUESTION` characters.
            k: How many different answers at most; ``settings.answers`` by default.
            since: Search only articles published on this day or later.
            until: Search only articles published on this day or earlier.
            outlets: Search only articles of these outlets; all when empty.
            as_of: The day on which the question is asked: "last week" is seen from there, by default from
                today, and articles of its time are preferred; none is left out.
            languages: Search only articles in these languages, ISO 639-1 such as "en"; all when empty.
            min_confidence: Give no answer that is less sure; ``settings.min_confidence`` by default.

        Raises:
            UsageError: The question is empty or too long, ``k`` is below 1, or the dates are the wrong way round.
            CitationError: A quote does not match its article; nothing is answered rather than something wrong.
        """
        filters = Filters(since, until, tuple(outlets), as_of=as_of, languages=tuple(languages))
        for step in self.stream(question, k=k, filters=filters, min_confidence=min_confidence):
            if isinstance(step, Answer):
                return step
        raise AssertionError("stream always ends with an Answer")

    def stream(
        self,
        question: str,
        *,
        k: int | None = None,
        filters: Filters = Filters(),
        min_confidence: float | None = None,
    ) -> Iterator[Stage | Answer]:
        """Yield each stage as it begins, then the Answer; errors as in `ask`."""
        question = _checked(question, filters)
        k = self._settings.answers if k is None else k
        if k < 1:
            raise UsageError(f"The number of answers must be at least 1, not {k}.")
        clock = _Clock()
        if not self._warm:
            self.warm()
            clock.lap("load")
        searched = self.index.count(filters)
        yield Stage("search", f"Searching {searched:,} articles…")
        passages, sources = self._retrieve(question, filters, clock, READ)
        yield Stage("read", f"Reading {len(passages)} passages…")
        spans = self.reader.read(question, passages)
        clock.lap("read")
        found = answer.build(
            question,
            spans,
            passages,
            k=k,
            min_confidence=self._settings.min_confidence if min_confidence is None else min_confidence,
            filters=filters,
            searched=searched,
            sources=sources,
        )
        clock.lap("cite")
        yield replace(found, seconds=clock.seconds)

    def retrieve(self, question: str, *, k: int, filters: Filters = Filters()) -> list[Passage]:
        """Return the ``k`` nearest passages, nearest first."""
        return self._retrieve(question, filters, _Clock(), k)[0]

    def _retrieve(self, question: str, filters: Filters, clock: _Clock, k: int) -> tuple[list[Passage], Sources]:
        if (tokens := self._embedder.count([question])[0]) > self._embedder.max_tokens:
            raise UsageError(
                f"The question has {tokens} tokens; the model reads {self._embedder.max_tokens}. Ask less."
            )
        words = self._aside.submit(self.index.lexical, question, retrieve.CANDIDATES, filters)
        vector = self._embedder.embed([question])[0]
        clock.lap("embed")
        dense = self.index.dense(vector, retrieve.CANDIDATES, filters)
        clock.lap("dense")
        fused = retrieve.fuse(dense, words.result())
        clock.lap("lexical")
        with self.index.reading():
            periods = asof.periods(question, filters.as_of, date.today())
            found = retrieve.contenders(fused, k, dated=bool(periods))
            ids = [identity for identity, _ in found]
            published = self.index.published(ids) if periods else {}
            ranked = retrieve.lean(found, self.index.first(ids), published, periods)
            passages = self.index.passages([identity for identity, _ in ranked[:k]])
            # Read in the same state of the database, so that what is cited can't vanish meanwhile.
            articles: dict[str, tuple[Article, list[Article]]] = {}
            for identity, revision in {(p.article_id, p.revision) for p in passages}:
                family = [self.index.article(identity, revision), *self.index.copies(identity)]
                articles |= {a.id: (a, [other for other in family if other is not a]) for a in family}
        clock.lap("passages")
        return passages, Sources(articles, sentences)


def default_reader(settings: Settings) -> Reader:
    """Make the reader that ``settings`` name; its model loads at first use.

    Raises ModelError when the packaged one is damaged.
    """
    fitted = manifest()
    try:
        weights = Weights(fitted["ranking"], fitted["confidence"], fitted["settling"])
        return SpanReader(SpanModel(settings), weights, sentences)
    except (KeyError, ValueError) as error:
        raise ModelError(
            f"The packaged reader's manifest.json is not of this version: {error}. Reinstall newsqa."
        ) from error


class _Clock:
    """Measures stages one after the other."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[name] = now - self._last
        self._last = now


def _checked(question: str, filters: Filters) -> str:
    if len(question) > MAX_QUESTION:
        raise UsageError(f"The question has {len(question):,} characters; the limit is {MAX_QUESTION:,}.")
    question = " ".join("".join(c if c.isprintable() else " " for c in question).split())
    if not any(c.isalnum() for c in question):
        raise UsageError('The question is empty. Example: newsqa ask "Who won the election?"')
    if filters.since and filters.until and filters.since > filters.until:
        raise UsageError(f"'since' ({filters.since}) is after 'until' ({filters.until}).")
    return question
