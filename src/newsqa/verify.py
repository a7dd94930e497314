"""CONDUCTOR: index -> checks. Rechecks everything that a citation rests on."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from newsqa import embed, lexical, snapshot
from newsqa.cells import Ids
from newsqa.database import PASSAGES
from newsqa.errors import ArticleNotFoundError, IndexCorruptError
from newsqa.following import catch_up, current_mark, read_vectors
from newsqa.index import REVISIONS, Index, read_article
from newsqa.meta import dimension, read_meta
from newsqa.settings import Settings
from newsqa.store import FaissStore
from newsqa.writer import content_hash

LARGEST = 2**31
MAX_FAILURES = 20
"""How many failures of one check are spelt out."""

# The keys of a citation that are checked, and of what type: in an answer, and where there is none.
QUOTE = {"article_id": str, "revision": int, "quote": str, "start": int, "end": int}
ANSWER = QUOTE | {"answer": str, "answer_start": int, "answer_end": int}
NEAR = QUOTE | dict.fromkeys(("answer", "answer_start", "answer_end"), NoneType)


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of one check over ``checked`` things; ``failures`` says which and why."""

    name: str
    checked: int
    failures: tuple[str, ...]
    failed: int


def verify(
    settings: Settings, answers: Iterable[Mapping[str, Any]] = (), *, model_id: str | None = None
) -> list[Check]:
    """Recheck the index that ``settings`` name, and answers as ``newsqa ask --json`` prints them.

    ``model_id`` is that of an embedder other than the settings'.

    Raises IndexMissingError, IndexCorruptError, IndexMismatchError when there is nothing to check.
    """
    index = Index.open(settings, model_id or embed.model_id(settings))
    with index.reading() as connection:
        checks = [
            _check("database", _database(connection)),
            _check("revisions", _revisions(connection)),
            _check("passages", _passages(connection)),
            _check("lexicon", _lexicon(connection)),
            _check("snapshot", _snapshot(index, connection)),
        ]
        if answers:
            checks.append(_check("answers", _answers(index, answers)))
    return checks


def _check(name: str, outcomes: Iterator[str | None]) -> Check:
    """Count outcomes: None for a thing that is right, words for one that is not."""
    checked, failures = 0, []
    for outcome in outcomes:
        checked += 1
        if outcome:
            failures.append(outcome)
    return Check(name, checked, tuple(failures[:MAX_FAILURES]), len(failures))


def _database(connection: sqlite3.Connection) -> Iterator[str | None]:
    try:
        for row in connection.execute("PRAGMA integrity_check"):
            yield None if row[0] == "ok" else str(row[0])
        for row in connection.execute("PRAGMA foreign_key_check"):
            yield f"a row of {row[0]} refers to a row of {row[2]} that is not there"
    except sqlite3.DatabaseError as error:
        yield str(error)


def _revisions(connection: sqlite3.Connection) -> Iterator[str | None]:
    for row in connection.execute(REVISIONS):
        article = read_article(row)
        right = content_hash(article) == article.content_hash
        yield None if right else f"article {article.id}, revision {article.revision}: its hash does not match"


def _passages(connection: sqlite3.Connection) -> Iterator[str | None]:
    """Each searched article: offsets in bounds, and no character outside every passage."""
    rows = connection.execute(
        """SELECT r.article_id, r.revision, r.text,
        (SELECT json_group_array(json_array(p.start, p."end", length(p.vector))) FROM passages p
         WHERE p.article_id = a.id AND p.revision = r.revision)
        FROM articles a JOIN revisions r ON r.article_id = a.id AND r.revision = a.revision
        WHERE a.copy_of IS NULL AND NOT a.pending"""
    )
    bytes_each = 2 * dimension(connection)
    for identity, revision, text, packed in rows:
        fault = _cover(text, json.loads(packed), bytes_each)
        yield f"article {identity}, revision {revision}: {fault}" if fault else None
    stray = """SELECT p.id FROM passages p LEFT JOIN articles a ON a.id = p.article_id
        WHERE a.id IS NULL OR (a.revision != p.revision AND NOT a.pending) OR a.copy_of IS NOT NULL"""
    for row in connection.execute(stray):
        yield f"passage {row[0]} belongs to no searched article"


def _cover(text: str, passages: list[list[int]], bytes_each: int) -> str | None:
    end = 0
    for start, stop, size in sorted(passages):
        if not 0 <= start < stop <= len(text):
            return f"a passage has offsets [{start}, {stop}) in a text of {len(text)}"
        if size != bytes_each:
            return f"the vector of [{start}, {stop}) has {size} bytes, not {bytes_each}"
        if text[end:start].strip():
            return f"text[{end}:{start}] is in no passage"
        end = max(end, stop)
    return f"text[{end}:] is in no passage" if text[end:].strip() else None


