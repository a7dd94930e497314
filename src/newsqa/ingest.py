"""CONDUCTOR: sources -> index.

Two steps, each committed in small transactions, so that a run that is killed
goes on where it stopped: `_read_source` stores what the sources hold as pending
articles; `_settle` makes pending articles searchable, or marks them as copies.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

from newsqa import chunk, dedupe, embed, fetch, formats, publishing
from newsqa.clean import CLEANER_VERSION, article_key, clean
from newsqa.errors import FormatError, SourceError, UsageError
from newsqa.protocols import Embedder
from newsqa.settings import Settings
from newsqa.types import Article, Document, Draft, Progress, ProgressHook, Rejection, Report, Source, Unchanged
from newsqa.writer import Put, Writer

READ_BATCH = 200
SETTLE_BATCH = 64
BATCH_CHARACTERS = 4_000_000
STANDARD_INPUT = "-"


class Ingest:
    """Indexes sources into the index that ``settings`` name.

    ``aside`` is for a process that goes on: a snapshot is published while its callers do, and not before they may.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        progress: ProgressHook | None = None,
        embedder: Embedder | None = None,
        aside: bool = False,
    ) -> None:
        self._settings = settings
        self._aside = aside
        self._progress = progress or (lambda progress: None)
        self._embedder = embedder or embed.default_embedder(settings)

    def index(
        self,
        locations: Sequence[str] = (),
        *,
        fields: Mapping[str, str] | None = None,
        prune: bool = False,
        follow: bool = False,
        allow_private: bool = False,
        rebuild: bool = False,
        restore: bool = False,
    ) -> Report:
        """Index sources, or refresh all remembered ones when none are given.

        Args:
            locations: Paths, feeds, URLs, or "-" for standard input.
            fields: Record fields by article field, such as ``{"title": "headline"}``.
            prune: Remove articles that are gone from their source. Feeds are not pruned.
            follow: Fetch the pages that a feed links to, in place of what the feed says of them.
            allow_private: Permit URLs on private and loopback addresses.
            rebuild: Chunk and embed every stored article anew, under the present model.
            restore: Let articles come back that were removed by hand.

        Raises:
            SourceError: One of ``locations`` is a path that does not exist, or no http(s) URL; nothing was read.
            IndexMissingError: There are no locations and no index.
        """
        for location in locations:
            fetch.require(location)
        run = _Run(self._settings, self._embedder, self._progress)
        dimension = self._embedder.dimension if locations or rebuild else None
        with self._writer(dimension, rebuild=rebuild) as writer:
            if restore:
                writer.restore()
            sources = [
                writer.ledger.add_source(
                    fetch.normal_location(x), fields or {}, follow=follow, allow_private=allow_private
                )
                for x in locations
            ] or [source for source in writer.ledger.sources() if source.location != STANDARD_INPUT]
            for source in sources:
                run.read_source(writer, source, prune=prune)
            run.settle(writer)
        return self._finished(run)

    def remove(self, article_ids: Sequence[str]) -> Report:
        """Remove articles from answers at once, and keep re-indexing from bringing them back.

        Copies of a removed article become searchable in its stead.
        Raises ArticleNotFoundError; then nothing is removed.
        """
        run = _Run(self._settings, self._embedder, self._progress)
        with self._writer() as writer:
            writer.remove(article_ids)
            run.counts["removed"] += len(set(article_ids))
            run.settle(writer)
        return self._finished(run)

    def forget(self, location: str) -> Report:
        """Forget a source and remove the articles that only it brought; raises UsageError if unknown."""
        run = _Run(self._settings, self._embedder, self._progress)
        with self._writer() as writer:
            wanted = {location, fetch.normal_location(location)}
            source = next((s for s in writer.ledger.sources() if s.location in wanted), None)
            if source is None:
                raise UsageError(f"No source '{location}' is remembered. List them: newsqa sources")
            run.counts["removed"] += writer.forget_source(source)
            run.settle(writer)
        return self._finished(run)

    def _writer(self, dimension: int | None = None, *, rebuild: bool = False) -> AbstractContextManager[Writer]:
        model_id = self._embedder.model_id
        return Writer.open(self._settings, model_id, dimension, rebuild=rebuild, progress=self._progress)

    def _finished(self, run: _Run) -> Report:
        """Publish a snapshot where one is due, now that others may write, and report."""
        if self._aside:
            publishing.publish_aside(self._settings)
        else:
            started = time.perf_counter()
            publishing.publish(self._settings)
            run.seconds["snapshot"] = time.perf_counter() - started
        return run.report()


