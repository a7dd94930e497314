from __future__ import annotations

import random
import sqlite3
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsqa import lexical
from newsqa.database import POSTINGS

TEXTS = {
    1: ("Bridge vote", "The council voted for the Lantern Bridge."),
    2: ("Strike ends", "Dock workers ended their strike after talks with the council."),
    3: ("Nachtfähre", "Die Fähre fährt wieder. Überraschung in São Orvel."),
}


PASSAGES = 100
"""As if there were many more, so that no term stands in most of them."""


def filled(texts: Mapping[int, tuple[str, str]]) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.executescript(POSTINGS)
    lexical.add(connection, [(identity, *text) for identity, text in texts.items()])
    return connection


@pytest.fixture(scope="module")
def connection() -> sqlite3.Connection:
    return filled(TEXTS)


def found(connection: sqlite3.Connection, question: str, k: int = 9, allowed: list[int] | None = None) -> list[int]:
    keep = None if allowed is None else np.array(allowed, np.int64)
    return [identity for identity, _ in lexical.search(connection, question, k, PASSAGES, keep)]


def test_frequent_words_are_dropped_unless_there_are_no_others() -> None:
    assert lexical.terms("Who did the council say won the vote?") == ["council", "won", "vote"]
    assert lexical.terms("Who is he?") == ["who", "is", "he"]


def test_better_matches_come_first(connection: sqlite3.Connection) -> None:
    assert found(connection, "What did the council decide about the bridge?") == [1, 2]


def test_words_match_in_other_forms_and_without_accents(connection: sqlite3.Connection) -> None:
    assert found(connection, "striking worker") == [2]
    assert found(connection, "sao orvel uberraschung") == [3]


def test_scores_are_higher_for_better_and_k_is_kept(connection: sqlite3.Connection) -> None:
    ranked = lexical.search(connection, "council bridge", 9, PASSAGES)
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
    connection = filled(TEXTS)
    lexical.remove(connection, [(1, *TEXTS[1])])
    assert found(connection, "council bridge lantern vote") == [2]
    lexical.remove(connection, [(2, *TEXTS[2]), (3, *TEXTS[3])])
    assert connection.execute("SELECT count(*) FROM postings").fetchone() == (0,)


def test_scores_are_those_of_bm25_to_within_what_a_byte_can_say() -> None:
    """Over two blocks, against FTS5, whose mean length is set to the one assumed here by a passage of filler."""
    words = ["ferry", "strike", "council", "bridge", "harbour", "vote", "crown", "district", "report", "weather"]
    choose = random.Random(3)
    texts = {
        lexical.BLOCK - 20 + n: (" ".join(choose.choices(words, k=2)), " ".join(choose.choices(words, k=20 + n)))
        for n in range(40)
    }
    used = sum(len(f"{title} {text}".split()) for title, text in texts.values())
    texts[7] = ("", "filler " * (lexical.LENGTH * (len(texts) + 200) - used))
    texts |= {100 + n: ("", "") for n in range(199)}
    connection = filled(texts)
    connection.execute("CREATE VIRTUAL TABLE reference USING fts5 (title, text, tokenize='porter unicode61')")
    connection.executemany(
        "INSERT INTO reference (rowid, title, text) VALUES (?, ?, ?)", ((i, *text) for i, text in texts.items())
    )
    expected = dict(
        connection.execute(
            f"""SELECT rowid, -bm25(reference, {lexical.TITLE_WEIGHT}, {lexical.TEXT_WEIGHT}) FROM reference
            WHERE reference MATCH 'strike OR voting OR crowns'"""
        ).fetchall()
    )
    ranked = lexical.search(connection, "strike voting crowns", 99, len(texts))
    assert dict(ranked) == pytest.approx(expected, rel=0.01)
    assert len({identity // lexical.BLOCK for identity, _ in ranked}) == 2


def test_of_equals_the_lower_id_comes_first_and_k_is_kept_across_blocks() -> None:
    texts = {identity: ("", "a ferry sailed") for identity in (5, 9, lexical.BLOCK + 2, 3 * lexical.BLOCK)}
    assert found(filled(texts), "ferry", 3) == [5, 9, lexical.BLOCK + 2]
    assert found(filled(texts), "ferry", 9, [9, 3 * lexical.BLOCK, 77]) == [9, 3 * lexical.BLOCK]
