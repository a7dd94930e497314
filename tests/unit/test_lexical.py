from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsqa import lexical
from newsqa.database import SCHEMA

TEXTS = {
    1: ("Bridge vote", "The council voted for the Lantern Bridge."),
    2: ("Strike ends", "Dock workers ended their strike after talks with the council."),
    3: ("Nachtfähre", "Die Fähre fährt wieder. Überraschung in São Orvel."),
}


@pytest.fixture(scope="module")
def connection() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.executescript(SCHEMA)
    for identity, (title, text) in TEXTS.items():
        lexical.add(connection, identity, title, text)
    return connection


def found(connection: sqlite3.Connection, question: str, k: int = 9, allowed: list[int] | None = None) -> list[int]:
    return [identity for identity, _ in lexical.search(connection, question, k, allowed)]


def test_frequent_words_are_dropped_unless_there_are_no_others() -> None:
    assert lexical.terms("Who did the council say won the vote?") == ["council", "won", "vote"]
    assert lexical.terms("Who is he?") == ["who", "is", "he"]


def test_better_matches_come_first(connection: sqlite3.Connection) -> None:
    assert found(connection, "What did the council decide about the bridge?") == [1, 2]


def test_words_match_in_other_forms_and_without_accents(connection: sqlite3.Connection) -> None:
    assert found(connection, "striking worker") == [2]
    assert found(connection, "sao orvel uberraschung") == [3]


def test_scores_are_higher_for_better_and_k_is_kept(connection: sqlite3.Connection) -> None:
    ranked = lexical.search(connection, "council bridge", 9)
    assert [s for _, s in ranked] == sorted((s for _, s in ranked), reverse=True)
    assert found(connection, "council bridge", 1) == [1]
    assert found(connection, "council bridge", 0) == []


def test_only_allowed_passages_are_found(connection: sqlite3.Connection) -> None:
    assert found(connection, "council bridge", allowed=[2, 3]) == [2]
    assert found(connection, "council bridge", allowed=[]) == []


@pytest.mark.parametrize(
    "question",
    [
        '"bridge',
        "bridge OR",
        "NEAR(bridge",
        "bridge*",
        "title:bridge",
        "NOT bridge",
        "bridge AND (",
        "^bridge",
        "{bridge}",
    ],
)
def test_operators_are_only_words(connection: sqlite3.Connection, question: str) -> None:
    assert 1 in found(connection, question)


@given(question=st.text())
def test_no_question_breaks_the_search(connection: sqlite3.Connection, question: str) -> None:
    assert set(found(connection, question)) <= set(TEXTS)


def test_removed_passages_are_not_found() -> None:
    connection = sqlite3.connect(":memory:")
    connection.executescript(SCHEMA)
    lexical.add(connection, 1, *TEXTS[1])
    lexical.add(connection, 2, *TEXTS[2])
    lexical.remove(connection, 1, *TEXTS[1])
    assert found(connection, "council bridge lantern vote") == [2]
    connection.execute("INSERT INTO lexicon (lexicon) VALUES ('integrity-check')")
