"""Question + passages -> spans: the answers in them, ranked, with probabilities.

A model scores every token as start and end of an answer; its logits compare
across passages. The best spans are gathered by what they say, so that an
answer found in several places counts for more, and each such group is described
by a few features: a linear model orders the groups, a logistic one says how
probable it is that the first is right. Their weights come from
``training/calibrate.py``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from newsqa.match import normalised
from newsqa.spans import TokenScores
from newsqa.types import Passage, Span, parse_published

SPAN_TOKENS = 30
"""Longest answer."""
SPANS = 10
"""Candidates that each passage contributes."""
GROUPS = 20
"""Different answers that are described and returned."""
RANK = 0.15
"""What a place in the ranking of passages is worth, as a logit."""
UNDATED = 1000
"""Days; an article without a date counts as old, where others have one."""

STEM = 5
"""Words that share this many first letters count as the same: pledge, pledged."""
PLAIN = frozenset(
    re.findall(
        r"\w+",
        "who whom whose what which when where why how many much long old is are was were be been do does did has have "
        "had in on at to from for by with of as and or that this it its he she they his her their there will would can",
    )
)
"""What a question holds that tells nothing of its subject."""

FEATURES = ("mass", "near", "passages", "articles", "tops", "age", "fits", "misfits", "cover")
"""Of an answer: the log of its summed probability; its best logit, less `RANK` for each passage that is nearer; log of
how many passages, and how many articles, give it; of how many it is the best; log of how many days older its newest
article is than the newest of all; whether it can, or can't, be of the kind that is asked for; how
much of the question its best passage speaks of."""
EVIDENCE = ("bias", "margin", "score", *FEATURES)
PERSON = r"[^\W\d_a-z]\w"
NUMBER = (
    r"\d|(?i:\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|once|twice)\b|"
    r"\b(?:half|dozens?|hundreds?|thousands?|millions?|billions?)\b)"
)
DATE = (
    r"\b(?:1[89]|20)\d\d\b|\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)[a-z]*\b|"
    r"\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b|\d[:.]\d|"
    r"(?i:\b(?:today|yesterday|tomorrow|tonight|week|month|year|morning|evening|noon|midnight|century|decade)s?\b)"
)
NAME = r"[^\W\d_a-z]"

ASKS = re.compile(r"\b(?:who(?:m|se)?|what|which|when|where|why|how)\b", re.IGNORECASE)
# The first pattern that stands where the question first asks tells which pattern its answer should hold:
# in "Who was hurt when the dock fell?" only "who" asks.
TYPES = tuple(
    (re.compile(question, re.IGNORECASE), re.compile(answer))
    for question, answer in (
        (
            r"\bhow (?:many|much|old|long|far|big|tall|often|high|fast)\b|\bwhat (?:percentage|share|age|score)\b",
            NUMBER,
        ),
        (r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|time)\b", DATE),
        (r"\bwho(?:m|se)?\b", PERSON),
        (r"\bwhere\b|\b(?:what|which) (?:country|city|state|town|company|team|actor|actress|singer|president)\b", NAME),
    )
)


class Model(Protocol):
    """Scores tokens; see `newsqa.spans`."""

    def score(self, question: str, passages: Sequence[Passage]) -> list[TokenScores]:
        """Score every token of every passage."""


class SpanReader:
    """Finds answers in passages (see `Reader`)."""

    def __init__(self, model: Model, ranking: Sequence[float], confidence: Sequence[float]) -> None:
        """Take the model, and the weights of `FEATURES` and `EVIDENCE`.

        Raises ValueError unless there is one weight for each.
        """
        if (len(ranking), len(confidence)) != (len(FEATURES), len(EVIDENCE)):
            raise ValueError(f"{len(ranking)} and {len(confidence)} weights for {len(FEATURES)} and {len(EVIDENCE)}")
        self._model = model
        self._ranking = np.asarray(ranking, np.float64)
        self._confidence = np.asarray(confidence, np.float64)

    def read(self, question: str, passages: Sequence[Passage]) -> list[Span]:
        """Return one span for each different answer, best first; ``score`` is a probability."""
        groups = gather(candidates(passages, self._model.score(question, passages)))
        if not groups:
            return []
        features = describe(question, groups)
        scores = features @ self._ranking
        logits = weigh(features, scores) @ self._confidence
        order = np.argsort(-scores, kind="stable")
        # What is ranked lower can't be more probable.
        probabilities = np.minimum.accumulate(np.exp(-np.logaddexp(0.0, -logits[order])))
        return [_span(groups[i], float(p)) for i, p in zip(order, probabilities, strict=True)]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A span that might answer: offsets into ``Article.text``, its logit and log probability."""

    passage: Passage
    rank: int
    start: int
    end: int
    logit: float
    log_probability: float

    @property
    def text(self) -> str:
        """The verbatim words."""
        return self.passage.text[self.start - self.passage.start : self.end - self.passage.start]


