"""Questions with known answers, out of JSON Lines or JSON, gzipped or not.

Four forms are told apart by their keys, record by record:

- this project's own: ``{"question", "answers": [text, …]}``, and optionally ``id``, ``kind``, ``date``,
  the day on which it was asked, and ``articles``, the URLs of the articles that hold an answer. Empty
  answers: there is none.
- SQuAD's, as published or one context a line: ``{"title", "context", "qas": [{"id", "question",
  "answers": [{"text"}, …]}]}``. The context is the article that is read.
- a conversation: ``{"turns": [{"question", "answers"}, …]}``, and optionally ``id``, ``split``, and with each turn
  ``quote`` and ``article``. Each turn is asked as what it means after those before it (`newsqa.followup`), which
  are taken to have been answered rightly.
- a news quiz with what a search brought: ``{"question", "answer", "search_articles",
  "articles_with_answer"}``, the last two being URLs.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from newsqa.clean import article_key
from newsqa.errors import UsageError
from newsqa.followup import Past, standalone
from newsqa.types import Article, Draft
from newsqa.writer import article_id

Half = Literal["even", "odd"]

FORMS = '{"question", "answers"}, {"context", "qas"}, {"turns"} or {"question", "answer", "articles_with_answer"}'
BEFORE = {"about", "according", "at", "by", "for", "from", "in", "of", "on", "to", "under", "with"}
"""Words that may stand before the one that asks."""
ASKING = {word: word for word in ("who", "when", "where", "why", "how", "what", "which")}
ASKING |= {"whom": "who", "whose": "who"}
VERBS = frozenset(
    ("is", "are", "was", "were", "do", "does", "did", "has", "have", "had", "can", "could", "will", "would", "should")
)
"""What a question begins with that yes or no answers."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question and what is known of its answer.

    ``answers`` are the right ones, none when there is no answer. ``labelled`` are the ids
    of the articles that hold one, ``given`` of those it comes with; ``article`` is the
    text itself where the file brings it. ``day`` is the one on which it was asked.
    """

    id: str
    text: str
    kind: str
    answers: tuple[str, ...]
    labelled: frozenset[str] = frozenset()
    given: frozenset[str] = frozenset()
    article: Article | None = None
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Questions:
    """What a file holds of them; ``sha256`` is that of the file as it is stored."""

    sha256: str
    asked: tuple[Question, ...]
    unlabelled: int
    """How many were left out: it isn't known whether an article answers them."""