class _Run:
    """One run's counts, rejections and steps."""

    def __init__(self, settings: Settings, embedder: Embedder, progress: ProgressHook) -> None:
        self.counts: Counter[str] = Counter()
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._settings = settings
        self._embedder = embedder
        self._progress = progress
        # One for all sources, since it keeps the delay between requests to a host.
        self._fetchers: dict[bool, fetch.Fetcher] = {}
        self._rejected: list[Rejection] = []

    def report(self) -> Report:
        return Report(**self.counts, rejected=tuple(self._rejected), seconds=dict(self.seconds))

    # Reading

    def read_source(self, writer: Writer, source: Source, *, prune: bool) -> None:
        """Store what a source holds; a source that can't be read is reported and left as it was."""
        started = time.perf_counter()
        fetcher = self._fetchers.setdefault(
            source.allow_private, fetch.Fetcher(self._settings, allow_private=source.allow_private)
        )
        writer.ledger.start_pass(source)
        try:
            self._read_location(writer, source, fetcher, source.location, follow=source.follow)
        except SourceError as error:
            self._rejected.append(Rejection(source.location, str(error), permanent=error.permanent))
            if source.refreshed_at is None and not source.articles:
                writer.forget_source(source)
        else:
            writer.ledger.end_pass(source)
            # What a feed linked to once is still an article when it links to newer ones.
            if prune and not source.follow and source.location != STANDARD_INPUT:
                self.counts["removed"] += writer.prune(source)
        self.seconds["read"] += time.perf_counter() - started

    def _read_location(
        self, writer: Writer, source: Source, fetcher: fetch.Fetcher, location: str, *, follow: bool
    ) -> None:
        def validators(location: str) -> tuple[str | None, str | None]:
            known = writer.ledger.known(source, location)
            same = known and (known.digest or "").endswith(_reading(source, follow=follow))
            return (known.etag, known.last_modified) if known and same else (None, None)

        for document in fetcher.documents(location, validators):
            match document:
                case Rejection():
                    writer.ledger.spare(source, document.location)
                    self._rejected.append(document)
                case Unchanged():
                    self._unchanged(writer.ledger.seen(source, document.location))
                case Document():
                    if document.location == STANDARD_INPUT:  # what is piped in next is another document
                        document = replace(document, location=f"{STANDARD_INPUT}#{document.digest[:16]}")
                    self._read_document(writer, source, fetcher, document, follow=follow)

    def _read_document(
        self, writer: Writer, source: Source, fetcher: fetch.Fetcher, document: Document, *, follow: bool
    ) -> None:
        digest = document.digest + _reading(source, follow=follow)
        known = writer.ledger.known(source, document.location)
        if known and known.digest == digest:
            self._unchanged(writer.ledger.seen(source, document.location))
            return
        feed, rejected = formats.is_feed(document), len(self._rejected)
        document_id = writer.ledger.start_document(source, document.location)
        if feed and follow:
            stored = self._follow(writer, source, fetcher, document)
        else:
            stored = self._store(writer, source, document, document_id, brief=feed)
        faults = len(self._rejected) > rejected
        # What failed is tried again, unless most likely it will fail again.
        done = not faults or (stored > 0 and not (feed and follow))
        # Old entries drop off a feed, and an unreadable part may hold what seems to be missing.
        whole = not feed and not faults
        writer.ledger.end_document(document_id, digest if done else None, document, whole=whole)

    def _store(self, writer: Writer, source: Source, document: Document, document_id: int, *, brief: bool) -> int:
        stored = 0
        for batch in _batches(self._clean(document, source)):
            with writer.transaction():
                for draft, origin in batch:
                    self._count(writer.put(document_id, article_key(draft, origin), draft, origin, brief=brief))
            stored += len(batch)
        return stored

    def _follow(self, writer: Writer, source: Source, fetcher: fetch.Fetcher, feed: Document) -> int:
        """Read the pages that a feed links to, but not what these link to."""
        followed = 0
        for link in formats.links(feed, self._settings):
            if isinstance(link, Rejection):
                self._rejected.append(link)
                continue
            try:
                self._read_location(writer, source, fetcher, link, follow=False)
                followed += 1
            except SourceError as error:
                self._rejected.append(Rejection(link, str(error), permanent=error.permanent))
        return followed

    def _clean(self, document: Document, source: Source) -> Iterator[tuple[Draft, str]]:
        """Yield cleaned drafts with their origin; what can't be used is rejected with its reason."""
        try:
            for draft in formats.parse(document, source.fields, self._settings):
                if isinstance(draft, Rejection):
                    self._rejected.append(draft)
                    continue
                try:
                    cleaned = clean(draft)
                except FormatError as error:
                    self._rejected.append(Rejection(document.location, str(error), draft.line))
                    continue
                origin = document.location if draft.key is None else f"{document.location}#{draft.key}"
                yield cleaned, origin
        except (FormatError, SourceError) as error:
            self._rejected.append(Rejection(document.location, str(error), getattr(error, "line", None)))

    def _count(self, put: Put) -> None:
        self.counts[put.value] += put is not Put.REMOVED
        self._announce_read()

    def _unchanged(self, articles: int) -> None:
        self.counts["unchanged"] += articles
        self._announce_read()

    def _announce_read(self) -> None:
        done = sum(self.counts[put.value] for put in (Put.ADDED, Put.UPDATED, Put.UNCHANGED))
        self._progress(Progress("reading", done, None, "articles"))

    # Settling

    def settle(self, writer: Writer) -> None:
        """Make every pending article searchable, or mark it as a copy."""
        started = time.perf_counter()
        total, done = writer.count_pending(), 0
        while batch := writer.pending(SETTLE_BATCH):
            with writer.transaction():
                self._settle_batch(writer, batch)
            done += len(batch)
            # An edited article releases its copies, so that the total may grow.
            self._progress(Progress("embedding", done, max(total, done), "articles"))
        self.seconds["settle"] += time.perf_counter() - started

    def _settle_batch(self, writer: Writer, batch: Sequence[Article]) -> None:
        searched: list[tuple[Article, list[tuple[int, int]]]] = []
        for article in batch:
            writer.release(article)
            bands = dedupe.bands(dedupe.signature(article.text))
            near = writer.near(article, bands)
            original = next((a for a in near if dedupe.jaccard(a.text, article.text) >= dedupe.NEAR), None)
            if original:
                writer.settle_copy(article, original)
                self.counts["copies"] += 1
            else:
                writer.settle(article, bands)
                searched.append((article, self._chunk(article)))
        inputs = [
            embed.passage_header(article.title, article.published) + article.text[start:end]
            for article, bounds in searched
            for start, end in bounds
        ]
        if not inputs:
            return
        vectors = self._embedder.embed(inputs)
        self.counts["embedded"] += len(inputs)
        first = 0
        for article, bounds in searched:
            writer.add_passages(article, bounds, vectors[first : first + len(bounds)])
            first += len(bounds)

    def _chunk(self, article: Article) -> list[tuple[int, int]]:
        header = self._embedder.count([embed.passage_header(article.title, article.published)])[0]
        room = chunk.Budget(self._embedder.count, self._embedder.max_tokens - header)
        return chunk.chunk(article.text, (chunk.TOKENS, room), article.language)


def _reading(source: Source, *, follow: bool) -> str:
    """Say how a document is read; the same bytes read another way are another document."""
    return f" cleaner {CLEANER_VERSION} {sorted(source.fields.items())} {follow}"


def _batches(drafts: Iterable[tuple[Draft, str]]) -> Iterator[list[tuple[Draft, str]]]:
    """Group drafts so that a transaction stays small in articles and in characters."""
    batch: list[tuple[Draft, str]] = []
    characters = 0
    for draft, origin in drafts:
        batch.append((draft, origin))
        characters += len(draft.text)
        if len(batch) >= READ_BATCH or characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch
