"""Question + passages -> spans: picks the sentence, or two, that answer.

Each sentence is described by a few features and a logistic model gives the
probability that the best one holds the answer. The weights come from
``benchmarks/fit_reader.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from newsqa.types import Embedder, Passage, Span

Sentences = Callable[[str], list[tuple[int, int]]]
Terms = Callable[[str], list[str]]

FEATURES = ("bias", "cosine", "coverage", "context", "rank", "length", "type", "answer_words")
WEIGHTS = (-7.618, 2.323, 1.955, 0.916, 0.840, 0.301, 1.412, 1.005)

NAME = r"\b[A-Z][\w’'-]+"
PERSON = r"\b[A-Z][\w’'-]+(?: [A-Z]\.)? (?:(?:de|van|von|al|bin|der|la) )*[A-Z][\w’'-]+"
PLACE = r"\b(?:[Ii]n|[Aa]t|[Nn]ear|[Ff]rom|[Oo]ff|[Oo]utside|[Bb]elow|[Tt]o|[Oo]n|[Ii]nto) (?:the |an? )?[A-Z][\w’'-]+"
NUMBER = (
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozens?|hundreds?|thousands?|millions?)\b"
)
DATE = (
    r"\b(?:1[89]|20)\d\d\b|\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)[a-z]*\b|"
    r"\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b|\b(?:today|yesterday|tomorrow|noon|midnight|a\.m|p\.m)\b"
)
SPEECH = r"[“”\"«»]|\b(?:said|says|told|tweeted|wrote|according|added|asked|called)\b"
REASON = r"\b(?:because|after|due|since|amid|over|so that|in order|to (?:avoid|prevent|help|protect))\b"

# The first pattern found in the question tells which pattern its answer should hold.
TYPES = tuple(
    (re.compile(question, re.IGNORECASE), re.compile(answer))
    for question, answer in (
        (
            r"\bhow (?:many|much|old|long|far|big|tall|often|high|fast)\b|\bwhat (?:percentage|share|age|score)\b",
            NUMBER,
        ),
        (r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|time)\b", DATE),
        (r"\bsa(?:y|id)\b|\btold\b|\bdescribe[ds]?\b|\bcall(?:ed)?\b", SPEECH),
        (r"\bwhy\b|\bwhat (?:caused|led)\b", REASON),
        (r"\bwho(?:m|se)?\b", PERSON),
        (r"\bwhere\b", PLACE),
        (r"\bwhich\b|\bname\b", NAME),
    )
)
PRONOUN = re.compile(r"[“\"‘']?(?:He|She|It|They|This|That|These|Those|His|Her|Their)\b")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a passage that stands at ``rank``, with offsets into the passage's text."""

    passage: Passage
    rank: int
    start: int
    end: int
    before: int
    """Where the sentence before it starts, or its own start."""

    @property
    def text(self) -> str:
        """The verbatim words."""
        return self.passage.text[self.start : self.end]


STEM = 6
"""Words that share this many first letters count as the same: pledge, pledged."""


class SentenceReader:
    """Scores every sentence of the passages (see `Reader`)."""

    def __init__(
        self, embedder: Embedder, sentences: Sentences, terms: Terms, weights: Sequence[float] = WEIGHTS
    ) -> None:
        """Take the stages it needs: an embedder, a sentence splitter, and the telling words of a text."""
        self._embedder = embedder
        self._sentences = sentences
        self._terms = terms
        self._weights = np.asarray(weights, np.float64)

    def read(self, question: str, passages: Sequence[Passage]) -> list[Span]:
        """Return one span a sentence, best first; ``score`` is a probability."""
        sentences = self.split(passages)
        if not sentences:
            return []
        logits = self.features(question, sentences) @ self._weights
        scores = 1 / (1 + np.exp(-logits))
        order = np.argsort(-scores, kind="stable")
        return [self._span(sentences[i], float(scores[i])) for i in order]

    def split(self, passages: Sequence[Passage]) -> list[Sentence]:
        """Return every sentence of the passages once."""
        found: dict[tuple[str, int, int], Sentence] = {}
        for rank, passage in enumerate(passages):
            before = 0
            for start, end in self._sentences(passage.text):
                # Passages overlap; the better ranked one keeps the sentence.
                place = (passage.article_id, passage.start + start, passage.start + end)
                found.setdefault(place, Sentence(passage, rank, start, end, before))
                before = start
        return list(found.values())

    def features(self, question: str, sentences: Sequence[Sentence]) -> NDArray[np.float64]:
        """Describe sentences, shape (len(sentences), len(FEATURES))."""
        vectors = self._embedder.embed([question, *(s.text for s in sentences)])
        cosines = vectors[1:] @ vectors[0]
        words = [self._stems(s.text) for s in sentences]
        asked = sorted(self._stems(question))
        weight = {t: log(1 + len(sentences) / (1 + sum(t in w for w in words))) for t in asked}
        total = sum(weight.values()) or 1.0
        wanted = next((answer for pattern, answer in TYPES if pattern.search(question)), None)
        lowered = question.lower()
        rows = []
        for sentence, cosine, own in zip(sentences, cosines, words, strict=True):
            context = own | self._stems(f"{sentence.passage.title} {sentence.passage.text}")
            new = _without_question_words(sentence.text, lowered)
            rows.append(
                (
                    1.0,
                    float(cosine),
                    sum(weight[t] for t in asked if t in own) / total,
                    sum(weight[t] for t in asked if t in context) / total,
                    1 / (1 + sentence.rank),
                    log(1 + len(sentence.text)) / 5,
                    float(bool(wanted and wanted.search(new))),
                    float(bool(re.search(NAME, new[1:]) or re.search(NUMBER, new))),
                )
            )
        return np.asarray(rows)

    def _stems(self, text: str) -> set[str]:
        return {term[:STEM] for term in self._terms(text)}

    def _span(self, sentence: Sentence, score: float) -> Span:
        """Take the sentence before along when this one only makes sense with it."""
        start = sentence.before if PRONOUN.match(sentence.text) else sentence.start
        offset = sentence.passage.start
        return Span(sentence.passage, offset + start, offset + sentence.end, score)


def _without_question_words(text: str, question: str) -> str:
    """Drop words that the question holds already: they are not what it asks for."""
    return " ".join(word for word in text.split() if word.strip(".,;:!?“”\"'’()").lower() not in question)
