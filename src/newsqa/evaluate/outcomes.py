"""What came of each question, and the figures that sum it up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from newsqa.errors import UsageError
from newsqa.evaluate import metrics
from newsqa.evaluate.questions import Half

Columns = dict[str, NDArray[np.float64]]
"""One array a field, one row an outcome: shape (outcomes,)."""

DEPTHS = (1, 5, 10)
FIGURES = {
    **{f"recall@{k}": f"an article that holds the answer is among the nearest {k}" for k in DEPTHS},
    "mrr@10": "mean reciprocal rank of the nearest such article, of the first 10",
    "read": "a passage that was read holds a right answer, word for word",
    "em": "the first answer is a right one, to the word (EM)",
    "f1": "words that the first answer and the nearest right one share (F1)",
    "contained": "the first answer holds a right one",
    "right": "the first answer is right: it holds a right one, or a right one holds it",
    "answered": "shown, not withheld, of the questions that have an answer",
    "precision": "right, of the answers shown",
    "abstained": "withheld, of the questions that have no answer",
    "found elsewhere": "right all the same, with the articles that hold the answer left out",
    "auroc answerable": "an answerable question has the higher confidence than an unanswerable one",
    "auroc right": "a right first answer has the higher confidence than a wrong one",
    "aurc": "mean share of wrong answers over all thresholds; lower is better",
    "ece": "how far confidence is from the share that is right, on average; lower is better",
    "coverage@80": "share of all questions that can be answered with 80% right",
    "coverage@90": "share of all questions that can be answered with 90% right",
    "citations": "citations that verify",
}
"""Every figure, in [0, 1], and what it says. One that the questions don't allow is left out."""
LOWER_IS_BETTER = {"aurc", "ece"}
BY_KIND = ("recall@5", "em", "f1", "right", "answered")

FAULTS = {
    "citation": "A citation doesn't verify",
    "unanswerable": "Answered, though there is no answer",
    "not found": "The answer stands in no passage that was read",
    "wrong": "A wrong answer was shown",
    "withheld": "A right answer was withheld",
    "unsure": "A wrong answer was withheld, though a passage that was read holds a right one",
}
"""Why a question went wrong: the first that applies."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of asking a question once.

    The answer is the best one, also where newsqa withholds it: ``answered`` tells whether
    its confidence reaches the threshold. All that judges an answer is false where there is none.
    """

    id: str
    question: str
    kind: str
    gold: tuple[str, ...]
    answerable: bool
    again: bool
    """Asked a second time, with the articles that hold the answer left out."""
    answer: str | None
    confidence: float
    answered: bool
    exact: bool
    f1: float
    contained: bool
    right: bool
    rank: int | None
    """Of the nearest article that holds the answer, 0 where none was near; None if not measured."""
    read: bool | None
    """Whether a passage that was read holds a right answer, word for word; None if not measured."""
    citations: int
    unverified: int
    """How many of the citations are not what the article says."""
    title: str | None
    quote: str | None
    seconds: dict[str, float]
    """Name of a step to the time it took."""

    @property
    def fault(self) -> str | None:
        """What went wrong, a key of `FAULTS`; nothing does where a wrong answer is withheld for want of a right one."""
        if self.unverified:
            return "citation"
        if not self.answerable:
            return "unanswerable" if self.answered else None
        if self.right:
            return None if self.answered else "withheld"
        if self.read is False:
            return "not found"
        return "wrong" if self.answered else "unsure"


JUDGED = ("answerable", "again", "confidence", "answered", "exact", "f1", "contained", "right")
COUNTED = (*JUDGED, "rank", "read", "citations", "unverified")
"""The fields of `Outcome` that figures are made of."""


@dataclass(frozen=True, slots=True)
class Way:
    """How questions are asked; figures of one way say nothing about another's."""

    given: bool = False
    """Each against the articles that it comes with alone."""
    without: bool = False
    """Each a second time, with the articles that hold its answer, and near copies of those, left out."""
    half: Half | None = None
    """Every second question alone: the even ones, counted from 0, or the odd ones."""
    limit: int | None = None
    """This many questions, evenly spread over the file."""
    as_of: str | None = None
    """The day on which they are asked, ISO 8601; else today."""
    dated: bool = False
    """Each on its own day, where it has one."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What came of the questions of a file; ``sha256`` is the file's."""

    file: str
    sha256: str
    way: Way
    min_confidence: float
    skipped: dict[str, int]
    """Why questions were left out, and how many."""
    outcomes: tuple[Outcome, ...]

    @property
    def first(self) -> list[Outcome]:
        """The outcomes of asking each question once, as it stands in the file."""
        return [outcome for outcome in self.outcomes if not outcome.again]

    @property
    def kinds(self) -> dict[str, list[Outcome]]:
        """The outcomes by kind of question, the most frequent kind first."""
        counts = Counter(outcome.kind for outcome in self.first).most_common()
        return {kind: [o for o in self.outcomes if o.kind == kind] for kind, _ in counts}

    @property
    def faults(self) -> dict[str, list[Outcome]]:
        """The outcomes that went wrong, by fault; those asked with their articles left out don't count."""
        found = {fault: [o for o in self.first if o.fault == fault] for fault in FAULTS}
        return {fault: wrong for fault, wrong in found.items() if wrong}


