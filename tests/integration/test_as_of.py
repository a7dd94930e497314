"""The day on which a question is asked: what is preferred, what is not left out, and how it is passed on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from fakes import HashEmbedder
from newsqa import arguments
from newsqa.errors import UsageError
from newsqa.evaluate.outcomes import Way
from newsqa.evaluate.questions import read
from newsqa.evaluate.report import scope
from newsqa.evaluate.run import evaluate
from newsqa.ingest import Ingest
from newsqa.qa import QA
from newsqa.settings import Settings
from newsqa.types import Filters, Passage, Span

QUESTION = "Who won the regatta of Sund?"
SPRING, AUTUMN = "2023-04-20", "2024-10-03"
STORIES = {
    SPRING: "Sela Orme won the regatta of Sund in steady rain, two lengths before the crew of Port Maren. ",
    AUTUMN: "Piet Abel won the regatta of Sund, the first sailor from the hills to do so since the old pier burned. ",
}


class FirstReader:
    """Answers with the first two words of the passage that comes first."""

    def read(self, question: str, passages: Sequence[Passage]) -> list[Span]:
        if not passages:
            return []
        words = " ".join(passages[0].text.split()[:2])
        return [Span(passages[0], passages[0].start, passages[0].start + len(words), 0.9)]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(index=tmp_path / "index", min_confidence=0.5)
    rows = [
        {"title": "The regatta", "text": text * 2, "url": f"https://sund.example/{day}", "published": day}
        for day, text in STORIES.items()
    ]
    (tmp_path / "archive.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert Ingest(settings, embedder=HashEmbedder()).index([str(tmp_path / "archive.jsonl")]).added == 2
    return settings


@pytest.fixture
def qa(settings: Settings) -> QA:
    return QA.open(settings, embedder=HashEmbedder(), reader=FirstReader())


def test_news_of_the_day_come_first_and_none_is_left_out(qa: QA) -> None:
    for day, winner in ((SPRING, "Sela Orme"), (AUTUMN, "Piet Abel")):
        found = qa.ask(QUESTION, as_of=date.fromisoformat(day))
        assert (found.text, found.searched) == (winner, 2)
        nearest = qa.retrieve(QUESTION, k=9, filters=Filters(as_of=date.fromisoformat(day)))
        assert [p.published for p in nearest] == sorted(STORIES, reverse=day == AUTUMN)


def test_the_words_of_a_question_count_without_a_day(qa: QA) -> None:
    assert qa.ask("Who won the regatta of Sund on 20 April 2023?").text == "Sela Orme"
    assert qa.ask("Who won the regatta of Sund on 3 October 2024?").text == "Piet Abel"


def test_relative_words_are_seen_from_the_day(qa: QA) -> None:
    assert qa.ask("Who won the regatta of Sund last October?", as_of=date(2025, 3, 1)).text == "Piet Abel"
    assert qa.ask("Who won the regatta of Sund last April?", as_of=date(2023, 9, 1)).text == "Sela Orme"


def test_filters_still_decide_what_is_searched(qa: QA) -> None:
    found = qa.ask(QUESTION, as_of=date.fromisoformat(SPRING), since=date(2024, 1, 1))
    assert (found.text, found.searched) == ("Piet Abel", 1)


def test_questions_are_evaluated_as_of_a_day_only_when_asked_to(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    records = [
        {"question": QUESTION, "answers": ["Sela Orme"], "date": "2023/04/21"},
        {"question": QUESTION, "answers": ["Piet Abel"], "date": AUTUMN},
        {"question": QUESTION, "answers": ["Piet Abel"]},
    ]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    assert [one.day for one in read(path).asked] == [date(2023, 4, 21), date(2024, 10, 3), None]

    def answers(**way: object) -> list[str | None]:
        found = evaluate(
            settings,
            path,
            Way(**way),  # type: ignore[arg-type]
            embedder=HashEmbedder(),
            reader=FirstReader(),
        )
        assert found.way == Way(**way)  # type: ignore[arg-type]
        return [outcome.answer for outcome in found.outcomes]

    assert len(set(answers())) == 1
    assert answers(dated=True, as_of=AUTUMN) == ["Sela Orme", "Piet Abel", "Piet Abel"]
    assert answers(as_of=SPRING) == ["Sela Orme"] * 3


def test_a_date_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--as-of: '2024-13-01' is not a date\. Example: --as-of 2016-12-28"):
        arguments.day("--as-of", "2024-13-01")
    path = tmp_path / "questions.jsonl"
    path.write_text(json.dumps({"question": QUESTION, "answers": ["Sela Orme"], "date": "in spring"}))
    with pytest.raises(UsageError, match="line 1: Invalid isoformat string"):
        read(path)


def test_a_report_says_as_of_when() -> None:
    plain = scope(Way())
    assert scope(Way(as_of=SPRING)) == f"{plain}, as of {SPRING}"
    assert scope(Way(dated=True)) == f"{plain}, as of its own date where it has one"


def test_a_day_leaves_nothing_out(settings: Settings, qa: QA) -> None:
    articles = list(qa.index.articles())
    dated = Filters(as_of=date(1999, 1, 1))
    assert all(dated.keep(article) for article in articles)
    assert qa.index.count(dated) == len(articles) == 2
    assert replace(dated, as_of=None) == Filters()
