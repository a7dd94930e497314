from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest

from newsqa.errors import BusyError, IndexMissingError, SourceError, UsageError
from newsqa.ingest import Ingest
from newsqa.line import Line
from newsqa.qa import MAX_QUESTION, QA
from newsqa.service import (
    MAX_TURNS,
    NOTHING_ELSE,
    READ_ONLY,
    UNEXPECTED,
    Service,
    Turn,
    filters,
)
from newsqa.settings import Settings
from newsqa.types import Answer, Citation, Filters, Progress, ProgressHook, Report, Stage
from newsqa.uploads import LONGEST_NAME, keep, safe_name

STAGE = Stage("search", "Searching…")
ANSWER = Answer("When?", None, (), (), 0.0, "Nothing said so.", 3)
T = TypeVar("T")


def _named(number: int, name: str) -> Citation:
    return Citation(
        number, "a", 1, f"{name} retired.", 0, 9, name, 0, len(name), *("t", None, None, None), "", 0, 0, 0.9
    )


def told(events: AsyncIterator[T]) -> list[T]:
    """All that an asynchronous iterator yields."""

    async def collect() -> list[T]:
        return [event async for event in events]

    return asyncio.run(collect())


class FakeIndex:
    def status(self) -> dict[str, Any]:
        return {"articles": 14822, "first_published": "2015-02-03", "last_published": "2017-01-01T08:00:00+00:00"}

    def outlets(self) -> list[tuple[str, int]]:
        return [("Harbour Courier", 14821), ("Radio Ilvesk", 1)]


class FakeQA:
    index = FakeIndex()

    def __init__(self, *steps: Stage | Answer | Exception) -> None:
        self.steps = steps
        self.asked: list[tuple[str, Filters]] = []

    def stream(self, question: str, *, k: int | None, filters: Filters, **_: Any) -> Iterator[Stage | Answer]:
        self.asked.append((question, filters))
        for step in self.steps:
            if isinstance(step, Exception):
                raise step
            yield step


class FakeIngest:
    def __init__(self, hook: ProgressHook, outcome: Report | Exception) -> None:
        self.hook = hook
        self.outcome = outcome

    def index(self, locations: Sequence[str], *, follow: bool) -> Report:
        assert [Path(location).read_text() for location in locations] == ["one", "two"]
        self.hook(Progress("read", 1, 2, "articles"))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def service(*steps: Stage | Answer | Exception) -> Service:
    return Service(Settings(), lambda: cast(QA, FakeQA(*steps)), None)


def adding(folder: Path, outcome: Report | Exception) -> list[Progress | Report | str]:
    def ingest(hook: ProgressHook) -> Ingest:
        return cast(Ingest, FakeIngest(hook, outcome))

    files = [folder / "a.txt", folder / "b.txt"]
    for file, words in zip(files, ("one", "two"), strict=True):
        file.write_text(words)
    return told(Service(Settings(index=folder / "index"), lambda: cast(QA, FakeQA()), ingest).add(files))


def test_asking_yields_the_conversation_with_each_stage_then_the_answer() -> None:
    qa, question = FakeQA(STAGE, ANSWER), "When did the ferry sink?"
    before, chosen = Turn("First?", ANSWER), Filters(outlets=("Radio Ilvesk",))
    steps = told(Service(Settings(), lambda: cast(QA, qa), None).converse(question, [before], chosen))
    assert steps == [[before, Turn(question, STAGE, chosen)], [before, Turn(question, ANSWER, chosen)]]
    assert qa.asked == [(question, chosen)]


@pytest.mark.parametrize(
    ("error", "shown"),
    [(UsageError("The question is empty."), "The question is empty."), (ValueError("x"), UNEXPECTED)],
)
def test_what_goes_wrong_ends_a_turn_in_words(error: Exception, shown: str) -> None:
    assert told(service(STAGE, error).converse("?", [], Filters()))[-1] == [Turn("?", shown)]


def test_an_unexpected_error_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    told(service(ValueError("the cause")).converse("?", [], Filters()))
    assert "ValueError: the cause" in caplog.text


def test_a_missing_index_is_a_message_until_there_is_one() -> None:
    found: list[QA] = []

    def open_qa() -> QA:
        if not found:
            raise IndexMissingError("No index at 'index'.")
        return found[0]

    archive = Service(Settings(), open_qa, None)
    assert told(archive.converse("?", [], Filters())) == [[Turn("?", "No index at 'index'.")]]
    found.append(cast(QA, FakeQA(ANSWER)))
    assert told(archive.converse("?", [], Filters())) == [[Turn("?", ANSWER)]]


