"""Follow-ups become standalone questions, in the conversation's own words."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsqa.followup import GLUE, LIMIT, Borrowed, Past, standalone

CONVERSATIONS = Path(__file__).parents[2] / "examples" / "conversations.jsonl"
TURNS = [turn for line in CONVERSATIONS.read_text(encoding="utf-8").splitlines() for turn in json.loads(line)["turns"]]
PASTS = [Past(turn["standalone"][0], next(iter(turn["answers"]), None), turn.get("quote", "")) for turn in TURNS]
ASKED = [turn["question"] for turn in TURNS]

FIRE = Past("How many people were hurt in the fire in Dunbar?", "nine", "Nine people were hurt, said Ada Brandt.")
BRANDT = Past("Who runs the harbour in Dunbar?", "Ada Brandt", "Ada Brandt runs the harbour.")
SAID = Past("What did Ada Brandt say about the harbour?", "nobody swims there")
DEAL = Past("Which company bought the harbour in Dunbar?", "Lund Holding")
LUND = Past("Who is Jon Lund?", "a diver")


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


@pytest.mark.parametrize(
    ("typed", "turn", "question"),
    [
        ("When did she say that?", SAID, "When did Ada Brandt say “nobody swims there”?"),
        ("Where was she born?", BRANDT, "Where was Ada Brandt born?"),
        ("Who advised her?", BRANDT, "Who advised Ada Brandt?"),
        ("Who is her deputy?", BRANDT, "Who is Ada Brandt's deputy?"),
        ("What happened to her boat?", BRANDT, "What happened to Ada Brandt's boat?"),
        ("How deep is it?", BRANDT, "How deep is the harbour in Dunbar?"),
        ("Who lives there?", FIRE, "Who lives in Dunbar?"),
        ("What does he dive for?", LUND, "What does Jon Lund dive for?"),
        ("When was it founded?", DEAL, "When was Lund Holding founded?"),
        ("Who founded the company?", DEAL, "Who founded Lund Holding?"),
        ("Who put out the fire?", FIRE, "Who put out the fire in Dunbar?"),
        ("Was anyone arrested?", FIRE, "Was anyone arrested in the fire in Dunbar?"),
        ("And in Leith?", FIRE, "How many people were hurt in the fire in Leith?"),
        ("and in May 2020", FIRE, "How many people were hurt in the fire in Dunbar in May 2020?"),
        ("What about Jon Lund?", SAID, "What did Jon Lund say about the harbour?"),
        ("I mean Leith", BRANDT, "Who runs the harbour in Leith?"),
        ("No, Jon Lund.", SAID, "What did Jon Lund say about the harbour?"),
        ("Why?", Past("Did Ada Brandt resign?"), "Why did Ada Brandt resign?"),
        ("Since when?", BRANDT, "Since when was it that Ada Brandt runs the harbour in Dunbar?"),
        ("How many horses?", FIRE, "How many horses were hurt in the fire in Dunbar?"),
        ("When was that?", FIRE, "When was it that people were hurt in the fire in Dunbar?"),
        ("Thanks! And who advised her?", BRANDT, "Who advised Ada Brandt?"),
        ("who advised her", BRANDT, "who advised Ada Brandt"),
    ],
)
def test_a_follow_up_gets_what_it_lacks(typed: str, turn: Past, question: str) -> None:
    assert standalone(typed, [turn]).question == question


@pytest.mark.parametrize("turn", [FIRE, BRANDT, SAID, DEAL, LUND])
@pytest.mark.parametrize(
    "typed",
    [
        "Who won the election in Leith?",
        "Why did Jon Lund say that he would resign?",
        "What did Meridel tell its customers?",
        "Which diver lost his boat?",
        "Is it true that wolves are back in Scotland?",
        "How hot was it in Leith yesterday?",
        "And who won the national chess championship?",
        "Something else: who won the election in Leith?",
        "who is the mayor of leith",
        "What do you know?",
        "Thanks",
        "?",
        "",
    ],
)
def test_what_stands_by_itself_stays_as_typed(typed: str, turn: Past) -> None:
    found = standalone(typed, [turn])
    assert (found.question, found.rewritten, found.borrowed, found.exclude) == (typed, False, (), ())


def test_a_pronoun_that_nobody_fits_stays_as_typed() -> None:
    assert standalone("When did she resign?", [Past("How many horses were there?", "nine")]).rewritten is False


@pytest.mark.parametrize(
    "turn",
    [
        Past("And who chairs the union of the water engineers?"),
        Past("Who skippers the boat?"),
        Past("What was decided?", "a strike", "Ada Brandt chairs the union."),
    ],
)
def test_a_verb_that_looks_like_a_noun_is_nobodys_name(turn: Past) -> None:
    assert standalone("What did he say?", [turn]).rewritten is False


def test_a_question_goes_on_from_a_verb_that_looks_like_a_noun() -> None:
    chairs = Past("Who chairs the harbour board?", "Ada Brandt")
    assert standalone("When?", [chairs]).question == "When was it that Ada Brandt chairs the harbour board?"


def test_without_a_conversation_nothing_is_rewritten() -> None:
    assert standalone("When did he say that?", []).rewritten is False


def test_who_else_asks_again_without_the_answers_given() -> None:
    again = Past(DEAL.question, "Brandt & Daughters")
    found = standalone("Who else?", [LUND, DEAL, again])
    assert (found.question, found.exclude) == (DEAL.question, ("Lund Holding", "Brandt & Daughters"))


def test_who_else_makes_no_sense_of_a_number() -> None:
    assert standalone("Who else?", [FIRE]).exclude == ()


def test_what_else_leaves_out_the_last_answer() -> None:
    found = standalone("What else did she say?", [SAID])
    assert (found.question, found.exclude) == ("What did Ada Brandt say?", ("nobody swims there",))


def test_the_last_turn_but_one_is_remembered() -> None:
    found = standalone("Where was she born?", [BRANDT, Past("How deep is the lake?", "9 metres")])
    assert found.borrowed == (Borrowed("Ada Brandt", 0, "answer", "she"),)


def test_what_was_borrowed_says_from_where() -> None:
    assert standalone("How deep is it?", [BRANDT]).borrowed == (Borrowed("the harbour in Dunbar", 0, "question", "it"),)
    assert standalone("And in Leith?", [FIRE]).borrowed == (Borrowed(FIRE.question, 0, "question", "And in Leith?"),)


def test_a_title_tells_he_from_she() -> None:
    turn = Past("Who accused Mr Lund?", "Ms Brandt", "Ms Brandt accused Mr Lund.")
    assert [standalone(f"Where was {who} born?", [turn]).question for who in ("he", "she")] == [
        "Where was Mr Lund born?",
        "Where was Ms Brandt born?",
    ]


def test_nothing_longer_than_the_limit_is_made() -> None:
    long = Past("Did " + "the very old harbour of Dunbar and " * 20 + "Leith close?")
    assert len(long.question) > LIMIT
    assert standalone("Why?", [long]).rewritten is False


@pytest.mark.parametrize("place", range(1, len(TURNS)))
def test_a_standalone_question_of_the_examples_stays_as_it_is(place: int) -> None:
    question = PASTS[place].question
    assert standalone(question, [PASTS[place - 1]]).question == question


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(ASKED) | st.text(max_size=60), st.lists(st.sampled_from(PASTS), max_size=3))
def test_every_added_word_comes_from_the_conversation(typed: str, turns: list[Past]) -> None:
    found = standalone(typed, turns)
    told = [text for turn in turns for text in (turn.question, turn.answer or "", turn.quote)]
    assert words(found.question) <= words(" ".join([typed, *told])) | GLUE
    assert len(found.question) <= max(LIMIT, len(typed))
    assert found.rewritten or found.question == typed
    assert bool(found.borrowed) == found.rewritten
    assert all(0 <= one.turn < len(turns) for one in found.borrowed)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_any_text_will_do(typed: str, question: str, answer: str, quote: str) -> None:
    assert len(standalone(typed, [Past(question, answer, quote)]).question) <= max(LIMIT, len(typed))
