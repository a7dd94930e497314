"""What the chat, the API and MCP offer: ask in turn, search, add, remove. No Gradio and no HTTP in it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from threading import Lock, Thread
from typing import BinaryIO, TypeVar

from newsqa import feedback, suggest, uploads
from newsqa.errors import NewsQAError, UsageError
from newsqa.followup import FollowUp, Past, standalone
from newsqa.http import normal_url
from newsqa.index import Index
from newsqa.ingest import Ingest
from newsqa.line import Line, ordinal
from newsqa.match import normalised
from newsqa.qa import MAX_QUESTION, QA
from newsqa.settings import Settings
from newsqa.types import Answer, Filters, Passage, Progress, ProgressHook, Report, Stage

IngestFactory = Callable[[ProgressHook], Ingest]
Observe = Callable[[str, float], None]
"""Told how asking ended (answered, abstained, refused, failed, stopped), and after how many seconds."""
UNEXPECTED = "Something went wrong inside newsqa; the window it was started from says what."
NOTHING_ELSE = "The archive gives no answer but those above."
READ_ONLY = "This archive is read-only here; add articles with: newsqa index PATH"
MAX_TURNS = 50
EXAMPLES_FROM = 100
"""Newest articles that examples are drawn from."""


log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and how far it is: a stage, its answer, or what went wrong in words.

    ``asked`` is the standalone question that a follow-up was understood as, None where it stood by itself.
    """

    question: str
    outcome: Answer | Stage | str
    filters: Filters = Filters()
    asked: str | None = None

    @property
    def standalone(self) -> str:
        """The question that was asked of the archive."""
        return self.asked or self.question