def _lexicon(connection: sqlite3.Connection) -> Iterator[str | None]:
    """Every passage is indexed with the very weights of its words, and nothing else is."""
    last = current_mark(connection).passage
    found, right = _sums(last), _sums(last)
    for term, block, stored in connection.execute("SELECT term, block, entries FROM postings"):
        entries = np.frombuffer(stored, lexical.ENTRY)
        ids = entries["passage"] + np.int64(block * lexical.BLOCK)
        _sum(found, ids, entries["weight"] * np.uint64(_checksum(term)))
    for identity, title, text in connection.execute(PASSAGES):
        right[identity] = sum(weight * _checksum(term) for term, weight in lexical.weights(title, text).items())
    yield from _compare(found, right, "the lexical index has not the words of passage")


def _snapshot(index: Index, connection: sqlite3.Connection) -> Iterator[str | None]:
    """The snapshot's hash holds, and with what came after it, it has every vector that the database has."""
    try:
        loaded = snapshot.load(index.folder, read_meta(connection)["database"], whole=True)
    except IndexCorruptError as error:
        yield f"{error}. It is rebuilt by the next newsqa index"
        return
    now = current_mark(connection)
    store, mark = (loaded[0], loaded[1].mark) if loaded else (FaissStore(dimension(connection)), snapshot.Mark(0, 0))
    if mark.ahead_of(now):
        yield None  # published since these checks began
        return
    catch_up(connection, store, mark, now)
    found, right = _sums(now.passage), _sums(now.passage)
    factors = np.random.default_rng().integers(1, 2**32, size=store.dimension, dtype=np.uint64)
    for sums, batches in ((found, store.batches()), (right, read_vectors(connection, 0, now.passage))):
        for ids, vectors in batches:
            # One more, so that a vector of zeros is not taken for none.
            _sum(sums, ids, vectors.view(np.uint16) @ factors + np.uint64(1))
    yield from _compare(found, right, "the snapshot has not the vector of passage")


def _sums(last: int) -> NDArray[np.uint64]:
    """Return room for a checksum of each passage up to the ``last``, and one more for what is beyond."""
    return np.zeros(last + 2, np.uint64)


def _sum(sums: NDArray[np.uint64], ids: Ids, checksums: NDArray[np.uint64]) -> None:
    np.add.at(sums, np.clip(ids, 0, len(sums) - 1), checksums)


def _checksum(term: str) -> int:
    return zlib.crc32(term.encode())


def _compare(found: NDArray[np.uint64], right: NDArray[np.uint64], fault: str) -> Iterator[str | None]:
    for identity in np.flatnonzero(found | right).tolist():
        yield None if found[identity] == right[identity] else f"{fault} {identity}"


def _answers(index: Index, answers: Iterable[Mapping[str, Any]]) -> Iterator[str | None]:
    for number, answer in enumerate(answers, start=1):
        try:
            text, citations, near = answer["text"], list(answer["citations"]), list(answer["near"])
            first = citations[0]["answer"] if citations else None
        except (KeyError, TypeError) as error:
            yield f"answer {number}: not an answer as newsqa ask --json prints it ({error!r})"
            continue
        yield None if text == first else f"answer {number}: its text is not its first citation's answer"
        for cited, kinds in ((citations, ANSWER), (near, NEAR)):
            for citation in cited:
                fault = _citation(index, citation, kinds)
                yield f"answer {number}: {fault}" if fault else None


def _citation(index: Index, citation: Mapping[str, Any], kinds: Mapping[str, type]) -> str | None:
    try:
        wrong = [name for name, kind in kinds.items() if not isinstance(citation[name], kind)]
        if wrong or not 0 < citation["revision"] < LARGEST:
            return f"not a citation (its {', '.join(wrong) or 'revision'} can't be right)"
        article = index.article(citation["article_id"], citation["revision"])
    except ArticleNotFoundError as error:
        return str(error)
    except (KeyError, TypeError) as error:
        return f"not a citation ({error!r})"
    where = f"article {article.id}, revision {article.revision}"
    start, end = citation["start"], citation["end"]
    if not 0 <= start < end or article.text[start:end] != citation["quote"]:
        return f"{where}: [{start}, {end}) is not the quote"
    if kinds is NEAR:
        return None
    first, last = citation["answer_start"], citation["answer_end"]
    verbatim = start <= first < last <= end and article.text[first:last] == citation["answer"]
    return None if verbatim else f"{where}: [{first}, {last}) is not the answer, or not in the quote"