def read(path: Path, half: Half | None = None, limit: int | None = None) -> Questions:
    """Read a file of questions: every second one with ``half``, then ``limit`` of them, evenly spread.

    Raises UsageError, with file and line, for anything that is not a question.
    """
    try:
        stored = path.read_bytes()
        text = (gzip.decompress(stored) if stored[:2] == b"\x1f\x8b" else stored).decode("utf-8-sig")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise UsageError(f"'{path}' can't be read: {error}") from error
    found: list[Question | None] = []
    seen: set[str] = set()
    for line, record in _records(path, text):
        try:
            for question in _questions(record, line):
                if question and question.id in seen:
                    raise ValueError(f"a second question has the id '{question.id}'")
                seen |= {question.id} if question else set()
                found.append(question)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            what = f"no {error}" if isinstance(error, KeyError) else error
            raise UsageError(f"'{path}', line {line}: {what}. Expected {FORMS}; see newsqa evaluate --help") from error
    chosen = found[{"even": 0, "odd": 1}[half] :: 2] if half else found
    usable = [question for question in chosen if question]
    count = len(usable) if limit is None else min(limit, len(usable))
    spread = tuple(usable[i * len(usable) // count] for i in range(count))
    if not spread:
        raise UsageError(f"'{path}' holds no question whose answer is known.")
    return Questions(hashlib.sha256(stored).hexdigest(), spread, len(chosen) - len(usable))


def kind(question: str) -> str:
    """Tell what a question asks for by its first words: who, how_many, yes_no, …, else other."""
    words = re.findall(r"[a-z]+", question.lower())
    while words and (words[0] in BEFORE):
        del words[0]
    first, second = [*words[:2], "", ""][:2]
    if first == "how" and second in ("many", "much"):
        return "how_many"
    return "yes_no" if first in VERBS or first.removesuffix("n") in VERBS else ASKING.get(first, "other")


def _records(path: Path, text: str) -> Iterator[tuple[int, Any]]:
    try:
        yield 1, json.loads(text)  # one document, such as SQuAD as it is published
        return
    except json.JSONDecodeError:
        pass
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                record = json.loads(line)
            except json.JSONDecodeError as error:
                raise UsageError(f"'{path}', line {number}: not JSON: {error}") from error
            yield number, record


def _questions(record: object, line: int) -> Iterator[Question | None]:
    """Yield the questions of a record, None for one of which it isn't known whether an article answers it."""
    if not isinstance(record, dict):
        raise TypeError("not a JSON object")
    if "data" in record:
        paragraphs = [{"title": part.get("title")} | one for part in record["data"] for one in part["paragraphs"]]
        for number, paragraph in enumerate(paragraphs, start=1):
            yield from _of_context(paragraph, f"{line}.{number}")
    elif "context" in record:
        yield from _of_context(record, str(line))
    elif "turns" in record:
        yield from _of_conversation(record, str(record.get("id") or line))
    elif "articles_with_answer" in record:
        labelled, given = _ids(record["articles_with_answer"]), _ids(record["search_articles"])
        yield _question(record, str(line), (record["answer"],), labelled, given | labelled) if labelled else None
    else:
        labelled = _ids(record.get("articles", []))
        if not isinstance(record["answers"], list):
            raise TypeError("answers must be a list")
        yield _question(record, str(line), tuple(record["answers"]), labelled, labelled)


def _of_context(record: Mapping[str, Any], name: str) -> Iterator[Question]:
    title, text = record.get("title") or "", record["context"]
    if not isinstance(title, str) or not isinstance(text, str):
        raise TypeError("title and context must be texts")
    article = Article(f"context-{name}", 1, title, text, None, None, (), None, None, "", "")
    for number, asked in enumerate(record["qas"], start=1):
        answers = tuple(dict.fromkeys(answer["text"] for answer in asked["answers"]))
        yield _question(asked, f"{name}.{number}", answers, article=article)


def _of_conversation(record: Mapping[str, Any], name: str) -> Iterator[Question]:
    """Yield each turn as it is asked; its kind is whether it opens, and of which split the conversation is."""
    past: list[Past] = []
    for number, turn in enumerate(record["turns"], start=1):
        answers = tuple(turn["answers"])
        labelled = _ids([turn["article"]] if turn.get("article") else [])
        asked = {
            "question": standalone(turn["question"], past).question,
            "kind": ", ".join(["later turn" if past else "first turn", *filter(None, [record.get("split")])]),
        }
        yield _question(asked, f"{name}.{number}", answers, labelled, labelled)
        past.append(Past(asked["question"], answers[0] if answers else None, turn.get("quote") or ""))


def _question(
    record: Mapping[str, Any],
    name: str,
    answers: tuple[str, ...],
    labelled: frozenset[str] = frozenset(),
    given: frozenset[str] = frozenset(),
    article: Article | None = None,
) -> Question:
    text = record["question"]
    if not isinstance(text, str) or not text.strip():
        raise ValueError("the question is not a text, or empty")
    if not all(isinstance(answer, str) and answer.strip() for answer in answers):
        raise ValueError("an answer is not a text, or empty")
    named = record.get("kind") or kind(text)
    day = date.fromisoformat(record["date"].replace("/", "-")) if record.get("date") else None
    return Question(str(record.get("id") or name), text, str(named), answers, labelled, given, article, day)


def _ids(urls: object) -> frozenset[str]:
    if not isinstance(urls, list) or not all(isinstance(url, str) for url in urls):
        raise TypeError("articles must be a list of URLs")
    return frozenset(article_id(article_key(Draft(text="", url=url), "")) for url in urls)
