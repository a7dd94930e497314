"""Question sets -> groups: a question, the passage with its answer, and hard negatives.

A group's passages share one softmax in training (Clark & Gardner 2018), so what
a wrong passage scores counts against the right one.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from tokenizers import Tokenizer

from newsqa.match import contained
from newsqa.spans import heading

Tokens = list[int]


@dataclass(frozen=True, slots=True)
class Window:
    """A passage's tokens, its context's, and the answers as half-open token ranges."""

    tokens: Tokens
    context: Tokens
    answers: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """A question and the passages that compete to answer it."""

    question: Tokens
    windows: tuple[Window, ...]

    @property
    def length(self) -> int:
        """Tokens of the longest input."""
        return len(self.question) + max(len(w.tokens) + len(w.context) for w in self.windows)


@dataclass(slots=True)
class Context:
    """A paragraph of a question set, tokenised, with its questions."""

    title: str
    text: str
    questions: list[dict[str, Any]]
    tokens: Tokens = field(default_factory=list)
    offsets: list[tuple[int, int]] = field(default_factory=list)


def load(folders: Sequence[Path], questions: dict[str, int], chosen: random.Random) -> list[Context]:
    """Read the sets from the folders that hold them, keeping at most so many questions of each."""
    contexts: list[Context] = []
    for name, limit in questions.items():
        (path,) = (path for folder in folders if (path := folder / f"{name}.jsonl.gz").exists())
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        every = [question["id"] for row in rows for question in row["qas"]]
        kept = set(every if len(every) <= limit else chosen.sample(every, limit))
        for row in rows:
            wanted = [question for question in row["qas"] if question["id"] in kept]
            # Generic titles ("Amazon_Reviews_2030") tell nothing.
            title = "" if "squadshifts" in name and "wiki" not in name else row["title"].replace("_", " ")
            contexts.append(Context(title, row["context"], wanted))
    return contexts


def tokenise(contexts: Sequence[Context], tokenizer: Tokenizer) -> None:
    """Fill in tokens and their character offsets."""
    for begin in range(0, len(contexts), 1000):
        some = contexts[begin : begin + 1000]
        for context, encoding in zip(
            some, tokenizer.encode_batch([c.text for c in some], add_special_tokens=False), strict=True
        ):
            context.tokens, context.offsets = encoding.ids, encoding.offsets


def nearest(questions: Sequence[str], contexts: Sequence[Context], depth: int) -> np.ndarray:
    """Return the ``depth`` lexically nearest contexts of each question, shape (len(questions), depth)."""
    vectoriser = TfidfVectorizer(sublinear_tf=True, stop_words="english", dtype=np.float32)
    passages = vectoriser.fit_transform(f"{c.title} {c.text}" for c in contexts)
    asked = vectoriser.transform(questions)
    rows = []
    for begin in range(0, len(questions), 512):
        scores = (asked[begin : begin + 512] @ passages.T).toarray()
        best = np.argpartition(-scores, depth, axis=1)[:, :depth]
        rows.append(np.take_along_axis(best, np.argsort(-np.take_along_axis(scores, best, 1), axis=1), 1))
    return np.concatenate(rows)


def groups(folders: Sequence[Path], config: dict[str, Any], tokenizer: Tokenizer, seed: int) -> list[Group]:
    """Make every group of the configuration; the same for the same seed."""
    chosen = random.Random(seed)
    sizes = config["windows"]
    contexts = load(folders, config["questions"], chosen)
    tokenise(contexts, tokenizer)
    asked = [(place, question) for place, context in enumerate(contexts) for question in context.questions]
    near = nearest([question["question"] for _, question in asked], contexts, sizes["negative_depth"] + 1)
    made = []
    for (place, question), candidates in zip(asked, near, strict=True):
        encoded = tokenizer.encode(question["question"], add_special_tokens=False).ids[: sizes["question_tokens"]]
        texts = [answer["text"] for answer in question["answers"]]
        wrong = [int(c) for c in candidates if c != place and not contained(contexts[c].text, texts)]
        own = window(contexts[place], question["answers"], tokenizer, sizes, chosen)
        if own is None:
            continue
        others = chosen.sample(wrong, min(len(wrong), chosen.choice(config["negatives"])))
        windows = [own, *(window(contexts[c], [], tokenizer, sizes, chosen) for c in others)]
        if texts and len(windows) > 1 and chosen.random() < sizes["unanswerable"]:
            del windows[0]
        made.append(Group(encoded, tuple(w for w in windows if w)))
    return chosen.sample(made, min(len(made), config["set_groups"]))


def window(
    context: Context,
    answers: Sequence[dict[str, Any]],
    tokenizer: Tokenizer,
    sizes: dict[str, Any],
    chosen: random.Random,
) -> Window | None:
    """Cut a window out of a context, around an answer if there is one; None if the answer doesn't fit."""
    spans = sorted(
        {_tokens_of(context.offsets, a["answer_start"], a["answer_start"] + len(a["text"])) for a in answers}
    )
    total, size = len(context.tokens), sizes["tokens"]
    begin = 0
    if total > size:
        if spans:
            first, last = spans[0]
            if last - first > size:
                return None
            begin = chosen.randint(max(0, last - size), min(first, total - size))
        else:
            begin = chosen.randint(0, total - size)
    inside = tuple((s - begin, e - begin) for s, e in spans if begin <= s and e <= begin + size)
    if answers and not inside:
        return None
    about = heading(context.title, _some_date(chosen) if chosen.random() < sizes["dated"] else None)
    return Window(
        context.tokens[begin : begin + size],
        tokenizer.encode(about, add_special_tokens=False).ids[: sizes["context_tokens"]] if about else [],
        inside,
    )


def _tokens_of(offsets: Sequence[tuple[int, int]], start: int, end: int) -> tuple[int, int]:
    inside = [i for i, (s, e) in enumerate(offsets) if s < end and e > start]
    return (inside[0], inside[-1] + 1) if inside else (0, 0)


def _some_date(chosen: random.Random) -> str:
    return f"{chosen.randint(2005, 2026)}-{chosen.randint(1, 12):02}-{chosen.randint(1, 28):02}"


def batches(made: Sequence[Group], size: int, chosen: random.Random) -> Iterator[list[Group]]:
    """Yield batches of groups of like length, in random order."""
    order = sorted(range(len(made)), key=lambda i: (made[i].length // 8, chosen.random()))
    cut = [order[i : i + size] for i in range(0, len(order), size)]
    chosen.shuffle(cut)
    for indices in cut:
        yield [made[i] for i in indices]
