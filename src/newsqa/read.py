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
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from newsqa.kinds import ASKS, asked_for
from newsqa.match import normalised, widened
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
TOLD = 6.0
"""What it is worth, as a logit, that a sentence speaks of all that is asked about, rather than of nothing."""

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

FEATURES = ("mass", "near", "relevance", "passages", "articles", "tops", "age", "fits", "misfits", "cover")
"""Of an answer: the log of its summed probability; its best logit, less `RANK` for each passage that is nearer; how
relevant its most relevant passage is; log of how many passages, and how many articles, give it; of how many it is the
best; log of how many days older its newest article is than the newest of all; whether it can, or can't, be of the kind
that is asked for; how much of the question its best passage speaks of."""
EVIDENCE = ("bias", "margin", "score", *FEATURES)
SETTLING = ("bias", "told", "logit")
"""Of a sentence that may settle a question of yes or no: how much of the question it speaks of, and its best logit."""

PARAGRAPH = re.compile(r"\n\s*\n")
"""What no answer reaches across."""
YES_OR_NO = re.compile(
    r"\W*(?:did|does|do|is|are|am|was|were|has|have|had|can|could|will|wo(?=n)|would|shall|should|may|might|must)"
    r"(?:n?[’']t)?\b"
    r"(?!.*\bor\b)",
    re.IGNORECASE,
)

Sentences = Callable[[str], list[tuple[int, int]]]
"""Returns the ``[start, end)`` of each sentence of a text."""


class Model(Protocol):
    """Scores tokens; see `newsqa.spans`."""

    def score(self, question: str, passages: Sequence[Passage]) -> list[TokenScores]:
        """Score every token of every passage."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What ``training/calibrate.py`` fitted: one weight for each of `FEATURES`, `EVIDENCE` and `SETTLING`."""

    ranking: Sequence[float]
    confidence: Sequence[float]
    settling: Sequence[float]

    def __post_init__(self) -> None:
        """Raise ValueError when there are more weights, or fewer."""
        for weights, names in ((self.ranking, FEATURES), (self.confidence, EVIDENCE), (self.settling, SETTLING)):
            if len(weights) != len(names):
                raise ValueError(f"{len(weights)} weights for {len(names)} features, {', '.join(names)}")


class SpanReader:
    """Finds answers in passages (see `Reader`)."""

    def __init__(self, model: Model, weights: Weights, sentences: Sentences) -> None:
        """Take the model, its fitted weights, and what splits a text into sentences."""
        self._model = model
        self._weights = weights
        self._sentences = sentences

    def read(self, question: str, passages: Sequence[Passage]) -> list[Span]:
        """Return one span for each different answer, best first; ``score`` is a probability."""
        groups = answers(question, passages, self._model.score(question, passages), self._sentences)
        if not groups:
            return []
        features = describe(question, groups)
        scores = features @ np.asarray(self._weights.ranking)
        if settles(question):
            logits = settling(question, groups) @ np.asarray(self._weights.settling)
        else:
            logits = weigh(features, scores) @ np.asarray(self._weights.confidence)
        order = np.argsort(-scores, kind="stable")
        # What is ranked lower can't be more probable.
        probabilities = np.minimum.accumulate(np.exp(-np.logaddexp(0.0, -logits[order])))
        return [_span(groups[i], float(p)) for i, p in zip(order, probabilities, strict=True)]


