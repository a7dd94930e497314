"""News articles -> quiz questions of the weekly kind, without any labels.

A name or a number in an article's lead is asked for: it is replaced by a
question word, and the passages that retrieval brings for the rest compete,
those that hold the answer against those that lack it. After Fabbri et al.,
"Template-Based Question Generation from Retrieved Sentences" (ACL 2020); the
passage that the question was made from never takes part.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from tokenizers import Tokenizer

from data import Group, Window
from newsqa.chunk import sentences
from newsqa.match import normalised
from newsqa.spans import heading

LEAD = 700
"""Characters of an article in which the news stands."""
WORD = r"(?:[A-Z][\w’'&.-]*\w|[A-Z])"
NAME = re.compile(rf"\b{WORD}(?: (?:(?:of|the|de|van|von|bin|al|and) )?{WORD})*")
NUMBER = re.compile(
    r"[$£€]\d[\d,.]*(?: (?:million|billion|trillion))?|\b\d[\d,.]*(?:%| percent| per cent| million| billion| trillion)"
)
SERVICE = re.compile(r"(?i)editor’s note|ai-assisted|sign up|subscribe|newsletter|\bupdated\b|\b[ap]\.m\. et\b")
STOP = {"The", "A", "An", "In", "On", "At", "It", "He", "She", "They", "We", "I", "But", "And", "This", "That", "As",
        "CNN", "Story", "Photo", "USA", "For", "After", "When", "If", "What", "There", "His", "Her", "Here",
        "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "US", "U.S"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of an article, about as long as a passage."""

    article: int
    text: str


def groups(path: Path, config: dict[str, Any], tokenizer: Tokenizer, seed: int) -> list[Group]:
    """Make up to ``config["headline_groups"]`` groups; the same for the same seed."""
    chosen = random.Random(seed)
    wanted = config["headlines"]
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    unique = list({" ".join(row["text"][:200].split()): row for row in rows}.values())
    pieces = [Piece(n, text) for n, row in enumerate(unique) for text in _pieces(row["text"][: wanted["characters"]])]
    holds = Counter(name for row in unique for name in set(NAME.findall(row["text"])))
    asked = []
    for row in unique:
        made = [q for start, end in sentences(row["text"][:LEAD]) for q in _questions(row["text"][start:end], chosen)]
        rare = [q for q in made if q[1][0].isdigit() or q[1][0] in "$£€" or 2 <= holds[q[1]] <= 0.02 * len(unique)]
        asked += chosen.sample(rare, min(len(rare), 2))
    asked = chosen.sample(asked, min(len(asked), wanted["candidates"]))
    vectoriser = TfidfVectorizer(sublinear_tf=True, stop_words="english", dtype=np.float32, min_df=2)
    matrix = vectoriser.fit_transform(f"{unique[p.article]['title']} {p.text}" for p in pieces).T.tocsr()
    made = []
    for begin in range(0, len(asked), 64):
        some = asked[begin : begin + 64]
        scores = (vectoriser.transform([question for question, _, _ in some]) @ matrix).toarray()
        best = np.argpartition(-scores, wanted["depth"], axis=1)[:, : wanted["depth"]]
        for row, (question, answer, sentence) in enumerate(some):
            near = [pieces[i] for i in best[row][np.argsort(-scores[row][best[row]])] if sentence not in pieces[i].text]
            group = _group(question, answer, near, unique, tokenizer, config, chosen)
            if group:
                made.append(group)
    return chosen.sample(made, min(len(made), config["headline_groups"]))


def _pieces(text: str) -> list[str]:
    """Whole sentences up to about 900 characters."""
    found, start, end = [], 0, 0
    for begin, finish in sentences(text):
        if finish - start > 900 and end > start:
            found.append(text[start:end])
            start = begin
        end = finish
    return [*found, text[start:end]]


def _questions(sentence: str, chosen: random.Random) -> list[tuple[str, str, str]]:
    """Return (question, answer, sentence) for each name and number of a sentence."""
    if not 8 <= len(sentence.split()) <= 40 or SERVICE.search(sentence):
        return []
    made = []
    for match in [*NAME.finditer(sentence), *NUMBER.finditer(sentence)]:
        answer = match.group()
        before, after = sentence[: match.start()].strip(), sentence[match.end() :].strip(" .,—–-")
        if answer in STOP or answer.split()[0] in STOP or len(normalised(answer)) < 2:
            continue
        if normalised(answer) in normalised(f"{before} {after}"):
            continue
        before, after = " ".join(before.split()[-14:]), " ".join(after.split()[:14])
        number = answer[0] in "$£€0123456789"
        ask = chosen.choice(("how many", "how much", "what") if number else ("who", "which", "what", "who"))
        if not before or chosen.random() < 0.4:
            question = f"{ask} {after} {before}".strip()
        else:
            question = f"{before} {ask} {after}".strip()
        made.append((question + chosen.choice(("?", "?", "")), answer, sentence))
    return made


def _group(
    question: str, answer: str, near: list[Piece], rows: list[dict[str, Any]], tokenizer: Tokenizer,
    config: dict[str, Any], chosen: random.Random,
) -> Group | None:  # fmt: skip
    sizes = config["windows"]
    pattern = re.compile(rf"(?<!\w){re.escape(answer)}(?!\w)")
    right = [piece for piece in near if pattern.search(piece.text)][: config["headlines"]["right"]]
    wrong = [piece for piece in near if answer.lower() not in piece.text.lower()][: config["headlines"]["wrong"]]
    if not right or not wrong:
        return None
    windows = []
    for piece in [*right, *wrong]:
        encoding = tokenizer.encode(piece.text, add_special_tokens=False)
        tokens = encoding.ids[: sizes["tokens"]]
        spans = []
        for match in pattern.finditer(piece.text):
            inside = [
                i for i, (s, e) in enumerate(encoding.offsets[: len(tokens)]) if s < match.end() and e > match.start()
            ]
            if inside:
                spans.append((inside[0], inside[-1] + 1))
        row = rows[piece.article]
        about = heading(row["title"], row["publish_date"].replace("/", "-") if row["publish_date"] else None)
        context = tokenizer.encode(about, add_special_tokens=False).ids[: sizes["context_tokens"]]
        windows.append(Window(tokens, context, tuple(spans)))
    if not any(window.answers for window in windows):
        return None
    asked = tokenizer.encode(question, add_special_tokens=False).ids[: sizes["question_tokens"]]
    return Group(asked, tuple(windows))
