"""The lexical side: a person's question -> an FTS5 query ranked by BM25."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence

WORD = re.compile(r"\w+", re.UNICODE)
MAX_TERMS = 32
TITLE_WEIGHT, TEXT_WEIGHT = 2.0, 1.0

# Words that hardly tell passages apart but make BM25 visit most of the archive.
STOPWORDS = frozenset(
    """a about after all also an and any are as at be been before being but by can could did do does doing for from
    had has have having he her hers him his how i if in into is it its itself just me more most my no not of off on
    once only or other our out over own s said same say says she should so some such t tell than that the their them
    then there these they this those through to too under until up us very was we were what when where which while
    who whom whose why will with would you your""".split()  # noqa: SIM905
)


def terms(question: str) -> list[str]:
    """Return the distinct words of a question that are worth searching, in order."""
    words = list(dict.fromkeys(WORD.findall(question.lower())))
    telling = [word for word in words if word not in STOPWORDS]
    return (telling or words)[:MAX_TERMS]


def match_expression(question: str) -> str:
    """Return an FTS5 query for any of the question's terms; quoted, so none is an operator."""
    return " OR ".join(f'"{term}"' for term in terms(question))


def search(
    connection: sqlite3.Connection, question: str, k: int, allowed: Sequence[int] | None = None
) -> list[tuple[int, float]]:
    """Return up to ``k`` (passage id, BM25 score), best first, among ``allowed`` ids."""
    expression = match_expression(question)
    if not expression or k < 1:
        return []
    rank = f"-bm25(lexicon, {TITLE_WEIGHT}, {TEXT_WEIGHT})"
    if allowed is None:
        rows = connection.execute(
            f"SELECT rowid, {rank} AS score FROM lexicon WHERE lexicon MATCH ? ORDER BY score DESC, rowid LIMIT ?",
            (expression, k),
        )
        return [(row[0], row[1]) for row in rows]
    keep = set(allowed)
    rows = connection.execute(
        f"SELECT rowid, {rank} AS score FROM lexicon WHERE lexicon MATCH ? ORDER BY score DESC, rowid",
        (expression,),
    )
    found: list[tuple[int, float]] = []
    for row in rows:
        if row[0] in keep:
            found.append((row[0], row[1]))
            if len(found) == k:
                break
    return found


def add(connection: sqlite3.Connection, passage_id: int, title: str, text: str) -> None:
    """Index one passage."""
    connection.execute("INSERT INTO lexicon (rowid, title, text) VALUES (?, ?, ?)", (passage_id, title, text))


def remove(connection: sqlite3.Connection, passage_id: int, title: str, text: str) -> None:
    """Take one passage out; title and text must be the very ones that were added."""
    connection.execute(
        "INSERT INTO lexicon (lexicon, rowid, title, text) VALUES ('delete', ?, ?, ?)",
        (passage_id, title, text),
    )