def answers(
    question: str, passages: Sequence[Passage], scores: Sequence[TokenScores], sentences: Sentences
) -> list[list[Candidate]]:
    """Return the different answers, each with its places, best first (see `gather`).

    The first place of an answer is the one whose sentence speaks most of what is asked about. A
    question of yes or no is answered by whole sentences, since a word of them would tell neither.
    """
    asked = _asked(question)
    splits = cache(sentences)

    def settled(candidate: Candidate) -> Candidate:
        """Take the whole sentence in which a candidate begins, and weigh it by what it says."""
        text, base = candidate.passage.text, candidate.passage.start
        begin = candidate.start - base
        start, end = widened(begin, begin + 1, splits(text))
        worth = TOLD * _share(asked, text[start:end])
        return replace(
            candidate,
            start=base + start,
            end=base + end,
            logit=candidate.logit + worth,
            log_probability=candidate.log_probability + worth,
        )

    found = candidates(passages, scores)
    if settles(question):
        return gather(_each_place_once(map(settled, found)))
    return [sorted(group, key=lambda one: -settled(one).logit) for group in gather(found)]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A span that might answer: offsets into ``Article.text``, its logit and log probability."""

    passage: Passage
    rank: int
    start: int
    end: int
    logit: float
    log_probability: float
    relevance: float

    @property
    def text(self) -> str:
        """The verbatim words."""
        return self.passage.text[self.start - self.passage.start : self.end - self.passage.start]


def candidates(passages: Sequence[Passage], scores: Sequence[TokenScores]) -> list[Candidate]:
    """Return the best spans of all passages, best first, each place once.

    Probabilities are normalised over all passages and the null, as in training.
    """
    normaliser = sum(float(np.logaddexp.reduce(np.r_[0.0, *side])) for side in _sides(scores))
    return _each_place_once(
        Candidate(
            passage,
            rank,
            passage.start + int(one.offsets[first, 0]),
            passage.start + int(one.offsets[last, 1]),
            logit,
            logit - normaliser,
            one.relevance,
        )
        for rank, (passage, one) in enumerate(zip(passages, scores, strict=True))
        for first, last, logit in _best(one, passage.text)
    )


def _each_place_once(every: Iterable[Candidate]) -> list[Candidate]:
    """Keep the best candidate of each place, best first: passages overlap, and so do sentences that hold several."""
    found: dict[tuple[str, int, int], Candidate] = {}
    for candidate in every:
        place = (candidate.passage.article_id, candidate.start, candidate.end)
        if place not in found or found[place].logit < candidate.logit:
            found[place] = candidate
    return sorted(found.values(), key=lambda c: -c.logit)


def _sides(scores: Sequence[TokenScores]) -> tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]]:
    return [one.starts for one in scores], [one.ends for one in scores]


def _best(one: TokenScores, text: str) -> list[tuple[int, int, float]]:
    """Return (first token, last token, logit) of a passage's best spans of whole words within a paragraph."""
    length = len(one.starts)
    if not length:
        return []
    starts = np.where(one.first, one.starts, -np.inf)
    ends = np.concatenate([np.where(one.last, one.ends, -np.inf), np.full(SPAN_TOKENS, -np.inf)])
    breaks = [match.start() for match in PARAGRAPH.finditer(text)]
    paragraph = np.searchsorted(breaks, np.pad(one.offsets[:, 0], (0, SPAN_TOKENS), constant_values=len(text)))
    # Row i: spans that start at token i and end at one of the next ones.
    windows = np.lib.stride_tricks.sliding_window_view
    table = starts[:, np.newaxis] + windows(ends, SPAN_TOKENS)[:length]
    table[windows(paragraph, SPAN_TOKENS)[:length] != paragraph[:length, np.newaxis]] = -np.inf
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
    wanted = asked_for(question)
    every = [candidate for group in groups for candidate in group]
    asked = _asked(question)
    tops = {id(max(some, key=lambda c: c.logit)) for some in _by_passage(every).values()}
    newest = max((_day(c) for c in every), default=0)
    rows = []
    for group in groups:
        fits = bool(wanted and wanted.search(group[0].text))
        rows.append(
            (
                _mass(group),
                max(c.logit - RANK * c.rank for c in group),
                max(c.relevance for c in group),
                np.log(len(_by_passage(group))),
                np.log(len({c.passage.article_id for c in group})),
                sum(id(c) in tops for c in group),
                np.log1p(min(newest - _day(c) if _day(c) else UNDATED for c in group) if newest else 0),
                float(fits),
                float(bool(wanted) and not fits),
                _share(asked, f"{group[0].passage.title} {group[0].passage.text}"),
            )
        )
    return np.asarray(rows, np.float64).reshape(-1, len(FEATURES))


def settles(question: str) -> bool:
    """Tell whether a question is answered by yes or no, and so by the sentence that settles it."""
    return bool(YES_OR_NO.match(question)) and not ASKS.search(question)


def settling(question: str, groups: Sequence[Sequence[Candidate]]) -> NDArray[np.float64]:
    """Gather what tells whether sentences settle a question of yes or no, shape (len(groups), len(SETTLING))."""
    asked = _asked(question)
    rows = []
    for group in groups:
        told = _share(asked, group[0].text)
        rows.append((1.0, told, group[0].logit - TOLD * told))
    return np.asarray(rows, np.float64).reshape(-1, len(SETTLING))


def _by_passage(some: Sequence[Candidate]) -> dict[int, list[Candidate]]:
    found: dict[int, list[Candidate]] = {}
    for candidate in some:
        found.setdefault(candidate.rank, []).append(candidate)
    return found


def _asked(question: str) -> set[str]:
    """Return the stems of a question's telling words."""
    return {word[:STEM] for word in normalised(question).split() if word not in PLAIN}


def _share(asked: set[str], text: str) -> float:
    """Tell which share of the stems a text has."""
    return len(asked & {word[:STEM] for word in normalised(text).split()}) / len(asked) if asked else 1.0


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
