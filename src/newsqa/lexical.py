"""The lexical side: BM25 over postings that the database keeps, so that they are always as current as it is.

The postings of a term are cut into blocks of consecutive passage ids. An entry says in three bytes
which passage of its block it is and what BM25's formula gives for the term in it, without the term's
rarity. A search adds these up, block by block in one small array, so that every passage that has a
term is ranked and none is passed over.
"""

from __future__ import annotations

import json
import math
import re
import sqlite3
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Entries = NDArray[np.void]
Ranked = list[tuple[int, float]]

WORD = re.compile(r"[^\W_]+", re.UNICODE)
MAX_TERMS = 32
TITLE_WEIGHT, TEXT_WEIGHT = 2.0, 1.0
K1, B = 1.2, 0.75
LENGTH = 140
"""Words of a usual passage with its title. Passages are cut to one length, so that BM25's mean is left fixed."""
HIGHEST = K1 + 1
"""What the formula approaches for a term that stands in a passage over and over."""

BLOCK = 32_768
ENTRY = np.dtype([("passage", "<u2"), ("weight", "u1")])

# Words that hardly tell passages apart but make a search visit most of the archive.
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


def search(connection: sqlite3.Connection, question: str, k: int, passages: int, allowed: Ids | None = None) -> Ranked:
    """Return up to ``k`` (passage id, BM25 score), best first, among ``allowed`` ids of so many ``passages``.

    Source: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009.
    """
    stems = list(dict.fromkeys(stem(word) for word in terms(question)))
    if k < 1 or (allowed is not None and not len(allowed)):
        return []
    found, rarity = _matching(connection, stems, passages)
    best, best_scores = np.empty(0, np.int64), np.empty(0, np.float32)
    scores = np.empty(BLOCK, np.float32)
    kept = None if allowed is None else _flags(allowed, max(found, default=0))
    for block in sorted(found):
        scores.fill(0)
        for term, entries in found[block]:
            np.add.at(scores, entries["passage"], entries["weight"] * rarity[term])
        if kept is not None:
            scores *= kept[block]
        near = _best(scores, k, best_scores[k - 1] if len(best) == k else np.float32(0))
        best = np.concatenate([best, near + block * BLOCK])
        best_scores = np.concatenate([best_scores, scores[near]])
        # Stable, so that of equals the lower id comes first.
        order = np.argsort(-best_scores, kind="stable")[:k]
        best, best_scores = best[order], best_scores[order]
    return list(zip(best.tolist(), best_scores.tolist(), strict=True))


def _matching(
    connection: sqlite3.Connection, stems: list[str], passages: int
) -> tuple[dict[int, list[tuple[str, Entries]]], dict[str, np.float32]]:
    """Return each block's entries by term, and what one 255th of `HIGHEST` counts for each term."""
    rows = connection.execute(
        "SELECT term, block, entries FROM postings WHERE term IN (SELECT value FROM json_each(?))",
        (json.dumps(stems),),
    )
    found: defaultdict[int, list[tuple[str, Entries]]] = defaultdict(list)
    frequency: Counter[str] = Counter()
    for term, block, stored in rows:
        entries = np.frombuffer(stored, ENTRY)
        found[block].append((term, entries))
        frequency[term] += len(entries)
    return found, {term: np.float32(_rarity(n, passages) * HIGHEST / 255) for term, n in frequency.items()}


def add(connection: sqlite3.Connection, passages: Iterable[tuple[int, str, str]]) -> None:
    """Index passages, each an id, a title and a text; many at once is much faster."""
    connection.executemany(
        """INSERT INTO postings VALUES (?, ?, ?) ON CONFLICT (term, block)
        DO UPDATE SET entries = CAST(entries || excluded.entries AS BLOB)""",
        ((term, block, entries) for (term, block), entries in _postings(passages).items()),
    )


def remove(connection: sqlite3.Connection, passages: Iterable[tuple[int, str, str]]) -> None:
    """Take passages out; titles and texts must be the very ones that were added."""
    where = "WHERE term = ? AND block = ?"
    for key, entries in _postings(passages).items():
        gone = np.frombuffer(entries, ENTRY)["passage"]
        for (stored,) in connection.execute(f"SELECT entries FROM postings {where}", key).fetchall():
            held = np.frombuffer(stored, ENTRY)
            kept = held[~np.isin(held["passage"], gone)]
            if len(kept):
                connection.execute(f"UPDATE postings SET entries = ? {where}", (kept.tobytes(), *key))
            else:
                connection.execute(f"DELETE FROM postings {where}", key)


def weights(title: str, text: str) -> dict[str, int]:
    """Return what BM25 gives each term of a passage, in 255ths of `HIGHEST`."""
    in_title, in_text = WORD.findall(title.lower()), WORD.findall(text.lower())
    counts: defaultdict[str, float] = defaultdict(float)
    for words, weight in ((in_title, TITLE_WEIGHT), (in_text, TEXT_WEIGHT)):
        for word, count in Counter(words).items():
            counts[stem(word)] += weight * count
    length = K1 * (1 - B + B * (len(in_title) + len(in_text)) / LENGTH)
    return {term: max(1, round(255 * count / (count + length))) for term, count in counts.items()}


@lru_cache(maxsize=2**18)
def stem(word: str) -> str:
    """Return the form under which SQLite's own tokenizer would index a word: no accents, no endings."""
    connection, lock = _tokenizer()
    with lock:
        connection.execute("INSERT INTO words VALUES (?)", (word,))
        found = connection.execute("SELECT term FROM tokens").fetchone()
        connection.execute("INSERT INTO words (words) VALUES ('delete-all')")
    # It knows fewer letters than Python.
    return found[0] if found else word


@cache
def _tokenizer() -> tuple[sqlite3.Connection, threading.Lock]:
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.execute(
        """CREATE VIRTUAL TABLE words USING fts5 (word, content='',
        tokenize="porter unicode61 remove_diacritics 2")"""
    )
    connection.execute("CREATE VIRTUAL TABLE tokens USING fts5vocab (words, instance)")
    return connection, threading.Lock()


def _postings(passages: Iterable[tuple[int, str, str]]) -> dict[tuple[str, int], bytearray]:
    """Return the entries to be stored for each term and block."""
    found: defaultdict[tuple[str, int], bytearray] = defaultdict(bytearray)
    for identity, title, text in passages:
        block, place = divmod(identity, BLOCK)
        for term, weight in weights(title, text).items():
            found[term, block] += (place | weight << 16).to_bytes(3, "little")
    return found


def _rarity(having: int, passages: int) -> float:
    """Return BM25's weight of a term, which is next to nothing, but never less, where most passages have it."""
    return max(1e-6, math.log((max(passages - having, 0) + 0.5) / (having + 0.5)))


def _flags(allowed: Ids, last: int) -> NDArray[np.bool_]:
    """Return which passages are allowed, shape (last + 1, BLOCK)."""
    flags = np.zeros((last + 1) * BLOCK, bool)
    flags[allowed[allowed < len(flags)]] = True
    return flags.reshape(-1, BLOCK)


def _best(scores: NDArray[np.float32], k: int, worst: np.float32) -> Ids:
    """Return where the ``k`` highest scores above ``worst`` are, ascending; more when the last are equal."""
    places = np.flatnonzero(scores > worst)
    if len(places) > k:
        found = scores[places]
        places = places[found >= np.partition(found, -k)[-k]]
    return places