def columns(outcomes: Sequence[Outcome]) -> Columns:
    """Turn outcomes into arrays; what was not measured is nan, an article that was not found ranks at infinity."""
    found = {name: np.array([getattr(o, name) for o in outcomes], dtype=np.float64) for name in COUNTED}
    found["rank"][found["rank"] == 0] = np.inf
    return found


def figures(table: Columns) -> dict[str, float]:
    """Sum outcomes up, under the names of `FIGURES`."""
    first, answerable = table["again"] == 0, table["answerable"] == 1
    right, shown = table["right"], table["answered"] == 1
    found: dict[str, float] = {}

    def mean(name: str, values: NDArray[np.float64], of: NDArray[np.bool_]) -> None:
        chosen = values[of & ~np.isnan(values)]
        if len(chosen):
            found[name] = float(chosen.mean())

    ranks = table["rank"][answerable & ~np.isnan(table["rank"])]
    if len(ranks):
        found |= {f"recall@{k}": metrics.recall(ranks, k) for k in DEPTHS} | {"mrr@10": metrics.mrr(ranks, 10)}
    mean("read", table["read"], answerable)
    for name, column in (("em", "exact"), ("f1", "f1"), ("contained", "contained"), ("right", "right")):
        mean(name, table[column], answerable)
    mean("answered", table["answered"], answerable)
    mean("precision", right, first & shown)
    mean("abstained", 1 - table["answered"], ~answerable)
    mean("found elsewhere", table["right"], table["again"] == 1)
    if 0 < answerable.sum() < len(answerable):
        found["auroc answerable"] = metrics.auroc(table["confidence"], answerable)
    if first.any():
        found |= _confidence(table["confidence"][first], right[first])
    if cited := table["citations"].sum():
        found["citations"] = float(1 - table["unverified"].sum() / cited)
    return found


def _confidence(confidence: NDArray[np.float64], right: NDArray[np.float64]) -> dict[str, float]:
    found = {"auroc right": metrics.auroc(confidence, right == 1)} if 0 < right.sum() < len(right) else {}
    return found | {
        "aurc": metrics.aurc(confidence, right),
        "ece": metrics.ece(confidence, right),
        "coverage@80": metrics.coverage_at(confidence, right, 0.8),
        "coverage@90": metrics.coverage_at(confidence, right, 0.9),
    }


def latency(outcomes: Sequence[Outcome]) -> dict[str, dict[str, float]]:
    """Median and 95th percentile of each step's seconds, and of their ``total``."""
    took: dict[str, list[float]] = {}
    for outcome in outcomes:
        for name, value in (outcome.seconds | {"total": sum(outcome.seconds.values())}).items():
            took.setdefault(name, []).append(value)
    return {name: {f"p{p}": float(np.percentile(times, p)) for p in (50, 95)} for name, times in took.items()}


def document(evaluation: Evaluation) -> dict[str, Any]:
    """Everything as JSON; `load` reads it back."""
    kinds = {
        kind: {"questions": len([o for o in outcomes if not o.again]), **figures(columns(outcomes))}
        for kind, outcomes in evaluation.kinds.items()
    }
    return asdict(evaluation) | {
        "questions": len(evaluation.first),
        "figures": figures(columns(evaluation.outcomes)),
        "kinds": kinds,
        "seconds": latency(evaluation.first),
        "faults": {fault: len(wrong) for fault, wrong in evaluation.faults.items()},
        "outcomes": [asdict(outcome) | {"fault": outcome.fault} for outcome in evaluation.outcomes],
    }


def load(record: Mapping[str, Any]) -> Evaluation:
    """Read what `document` made; raises UsageError for anything else."""
    names = {field.name for field in fields(Outcome)}
    try:
        outcomes = tuple(
            Outcome(**{k: v for k, v in row.items() if k in names} | {"gold": tuple(row["gold"])})
            for row in record["outcomes"]
        )
        kept = {field.name: record[field.name] for field in fields(Evaluation)}
        return Evaluation(**kept | {"way": Way(**record["way"]), "outcomes": outcomes})
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"This is not what newsqa evaluate --json writes ({error!r}).") from error
