from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any, cast

import pytest

from newsqa import history
from newsqa.errors import ArticleNotFoundError
from newsqa.index import Index
from newsqa.service import Turn
from newsqa.types import Answer, Article, Filters, Stage
from serving import ANSWER, ARTICLE, NONE, TEXT
from serving import FakeIndex as ServedIndex


class FakeIndex(ServedIndex):
    """One revision of one article."""

    def __init__(self, article: Article = ARTICLE) -> None:
        super().__init__()
        self.stored = article

    def revisions(self, article_id: str) -> list[int]:
        return [self.stored.revision]

    def article(self, article_id: str, revision: int | None = None) -> Article:
        if article_id != self.stored.id or revision not in (None, self.stored.revision):
            raise ArticleNotFoundError("none")
        return self.stored

    def copies(self, article_id: str) -> list[Article]:
        return []


def again(turns: list[Turn], article: Article = ARTICLE) -> list[Turn]:
    return history.restore(cast(Index, FakeIndex(article)), history.keep(turns))


FILTERS = Filters(date(2025, 1, 2), None, ("Courier",), as_of=date(2025, 3, 4), languages=("en",))
TURNS = [
    Turn("When?", replace(ANSWER, question="When did it sink?"), FILTERS, "When did it sink?"),
    Turn("Who?", NONE),
    Turn("What?", "It broke."),
]


def test_a_conversation_is_the_same_again() -> None:
    assert again(TURNS) == TURNS


def test_nothing_of_an_article_is_kept_and_what_goes_on_is_left_out() -> None:
    kept = history.keep([*TURNS, Turn("And?", Stage("search", "Searching…"))])
    assert [turn["question"] for turn in json.loads(kept)] == ["When?", "Who?", "What?"]
    assert "noon" not in kept
    assert "Ferry" not in kept
    assert history.keep([]) == ""


def test_what_left_the_archive_leaves_the_conversation() -> None:
    gone = replace(ARTICLE, id="other")
    changed = replace(ARTICLE, text=TEXT.replace("noon", "dawn"))
    for article in (gone, changed):
        first, second, _ = again(TURNS, article)
        assert first == replace(TURNS[0], outcome=history.GONE)
        assert cast(Answer, second.outcome).near == ()


def test_a_quote_that_moved_is_cited_where_it_stands_now() -> None:
    moved = replace(ARTICLE, revision=1, text=f"Corrected. {TEXT}")
    (first, *_) = again(TURNS, moved)
    (citation,) = cast(Answer, first.outcome).citations
    assert (citation.quote, citation.answer, citation.start) == ("The ferry sank at noon.", "at noon", 14 + 11)
    assert moved.text[citation.start : citation.end] == citation.quote


def forged(**changes: Any) -> str:
    kept = json.loads(history.keep(TURNS[:1]))
    kept[0]["cited"][0] |= changes
    return json.dumps(kept)


@pytest.mark.parametrize(
    "changes",
    [{"start": 0}, {"start": -5}, {"answer_start": 0}, {"answer_end": 900}, {"mark": "x"}, {"article_id": None}],
)
def test_a_forged_place_shows_nothing_that_the_archive_does_not_say(changes: dict[str, Any]) -> None:
    (turn,) = history.restore(cast(Index, FakeIndex()), forged(**changes))
    assert turn.outcome == history.GONE


@pytest.mark.parametrize("kept", ["", "{", "null", "7", "[7]", "[{}]", "[" * 100_000, '"x"', '{"a": 1}', "[[]]"])
def test_what_is_no_conversation_is_none(kept: str) -> None:
    assert history.restore(cast(Index, FakeIndex()), kept) == []


def test_a_record_of_countless_citations_is_read_as_far_as_answers_go() -> None:
    kept = json.loads(history.keep(TURNS[:1]))
    kept[0]["cited"] *= 10 * history.MOST_CITED
    (turn,) = history.restore(cast(Index, FakeIndex()), json.dumps(kept)[: history.LONGEST])
    assert len(cast(Answer, turn.outcome).citations) == history.MOST_CITED


def test_what_is_kept_of_a_turn_is_what_was_typed_places_and_figures() -> None:
    answered, abstained, failed = json.loads(history.keep(TURNS))
    figures = {"confidence", "searched", "reason", "cited", "near"}
    assert set(answered) == {"question", "asked", "outlets", "since", "as_of", "languages", *figures}
    assert set(abstained) == {"question", "asked", "outlets", *figures}
    assert set(failed) == {"question", "asked", "outlets", "problem"}
    assert set(answered["cited"][0]) == {*history.PLACE, "mark"}


@pytest.mark.parametrize("changes", [{"start": "x"}, {"end": None}, {"score": []}, {"start": 1e400}])
def test_figures_that_are_none_are_no_conversation(changes: dict[str, Any]) -> None:
    assert history.restore(cast(Index, FakeIndex()), forged(**changes)) == []
