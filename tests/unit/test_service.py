from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest

from newsqa.errors import IndexMissingError, SourceError, UsageError
from newsqa.ingest import Ingest
from newsqa.qa import MAX_QUESTION, QA
from newsqa.service import MAX_TURNS, UNEXPECTED, Service, Turn, filters, keep
from newsqa.settings import Settings
from newsqa.types import Answer, Filters, Progress, ProgressHook, Report, Stage

STAGE = Stage("search", "Searching…")
ANSWER = Answer("When?", None, (), (), 0.0, "Nothing said so.", 3)


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

    def stream(self, question: str, *, filters: Filters) -> Iterator[Stage | Answer]:
        self.asked.append((question, filters))
        for step in self.steps:
            if isinstance(step, Exception):
                raise step
            yield step


class FakeIngest:
    def __init__(self, hook: ProgressHook, outcome: Report | Exception) -> None:
        self.hook = hook
        self.outcome = outcome

    def index(self, locations: Sequence[str]) -> Report:
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
    return list(Service(Settings(index=folder / "index"), lambda: cast(QA, FakeQA()), ingest).add(files))


def test_asking_yields_the_conversation_with_each_stage_then_the_answer() -> None:
    qa = FakeQA(STAGE, ANSWER)
    before, chosen = Turn("First?", ANSWER), Filters(outlets=("Radio Ilvesk",))
    steps = list(Service(Settings(), lambda: cast(QA, qa), None).ask("When?", [before], chosen))
    assert steps == [[before, Turn("When?", STAGE, chosen)], [before, Turn("When?", ANSWER, chosen)]]
    assert qa.asked == [("When?", chosen)]


@pytest.mark.parametrize(
    ("error", "shown"),
    [(UsageError("The question is empty."), "The question is empty."), (ValueError("x"), UNEXPECTED)],
)
def test_what_goes_wrong_ends_a_turn_in_words(error: Exception, shown: str) -> None:
    assert list(service(STAGE, error).ask("?", [], Filters()))[-1] == [Turn("?", shown)]


def test_an_unexpected_error_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    list(service(ValueError("the cause")).ask("?", [], Filters()))
    assert "ValueError: the cause" in caplog.text


def test_a_missing_index_is_a_message_until_there_is_one() -> None:
    found: list[QA] = []

    def open_qa() -> QA:
        if not found:
            raise IndexMissingError("No index at 'index'.")
        return found[0]

    archive = Service(Settings(), open_qa, None)
    assert list(archive.ask("?", [], Filters())) == [[Turn("?", "No index at 'index'.")]]
    found.append(cast(QA, FakeQA(ANSWER)))
    assert list(archive.ask("?", [], Filters())) == [[Turn("?", ANSWER)]]


def test_long_questions_and_conversations_are_not_kept_whole() -> None:
    turns = [Turn(str(n), ANSWER) for n in range(MAX_TURNS)]
    (kept,) = service(UsageError("Too long.")).ask("x" * 5_000_000, turns, Filters())
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
    assert list(archive.add([tmp_path / "a.txt"])) == [
        "This archive is read-only here; add articles with: newsqa index PATH"
    ]


def test_keep_never_replaces_other_bytes(tmp_path: Path) -> None:
    uploads = tmp_path / "uploads"
    kept = []
    for folder, words in (("1", "old"), ("2", "new"), ("3", "old")):
        file = tmp_path / folder / "page.html"
        file.parent.mkdir()
        file.write_text(words)
        kept.append(keep(file, uploads))
    assert [path.read_text() for path in kept] == ["old", "new", "old"]
    assert kept[0] == kept[2] == uploads / hashlib.sha256(b"old").hexdigest()[:16] / "page.html"
    assert sorted(uploads.rglob("*.html")) == sorted({*kept})
    assert list(uploads.rglob("*.partial")) == []


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