class Service:
    """One archive, for any number of people at a time.

    ``ingest`` makes an `Ingest` that reports to the given hook; None for a read-only service.
    What is asynchronous belongs to one event loop; the rest is thread-safe.
    """

    def __init__(self, settings: Settings, open_qa: Callable[[], QA], ingest: IngestFactory | None) -> None:
        self.line = Line()
        self.observe: Observe = lambda outcome, seconds: None
        self._folder = settings.index
        self._uploads = settings.index / "uploads"
        self._answers = settings.answers
        self._open_qa = open_qa
        self._ingest = ingest
        self._qa: QA | None = None
        self._lock = Lock()
        self._workers = ThreadPoolExecutor(self.line.places, thread_name_prefix="newsqa-ask")

    @property
    def qa(self) -> QA:
        """Opened when first needed, for the first articles may be added from the page.

        Raises what `QA.open` does.
        """
        with self._lock:
            if self._qa is None:
                self._qa = self._open_qa()
            return self._qa

    @property
    def read_only(self) -> bool:
        """Whether articles can't be added or removed."""
        return self._ingest is None

    def warm(self) -> None:
        """Load index and models ahead of the first question, which would otherwise report what fails here."""
        try:
            self.qa.warm()
        except NewsQAError as error:
            log.warning("%s", error)

    def describe(self) -> str:
        """Say in a line what the archive holds."""
        status = self.qa.index.status()
        articles, outlets = status["articles"], len(self.outlets())
        years = sorted({str(status[key])[:4] for key in ("first_published", "last_published") if status[key]})
        parts = [f"{articles:,} article{'s' * (articles != 1)}"]
        if outlets:
            parts.append(f"{outlets:,} outlet{'s' * (outlets != 1)}")
        return " · ".join([*parts, "–".join(years)] if years else parts)

    def outlets(self) -> list[tuple[str, int]]:
        """Return each outlet with its number of articles, most first."""
        return self.qa.index.outlets()

    def examples(self) -> list[str]:
        """Return questions to begin with, drawn from the newest articles."""
        return suggest.questions(self.qa.index.articles(limit=EXAMPLES_FROM))

    # Reading

    async def read(self, call: Callable[[Index], T]) -> T:
        """Return what ``call`` reads from the index.

        asyncio's own threads are few and stay; each that reads an index keeps a connection to it.
        """
        return await asyncio.to_thread(lambda: call(self.qa.index))

    async def search(self, query: str, *, k: int, filters: Filters) -> list[Passage]:
        """Return the ``k`` nearest passages, nearest first; raises what `QA.retrieve` does."""
        return await asyncio.to_thread(lambda: self.qa.retrieve(query, k=k, filters=filters))

    async def ask(
        self,
        question: str,
        *,
        k: int | None = None,
        filters: Filters = Filters(),
        min_confidence: float | None = None,
    ) -> AsyncIterator[Stage | Answer]:
        """Yield the place in line while others are before, then what `QA.stream` does.

        Raises BusyError, and what `QA.stream` raises.
        """
        started = time.perf_counter()
        outcome = "stopped"
        try:
            async for step in self._in_turn(self._steps(question, k, filters, min_confidence)):
                if isinstance(step, Answer):
                    outcome = "abstained" if step.text is None else "answered"
                yield step
        except Exception as error:
            outcome = "refused" if isinstance(error, NewsQAError) else "failed"
            raise
        finally:
            self.observe(outcome, time.perf_counter() - started)

    async def _in_turn(self, steps: Iterator[Stage | Answer]) -> AsyncIterator[Stage | Answer]:
        loop = asyncio.get_running_loop()
        ticket = self.line.join()
        step: Future[Stage | Answer | None] = Future()
        step.set_result(None)
        try:
            async for position in self.line.positions(ticket):
                yield Stage("wait", f"Busy: you are {ordinal(position)} in line…")
            while True:
                step = self._workers.submit(next, steps, None)
                if (found := await asyncio.wrap_future(step)) is None:
                    return
                yield found
        finally:
            # Who stops asking leaves at once, but a thread can't be stopped: its place is free when it is done.
            step.add_done_callback(lambda _: _soon(loop, self.line.leave, ticket))

    def _steps(
        self, question: str, k: int | None, filters: Filters, min_confidence: float | None
    ) -> Iterator[Stage | Answer]:
        yield from self.qa.stream(question, k=k, filters=filters, min_confidence=min_confidence)

    async def converse(self, question: str, turns: Sequence[Turn], filters: Filters) -> AsyncIterator[list[Turn]]:
        """Yield the conversation as the new turn goes through its stages; never raises."""
        before = list(turns[1 - MAX_TURNS :])
        turn = Turn(question[:MAX_QUESTION], Stage("follow", "Reading the question…"), filters)
        async for step in _in_words(self._follow(turn, question, before), "Asking"):
            turn = replace(turn, outcome=step) if isinstance(step, str) else step
            yield [*before, turn]

    async def _follow(self, turn: Turn, question: str, before: Sequence[Turn]) -> AsyncIterator[Turn]:
        """Yield the turn as it goes on, asked as what it means after those before."""
        meant = FollowUp(question, question)
        if before and len(question) <= MAX_QUESTION:
            meant = await asyncio.to_thread(standalone, question, [_past(one) for one in before])
        turn = replace(turn, asked=meant.question if meant.rewritten else None)
        k = self._answers + len(meant.exclude) if meant.exclude else None
        async for step in self.ask(meant.question, k=k, filters=turn.filters):
            yield replace(turn, outcome=_others(step, meant.exclude))

    # Writing

    async def add(self, paths: Sequence[Path], urls: Sequence[str] = ()) -> AsyncIterator[Progress | Report | str]:
        """Keep copies of files, and index them and addresses; the last item says how it ended; never raises."""
        async for event in _in_words(self._add(paths, urls), "Adding articles"):
            yield event

    async def _add(self, paths: Sequence[Path], urls: Sequence[str]) -> AsyncIterator[Progress | Report]:
        kept = [normal_url(url) for url in urls]  # addresses alone: a path of this machine is none
        for path in paths:
            with path.open("rb") as stream:
                kept.append(await self.keep(stream, path.name))
        async for event in self.index(kept):
            yield event

    async def keep(self, stream: BinaryIO, name: str) -> str:
        """Copy a file to beside the index, so that it's there when the index is refreshed; return its location.

        Raises UsageError for a read-only service.
        """
        if self.read_only:
            raise UsageError(READ_ONLY)
        return str(await asyncio.to_thread(uploads.keep, stream, name, self._uploads))

    async def index(self, locations: Sequence[str], *, follow: bool = False) -> AsyncIterator[Progress | Report]:
        """Yield progress, then the report; raises what `Ingest.index` does, UsageError for a read-only service."""
        loop = asyncio.get_running_loop()
        events: asyncio.Queue[Progress | None] = asyncio.Queue()

        def tell(event: Progress | None) -> None:
            _soon(loop, events.put_nowait, event)

        job = _background(lambda: self._writer(tell).index(locations, follow=follow))
        job.add_done_callback(lambda _: tell(None))
        while (event := await events.get()) is not None:
            if events.empty():  # who is slow skips steps rather than lag behind
                yield event
        report: Report = await asyncio.wrap_future(job)
        yield report

    async def remark(self, turn: Turn, *, right: bool, note: str) -> None:
        """Keep what a person said about a turn's answer; nothing where it has none.

        Raises UsageError for a read-only service.
        """
        if self.read_only:
            raise UsageError(READ_ONLY)
        if isinstance(turn.outcome, Answer):
            kept = (self._folder, turn.standalone, turn.outcome, turn.filters)
            await asyncio.to_thread(feedback.record, *kept, right=right, note=note)

    async def remove(self, article_id: str) -> Report:
        """Remove an article; raises what `Ingest.remove` does, UsageError for a read-only service."""
        return await asyncio.wrap_future(_background(lambda: self._writer(lambda _: None).remove([article_id])))

    def _writer(self, hook: ProgressHook) -> Ingest:
        if self._ingest is None:
            raise UsageError(READ_ONLY)
        return self._ingest(hook)


