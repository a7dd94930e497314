"""The reader, over token scores that the tests make up: one token a word."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from newsqa.chunk import sentences
from newsqa.read import (
    EVIDENCE,
    FEATURES,
    RANK,
    SETTLING,
    SPAN_TOKENS,
    UNDATED,
    SpanReader,
    Weights,
    candidates,
    describe,
    gather,
)
from newsqa.spans import TokenScores
from newsqa.types import Passage

RANKING = [float(name == "mass") for name in FEATURES]
SETTLED = [float(name == "logit") for name in SETTLING]
CONFIDENCE = [{"margin": 1.0, "bias": -0.5}.get(name, 0.0) for name in EVIDENCE]


def passage(text: str, article: str = "a", start: int = 0, number: int = 1) -> Passage:
    return Passage(number, article, 1, start, start + len(text), text, "A title", None, None)


class Likes:
    """Gives each phrase its logit, all else -4."""

    def __init__(self, phrases: Mapping[str, float]) -> None:
        self._phrases = phrases

    def score(self, question: str, passages: Sequence[Passage]) -> list[TokenScores]:
        return [self._one(one.text) for one in passages]

    def _one(self, text: str) -> TokenScores:
        offsets = np.array([match.span() for match in re.finditer(r"\w+", text)], np.int64).reshape(-1, 2)
        starts, ends = (np.full(len(offsets), -4, np.float32) for _ in range(2))
        for phrase, logit in self._phrases.items():
            for match in re.finditer(re.escape(phrase), text):
                starts[offsets[:, 0] == match.start()] = logit
                ends[offsets[:, 1] == match.end()] = logit
        every = np.ones(len(offsets), bool)
        return TokenScores(offsets, starts, ends, every, every, float(starts.max(initial=-4)))


def reader(phrases: Mapping[str, float]) -> SpanReader:
    return SpanReader(Likes(phrases), Weights(RANKING, CONFIDENCE, SETTLED), sentences)


def test_spans_are_offsets_into_the_article() -> None:
    first, *_ = reader({"Ada Brandt": 5}).read("Who won?", [passage("On Monday Ada Brandt won.", start=100)])
    assert (first.text, first.start, first.end) == ("Ada Brandt", 110, 120)


def test_the_same_answer_in_several_articles_outranks_a_better_single_one() -> None:
    passages = [passage("Lund won.", "a"), passage("Then Brandt won.", "b"), passage("So Brandt, too.", "c")]
    first, second, *_ = reader({"Lund": 4.2, "Brandt": 4}).read("Who won?", passages)
    assert (first.text, first.support, second.text, second.support) == ("Brandt", 2, "Lund", 1)
    assert [span.passage.article_id for span in (first, *first.also)] == ["b", "c"]


def test_answers_that_differ_come_out_as_several() -> None:
    passages = [passage("Police counted 40 people.", "a"), passage("Organisers counted 90 people.", "b")]
    found = reader({"40": 4, "90": 3.9}).read("How many came?", passages)
    assert [span.text for span in found[:2]] == ["40", "90"]


@pytest.mark.parametrize(("between", "reached"), [(" ", True), ("\n", True), ("\n\n", False), ("\n \n", False)])
def test_no_answer_reaches_across_paragraphs(between: str, reached: bool) -> None:
    phrase = f"Brandt{between}Lund"
    found = reader({phrase: 5}).read("Who won?", [passage(f"It was Ada {phrase} that won.")])
    assert found
    assert (phrase in [span.text for span in found]) is reached


def test_what_was_only_skimmed_answers_nothing() -> None:
    read, skimmed = passage("Ada Brandt won.", "a"), passage("Nora Lund won.", "b")

    class Skims(Likes):
        def score(self, question: str, passages: Sequence[Passage]) -> list[TokenScores]:
            none = np.empty(0, np.float32)
            unread = TokenScores(np.empty((0, 2), np.int64), none, none, none > 0, none > 0, 9.0)
            return [unread if one is skimmed else self._one(one.text) for one in passages]

    found = SpanReader(Skims({"Ada Brandt": 3, "Nora Lund": 5}), Weights(RANKING, CONFIDENCE, SETTLED), sentences).read(
        "Who won?", [skimmed, read]
    )
    assert found[0].text == "Ada Brandt"
    assert {span.passage.article_id for span in found} == {"a"}


def test_a_place_that_two_passages_share_counts_once() -> None:
    text = "Ada Brandt won. She was glad."
    twice = [passage(text, number=1), passage(text, number=2)]
    assert reader({"Ada Brandt": 5}).read("Who won?", twice)[0].also == ()


def test_equal_answers_are_told_by_their_words_and_each_place_counts_once() -> None:
    passages = [passage("the Dock Strike ended", "a"), passage("a dock strike began", "b")]
    first, *_ = reader({"Dock Strike": 5, "dock strike": 4}).read("What ended?", passages)
    assert [(span.passage.article_id, span.text) for span in (first, *first.also)] == [
        ("a", "Dock Strike"),
        ("b", "dock strike"),
    ]


def test_probabilities_fall_and_lie_between_0_and_1() -> None:
    found = reader({"one": 3, "two": 3, "three": 1}).read("Which?", [passage("one two three four five")])
    scores = [span.score for span in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


def test_a_clear_answer_is_surer_than_one_of_two() -> None:
    passages = [passage("Ada Brandt won, not Nora Lund.")]
    clear = reader({"Ada Brandt": 6}).read("Who won?", passages)[0].score
    assert clear > reader({"Ada Brandt": 6, "Nora Lund": 5.9}).read("Who won?", passages)[0].score


def test_an_answer_that_cannot_be_of_the_kind_asked_for_is_described_so() -> None:
    passages = [passage("Ada Brandt counted 40 boats.")]
    groups = gather(candidates(passages, Likes({"Ada Brandt": 5, "40": 4}).score("", passages)))
    column = FEATURES.index("misfits")
    misfits = {g[0].text: row[column] for g, row in zip(groups, describe("How many boats?", groups), strict=True)}
    assert (misfits["Ada Brandt"], misfits["40"]) == (1.0, 0.0)
    assert not describe("Why?", groups)[:, column].any()


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("Who was hurt when the dock fell?", "Ada Brandt", (1.0, 0.0)),
        ("What did she see when the dock fell?", "smoke", (0.0, 0.0)),
        ("In which year did those who won leave?", "2025", (1.0, 0.0)),
        ("How many boats sank?", "Three", (1.0, 0.0)),
        ("When did the dock fall?", "Yesterday", (1.0, 0.0)),
        ("When did the dock fall?", "It may", (0.0, 1.0)),
    ],
)
def test_the_first_question_word_tells_the_kind(question: str, answer: str, expected: tuple[float, float]) -> None:
    passages = [passage(f"{answer}.")]
    groups = gather(candidates(passages, Likes({answer: 5}).score("", passages)))
    (row,) = (row for g, row in zip(groups, describe(question, groups), strict=True) if g[0].text == answer)
    assert tuple(row[[FEATURES.index("fits"), FEATURES.index("misfits")]]) == expected


@pytest.mark.parametrize("passages", [[], [passage("")], [passage("!? …")]])
def test_without_words_there_is_no_answer(passages: list[Passage]) -> None:
    assert reader({"x": 5}).read("Who?", passages) == []


def test_answers_are_never_longer_than_the_longest() -> None:
    words = " ".join(f"w{i}" for i in range(80))
    found = candidates([passage(words)], Likes({words: 9}).score("", [passage(words)]))
    assert found
    assert max(len(c.text.split()) for c in found) <= SPAN_TOKENS


def described(
    passages: Sequence[Passage], phrases: Mapping[str, float], question: str = "Which?"
) -> dict[str, dict[str, float]]:
    groups = gather(candidates(passages, Likes(phrases).score("", passages)))
    rows = describe(question, groups)
    return {g[0].text: dict(zip(FEATURES, row, strict=True)) for g, row in zip(groups, rows, strict=True)}


def dated(text: str, article: str, published: str | None, number: int) -> Passage:
    return replace(passage(text, article, number=number), published=published)


def test_an_answer_is_as_old_as_its_newest_article() -> None:
    passages = [
        dated("Brandt", "a", "2024-03-11", 1),
        dated("Lund", "b", "2024-03-01T23:30:00+02:00", 2),
        dated("Brandt", "c", "2019-01-01", 3),
        dated("Falk", "d", None, 4),
    ]
    ages = {text: row["age"] for text, row in described(passages, {"Brandt": 3, "Lund": 3, "Falk": 3}).items()}
    assert ages == pytest.approx({"Brandt": 0.0, "Lund": np.log1p(10), "Falk": np.log1p(UNDATED)})


def test_without_dates_no_answer_is_older() -> None:
    passages = [passage("Brandt", "a", number=1), passage("Lund", "b", number=2)]
    assert {row["age"] for row in described(passages, {"Brandt": 3, "Lund": 2}).values()} == {0.0}


def test_answers_are_counted_by_passage_by_article_and_where_they_are_best() -> None:
    passages = [
        passage("Brandt, Lund", "a", number=1),
        passage("Brandt", "a", start=50, number=2),
        passage("Lund", "b", number=3),
    ]
    found = described(passages, {"Brandt": 4, "Lund": 3})
    assert (found["Brandt"]["passages"], found["Lund"]["passages"]) == pytest.approx((np.log(2), np.log(2)))
    assert (found["Brandt"]["articles"], found["Lund"]["articles"]) == pytest.approx((0.0, np.log(2)))
    assert (found["Brandt"]["tops"], found["Lund"]["tops"]) == (2, 1)


def test_a_nearer_passage_counts_for_more() -> None:
    found = described([passage("Brandt", "a"), passage("Lund", "b", number=2)], {"Brandt": 3, "Lund": 3})
    assert found["Brandt"]["near"] - found["Lund"]["near"] == pytest.approx(RANK)


@pytest.mark.parametrize("short", ["ranking", "confidence", "settling"])
def test_weights_of_another_version_are_refused(short: str) -> None:
    weights = {"ranking": RANKING, "confidence": CONFIDENCE, "settling": SETTLED}
    with pytest.raises(ValueError, match="weights for"):
        Weights(**weights | {short: weights[short][1:]})


def test_an_answer_is_quoted_where_the_sentence_speaks_of_the_question() -> None:
    asked_for = passage("The prosecutor wants more for Brandt.", "a")
    sentenced = passage("Brandt was sentenced to three years. He had denied it.", "b")
    first, *_ = reader({"Brandt": 4}).read("Who was sentenced to three years?", [asked_for, sentenced])
    assert [span.passage.article_id for span in (first, *first.also)] == ["b", "a"]


@pytest.mark.parametrize("question", ["Did Hamas change course?", "hasn't hamas changed its course"])
def test_a_question_of_yes_or_no_is_answered_by_the_sentence_that_settles_it(question: str) -> None:
    text = "Talks went on. Hamas will not change its course. Israel had asked for it."
    first, *others = reader({"not": 2, "asked": 3}).read(question, [passage(text, start=50)])
    assert (first.text, first.start) == ("Hamas will not change its course.", 65)
    assert "Israel had asked for it." in [span.text for span in others]


@pytest.mark.parametrize("question", ["Was it Ada or Lund?", "Do you know who won?", "Who did?"])
def test_a_question_that_asks_for_more_than_yes_or_no_is_answered_by_a_span(question: str) -> None:
    assert reader({"Lund": 4}).read(question, [passage("It was Lund who won.")])[0].text == "Lund"
