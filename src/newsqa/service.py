"""What the chat and the API offer: ask, add files, say what there is. No Gradio and no HTTP in it."""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread

from newsqa.errors import NewsQAError, UsageError
from newsqa.ingest import Ingest
from newsqa.qa import MAX_QUESTION, QA
from newsqa.settings import Settings
from newsqa.types import Answer, Filters, Progress, ProgressHook, Report, Stage

IngestFactory = Callable[[ProgressHook], Ingest]
UNEXPECTED = "Something went wrong inside newsqa; the window it was started from says what."
MAX_TURNS = 50

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and how far it is: a stage, its answer, or what went wrong in words."""

    question: str
    outcome: Answer | Stage | str
    filters: Filters = Filters()


class Service:
    """One archive, for any number of people at a time; thread-safe.

    ``ingest`` makes an `Ingest` that reports to the given hook; None for a read-only service.
    """

    def __init__(self, settings: Settings, open_qa: Callable[[], QA], ingest: IngestFactory | None) -> None:
        self.uploads = settings.index / "uploads"
        self._open_qa = open_qa
        self._ingest = ingest
        self._qa: QA | None = None
        self._lock = Lock()

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
        """Whether files can't be added."""
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

    def ask(self, question: str, turns: Sequence[Turn], filters: Filters) -> Iterator[list[Turn]]:
        """Yield the conversation as the new turn goes through its stages; never raises."""
        before = list(turns[1 - MAX_TURNS :])
        for outcome in self._outcomes(question, filters):
            yield [*before, Turn(question[:MAX_QUESTION], outcome, filters)]

    def _outcomes(self, question: str, filters: Filters) -> Iterator[Answer | Stage | str]:
        try:
            yield from self.qa.stream(question, filters=filters)
        except NewsQAError as error:
            yield str(error)
        except Exception:  # the last seam before a person: the page must stay usable
            log.exception("Asking failed")
            yield UNEXPECTED

    def add(self, paths: Sequence[Path]) -> Iterator[Progress | Report | str]:
        """Keep copies of files beside the index and index them; the last item says how it ended."""
        events: SimpleQueue[Progress | None] = SimpleQueue()
        job = _background(lambda: self._index(paths, events.put))
        job.add_done_callback(lambda _: events.put(None))
        while (event := events.get()) is not None:
            if events.empty():  # a slow page skips steps rather than lag behind
                yield event
        try:
            yield job.result()
        except NewsQAError as error:
            yield str(error)
        except Exception:  # as above
            log.exception("Adding files failed")
            yield UNEXPECTED

    def _index(self, paths: Sequence[Path], hook: ProgressHook) -> Report:
        if self._ingest is None:
            raise UsageError("This archive is read-only here; add articles with: newsqa index PATH")
        return self._ingest(hook).index([str(keep(path, self.uploads)) for path in paths])


def filters(outlets: Sequence[str], since: str | None, until: str | None) -> Filters:
    """Read what a person chose; raises UsageError for dates that make no sense."""
    first, last = _day("From", since), _day("To", until)
    if first and last and first > last:
        raise UsageError(f"'From' ({first}) is later than 'To' ({last}).")
    return Filters(first, last, tuple(outlets))


def _day(name: str, value: str | None) -> date | None:
    if not value or not value.strip():
        return None
    try:
        return date.fromisoformat(value.strip())
    except ValueError as error:
        raise UsageError(f"'{name}' should be a date like 2016-12-28, got {value[:40]!r}") from error


def keep(path: Path, folder: Path) -> Path:
    """Copy a file to ``folder/DIGEST/NAME``, so that it's there when the index is refreshed.

    The same bytes always land in the same place; other bytes never replace them.
    """
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    kept = folder / digest[:16] / path.name
    kept.parent.mkdir(parents=True, exist_ok=True)
    partial = kept.with_name(kept.name + ".partial")
    shutil.copyfile(path, partial)
    partial.replace(kept)
    return kept


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