def candidates(passages: Sequence[Passage], scores: Sequence[TokenScores]) -> list[Candidate]:
    """Return the best spans of all passages, best first, each place once.

    Probabilities are normalised over all passages and the null, as in training.
    """
    normaliser = sum(float(np.logaddexp.reduce(np.r_[0.0, *side])) for side in _sides(scores))
    found: dict[tuple[str, int, int], Candidate] = {}
    for rank, (passage, one) in enumerate(zip(passages, scores, strict=True)):
        for first, last, logit in _best(one):
            start, end = passage.start + int(one.offsets[first, 0]), passage.start + int(one.offsets[last, 1])
            candidate = Candidate(passage, rank, start, end, logit, logit - normaliser)
            place = (passage.article_id, start, end)
            # Passages overlap.
            if place not in found or found[place].logit < logit:
                found[place] = candidate
    return sorted(found.values(), key=lambda c: -c.logit)


def _sides(scores: Sequence[TokenScores]) -> tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]]:
    return [one.starts for one in scores], [one.ends for one in scores]


def _best(one: TokenScores) -> list[tuple[int, int, float]]:
    """Return (first token, last token, logit) of a passage's best spans of whole words."""
    length = len(one.starts)
    starts = np.where(one.first, one.starts, -np.inf)
    ends = np.concatenate([np.where(one.last, one.ends, -np.inf), np.full(SPAN_TOKENS, -np.inf)])
    # Row i: spans that start at token i and end at one of the next ones.
    table = starts[:, np.newaxis] + np.lib.stride_tricks.sliding_window_view(ends, SPAN_TOKENS)[:length]
    best = np.argsort(-table, axis=None, kind="stable")[:SPANS]
    rows, columns = np.unravel_index(best, table.shape)
    return [
        (int(i), int(i + j), float(table[i, j])) for i, j in zip(rows, columns, strict=True) if np.isfinite(table[i, j])
    ]


def gather(found: Sequence[Candidate]) -> list[list[Candidate]]:
    """Group candidates that say the same, best first; the groups by their summed probability."""
    groups: dict[str, list[Candidate]] = {}
    for candidate in found:
        if words := normalised(candidate.text):
            groups.setdefault(words, []).append(candidate)
    return sorted(groups.values(), key=lambda group: -_mass(group))[:GROUPS]


def _mass(group: Sequence[Candidate]) -> float:
    return float(np.logaddexp.reduce([c.log_probability for c in group]))


def describe(question: str, groups: Sequence[Sequence[Candidate]]) -> NDArray[np.float64]:
    """Describe groups, shape (len(groups), len(FEATURES))."""
    wanted = _wanted(question)
    every = [candidate for group in groups for candidate in group]
    asked = {word[:STEM] for word in normalised(question).split() if word not in PLAIN}
    tops = {id(max(some, key=lambda c: c.logit)) for some in _by_passage(every).values()}
    newest = max((_day(c) for c in every), default=0)
    rows = []
    for group in groups:
        fits = bool(wanted and wanted.search(group[0].text))
        rows.append(
            (
                _mass(group),
                max(c.logit - RANK * c.rank for c in group),
                np.log(len(_by_passage(group))),
                np.log(len({c.passage.article_id for c in group})),
                sum(id(c) in tops for c in group),
                np.log1p(min(newest - _day(c) if _day(c) else UNDATED for c in group) if newest else 0),
                float(fits),
                float(bool(wanted) and not fits),
                _cover(asked, group[0].passage),
            )
        )
    return np.asarray(rows, np.float64).reshape(-1, len(FEATURES))


def _wanted(question: str) -> re.Pattern[str] | None:
    asks = ASKS.search(question)
    return next((answer for pattern, answer in TYPES if asks and pattern.match(question, asks.start())), None)


def _by_passage(some: Sequence[Candidate]) -> dict[int, list[Candidate]]:
    found: dict[int, list[Candidate]] = {}
    for candidate in some:
        found.setdefault(candidate.rank, []).append(candidate)
    return found


def _cover(asked: set[str], passage: Passage) -> float:
    """Share of the question's telling words, by their stems, that a passage or its headline has."""
    words = {word[:STEM] for word in normalised(f"{passage.title} {passage.text}").split()}
    return len(asked & words) / len(asked) if asked else 1.0


def _day(candidate: Candidate) -> int:
    """The day of publication as a number, 0 where unknown."""
    published = candidate.passage.published
    return parse_published(published[:10]).toordinal() if published else 0


def weigh(features: NDArray[np.float64], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gather what speaks for each answer, given all of them, shape (answers, len(EVIDENCE))."""
    others = np.array([max(np.delete(scores, i), default=scores[i] - 5.0) for i in range(len(scores))])
    margins = np.clip(scores - others, -5.0, 5.0)
    return np.column_stack([np.ones(len(scores)), margins, scores, features])


def _span(group: Sequence[Candidate], probability: float) -> Span:
    """Make the first candidate the answer; the others are where else it stands, each place once."""
    places: list[Span] = []
    for one in group:
        span = Span(one.passage, one.start, one.end, probability)
        if not any(map(span.overlaps, places)):
            places.append(span)
    return replace(places[0], also=tuple(places[1:]))