def test_long_questions_and_conversations_are_not_kept_whole() -> None:
    turns = [Turn(str(n), ANSWER) for n in range(MAX_TURNS)]
    (kept,) = told(service(UsageError("Too long.")).converse("x" * 5_000_000, turns, Filters()))
    assert kept == [*turns[1:], Turn("x" * MAX_QUESTION, "Too long.")]


def test_describe_counts_articles_outlets_and_years() -> None:
    assert service().describe() == "14,822 articles · 2 outlets · 2015–2017"


def test_adding_reports_progress_and_then_what_was_done(tmp_path: Path) -> None:
    assert adding(tmp_path, Report(added=2))[-1] == Report(added=2)


@pytest.mark.parametrize(
    ("error", "shown"), [(SourceError("No such file."), "No such file."), (ValueError("x"), UNEXPECTED)]
)
def test_adding_ends_in_words_when_it_fails(tmp_path: Path, error: Exception, shown: str) -> None:
    assert adding(tmp_path, error)[-1] == shown


def test_a_read_only_service_adds_nothing(tmp_path: Path) -> None:
    archive = service()
    assert archive.read_only
    (tmp_path / "a.txt").write_text("one")
    assert told(archive.add([tmp_path / "a.txt"])) == [READ_ONLY]
    with pytest.raises(UsageError, match="read-only"):
        asyncio.run(archive.remove("a1"))
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_keep_never_replaces_other_bytes(tmp_path: Path) -> None:
    uploads = tmp_path / "uploads"
    kept = []
    for folder, words in (("1", "old"), ("2", "new"), ("3", "old")):
        file = tmp_path / folder / "page.html"
        file.parent.mkdir()
        file.write_text(words)
        with file.open("rb") as stream:
            kept.append(keep(stream, file.name, uploads))
    assert [path.read_text() for path in kept] == ["old", "new", "old"]
    assert kept[0] == kept[2] == uploads / hashlib.sha256(b"old").hexdigest()[:16] / "page.html"
    assert sorted(uploads.rglob("*.html")) == sorted({*kept})
    assert list(uploads.rglob("*.partial")) == []


def test_the_same_file_may_be_sent_by_several_at_once(tmp_path: Path) -> None:
    ready = threading.Barrier(2)

    class Sent(BytesIO):
        def seek(self, offset: int, whence: int = 0) -> int:
            ready.wait(10)  # both are about to write
            return super().seek(offset, whence)

    with ThreadPoolExecutor(2) as pool:
        kept = list(pool.map(lambda words: keep(Sent(words), "a.txt", tmp_path), [b"x" * 10_000_000] * 2))
    assert kept[0] == kept[1]
    assert [path.stat().st_size for path in tmp_path.rglob("*.*")] == [10_000_000]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("report.html", "report.html"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\evil.txt", "evil.txt"),
        ("/etc/cron.d/x", "x"),
        ("C:\\boot.ini", "boot.ini"),
        ("a\x00b\n.txt", "ab.txt"),
        (".bashrc", "bashrc"),
        ("..", "upload"),
        ("", "upload"),
        ("é" * 300 + ".jsonl.gz", "é" * ((LONGEST_NAME - 9) // 2) + ".jsonl.gz"),
        ("\ud800.txt", "txt"),
    ],
)
def test_a_strangers_name_stays_within_one_folder(name: str, kept: str) -> None:
    assert safe_name(name) == kept


class Held:
    """Answers questions once it is let go."""

    index = FakeIndex()

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.asked: list[str] = []

    def stream(self, question: str, *, k: int | None, filters: Filters, **_: Any) -> Iterator[Stage | Answer]:
        self.asked.append(question)
        self.let_go.wait(60)
        yield ANSWER


def crowded(qa: Held) -> Service:
    archive = Service(Settings(), lambda: cast(QA, qa), None)
    archive.line = Line(places=1, longest=2)
    return archive


async def until(condition: Any) -> None:
    while not condition():
        await asyncio.sleep(0.001)


def test_who_comes_while_it_is_busy_waits_in_line_and_too_many_are_refused() -> None:
    async def scenario() -> list[list[Any]]:
        archive = crowded(qa := Held())
        seen: list[list[Any]] = [[], [], []]

        async def ask(number: int) -> None:
            async for step in archive.ask(str(number)):
                seen[number].append(step)

        asking = [asyncio.create_task(ask(number)) for number in range(3)]
        await until(lambda: qa.asked and seen[2])
        with pytest.raises(BusyError):
            await anext(archive.ask("one more"))
        qa.let_go.set()
        await asyncio.gather(*asking)
        await until(lambda: archive.line.served == 0)
        assert qa.asked == ["0", "1", "2"]
        return seen

    first, second, third = asyncio.run(scenario())
    in_line = [Stage("wait", f"Busy: you are {place} in line…") for place in ("1st", "2nd")]
    assert first == [ANSWER]
    assert second == [in_line[0], ANSWER]
    assert third == [in_line[1], in_line[0], ANSWER]


def test_who_stops_waiting_leaves_the_line_and_who_stops_an_answer_keeps_the_place_until_its_thread_is_done() -> None:
    async def scenario() -> None:
        archive = crowded(qa := Held())
        ended: list[str] = []
        archive.observe = lambda outcome, seconds: ended.append(outcome)

        async def ask() -> None:
            async for _ in archive.ask("?"):
                pass

        working, waiting = asyncio.create_task(ask()), asyncio.create_task(ask())
        await until(lambda: qa.asked and archive.line.waiting == 1)
        for task in (waiting, working):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0)
        assert (archive.line.served, archive.line.waiting) == (1, 0)
        qa.let_go.set()
        await until(lambda: archive.line.served == 0)
        assert ended == ["stopped", "stopped"]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("steps", "outcome"),
    [
        ([STAGE, ANSWER], "abstained"),
        ([STAGE, UsageError("Too long.")], "refused"),
        ([ValueError("a defect")], "failed"),
    ],
)
def test_how_asking_ended_is_counted(steps: list[Any], outcome: str) -> None:
    ended: list[str] = []
    archive = service(*steps)
    archive.observe = lambda how, seconds: ended.append(how)
    told(archive.converse("?", [], Filters()))
    assert ended == [outcome]