async def _in_words(events: AsyncIterator[T], what: str) -> AsyncIterator[T | str]:
    """Pass events on; turn what goes wrong into words, since the page must stay usable."""
    try:
        async for event in events:
            yield event
    except NewsQAError as error:
        yield str(error)
    except Exception:  # the last seam before a person
        log.exception("%s failed", what)
        yield UNEXPECTED


def _past(turn: Turn) -> Past:
    if not isinstance(turn.outcome, Answer) or turn.outcome.text is None:
        return Past(turn.standalone)
    return Past(turn.standalone, turn.outcome.text, turn.outcome.citations[0].quote)


def _others(step: Stage | Answer, given: Sequence[str]) -> Stage | Answer:
    """Take answers that were given already out of an answer."""
    if isinstance(step, Stage) or step.text is None or not given:
        return step
    known = {normalised(one) for one in given}
    left = [one for one in step.citations if normalised(one.answer or "") not in known]
    if not left:
        return replace(step, text=None, citations=(), near=step.citations, reason=NOTHING_ELSE)
    cited = tuple(replace(one, number=number) for number, one in enumerate(left, start=1))
    return replace(step, text=cited[0].answer, citations=cited, confidence=cited[0].score)


def filters(
    outlets: Sequence[str],
    since: str | None,
    until: str | None,
    as_of: str | None = None,
    languages: Sequence[str] = (),
) -> Filters:
    """Read what a person chose; raises UsageError for dates that make no sense."""
    first, last = _day("From", since), _day("To", until)
    if first and last and first > last:
        raise UsageError(f"'From' ({first}) is later than 'To' ({last}).")
    return Filters(first, last, tuple(outlets), as_of=_day("As of", as_of), languages=tuple(languages))


def _day(name: str, value: str | None) -> date | None:
    if not value or not value.strip():
        return None
    try:
        return date.fromisoformat(value.strip())
    except ValueError as error:
        raise UsageError(f"'{name}' should be a date like 2016-12-28, got {value[:40]!r}") from error


def _soon(loop: asyncio.AbstractEventLoop, call: Callable[[T], object], argument: T) -> None:
    """Call from any thread; nobody waits any more once the loop is closed."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(call, argument)


def _background(call: Callable[[], Report]) -> Future[Report]:
    """Run in a daemon thread: a signal ends the process without waiting; the index survives that."""
    job: Future[Report] = Future()

    def run() -> None:
        try:
            job.set_result(call())
        except BaseException as error:  # noqa: BLE001 - raised again where the result is asked for
            job.set_exception(error)

    Thread(target=run, name="newsqa-ingest", daemon=True).start()
    return job