def test_filters_are_read_from_what_a_person_typed() -> None:
    assert filters(["A"], " 2016-12-01 ", "2016-12-31") == Filters(date(2016, 12, 1), date(2016, 12, 31), ("A",))
    assert filters([], None, " ") == Filters()


@pytest.mark.parametrize(
    ("since", "until", "message"),
    [
        ("28/12/2016", None, "'From' should be a date like 2016-12-28, got '28/12/2016'"),
        (None, "2016-02-30", "'To' should be a date like 2016-12-28, got '2016-02-30'"),
        ("2017-01-01", "2016-12-31", "'From' (2017-01-01) is later than 'To' (2016-12-31)."),
    ],
)
def test_dates_that_make_no_sense_are_refused(since: str | None, until: str | None, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        filters([], since, until)
    assert str(refused.value) == message


NAMED = replace(ANSWER, text="Oddny Falk", reason=None, citations=(_named(1, "Oddny Falk"), _named(2, "Tove Lind")))


def talk(answer: Answer, *typed: str) -> tuple[list[Turn], list[str]]:
    """Ask one question after the other, each answered alike."""
    qa, turns = FakeQA(STAGE, answer), list[Turn]()
    archive = Service(Settings(), lambda: cast(QA, qa), None)
    for question in typed:
        turns = told(archive.converse(question, turns, Filters()))[-1]
    return turns, [question for question, _ in qa.asked]


def test_a_follow_up_is_asked_as_what_it_means() -> None:
    turns, asked = talk(NAMED, "Who retired after forty years?", "When did she retire?")
    assert asked == ["Who retired after forty years?", "When did Oddny Falk retire?"]
    assert [turn.asked for turn in turns] == [None, "When did Oddny Falk retire?"]
    assert [turn.standalone for turn in turns] == asked


def test_who_else_leaves_out_what_was_answered() -> None:
    turns, asked = talk(NAMED, "Who retired?", "Who else?", "Who else?")
    assert asked == ["Who retired?"] * 3
    more, none = (cast(Answer, turn.outcome) for turn in turns[1:])
    assert [(one.number, one.answer) for one in more.citations] == [(1, "Tove Lind")]
    assert more.text == "Tove Lind"
    assert (none.text, none.citations, none.reason) == (None, (), NOTHING_ELSE)


def test_a_remark_is_kept_in_the_index_folder_and_refused_where_nothing_may_be_written(tmp_path: Path) -> None:
    turn = Turn("Who?", NAMED)
    archive = Service(Settings(index=tmp_path), lambda: cast(QA, FakeQA()), lambda hook: cast(Ingest, None))
    asyncio.run(archive.remark(turn, right=True, note="Good."))
    assert '"note": "Good."' in (tmp_path / "feedback" / "right.jsonl").read_text()
    with pytest.raises(UsageError, match="read-only"):
        asyncio.run(service().remark(turn, right=True, note=""))


@pytest.mark.parametrize("url", ["/etc/passwd", "file:///etc/passwd", "ftp://a.example/b", "feed.xml"])
def test_only_addresses_of_the_internet_are_added_as_such(tmp_path: Path, url: str) -> None:
    archive = Service(Settings(index=tmp_path), lambda: cast(QA, FakeQA()), lambda hook: cast(Ingest, None))
    (said,) = told(archive.add([], [url]))
    assert "http" in cast(str, said)
