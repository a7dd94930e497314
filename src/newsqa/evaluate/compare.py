"""Whether two evaluations of the same questions differ by more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from newsqa.errors import UsageError
from newsqa.evaluate.outcomes import Outcome, columns, figures

RESAMPLES = 2000
LEVEL = 95
"""Percent that the interval is to hold."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure of both runs; the difference, second less first, lies within [low, high] 95 times in 100."""

    figure: str
    first: float
    second: float
    difference: float
    low: float
    high: float
    p: float
    """How often chance alone makes a difference this large or larger, in either direction."""

    @property
    def beyond_chance(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low > 0 or self.high < 0


def compare(first: Sequence[Outcome], second: Sequence[Outcome]) -> tuple[int, list[Difference]]:
    """Return how many questions both runs asked, and how each figure differs on those.

    A paired bootstrap (Efron and Tibshirani 1993, chapter 16; Koehn, EMNLP 2004): questions are drawn
    with replacement, the same ones of both runs, and the figures computed anew.

    Raises UsageError when the runs share no question.
    """
    pairs = _pairs(first, second)
    if not pairs:
        raise UsageError("The two runs have no question in common, so there is nothing to compare.")
    one, two = (columns([pair[side] for rows in pairs for pair in rows]) for side in (0, 1))
    ends = np.cumsum([len(rows) for rows in pairs])
    places = np.split(np.arange(ends[-1]), ends[:-1])
    before, after = figures(one), figures(two)
    generator = np.random.default_rng(0)  # the same runs give the same intervals
    drawn: dict[str, list[float]] = {name: [] for name in before if name in after}
    for _ in range(RESAMPLES):
        rows = np.concatenate([places[i] for i in generator.integers(len(places), size=len(places))])
        left, right = (figures({name: values[rows] for name, values in table.items()}) for table in (one, two))
        for name, differences in drawn.items():
            if name in left and name in right:  # a draw may lack one of two classes
                differences.append(right[name] - left[name])
    return len(pairs), [_difference(name, before[name], after[name], d) for name, d in drawn.items() if d]


def document(asked: int, differences: Sequence[Difference]) -> dict[str, Any]:
    """What ``--compare`` writes as JSON; ``asked`` is how many questions both runs asked."""
    return {
        "questions": asked,
        "differences": [asdict(d) | {"beyond_chance": d.beyond_chance} for d in differences],
    }


def _difference(name: str, before: float, after: float, drawn: Sequence[float]) -> Difference:
    differences = np.asarray(drawn)
    low, high = np.percentile(differences, [(100 - LEVEL) / 2, (100 + LEVEL) / 2])
    p = min(1.0, 2 * float(min((differences <= 0).mean(), (differences >= 0).mean())))
    return Difference(name, before, after, after - before, float(low), float(high), p)


def _pairs(first: Sequence[Outcome], second: Sequence[Outcome]) -> list[list[tuple[Outcome, Outcome]]]:
    """Return a list for each question that both asked; it holds two pairs where both asked it again."""
    theirs = {(o.id, o.question, o.again): o for o in second}
    found: dict[str, list[tuple[Outcome, Outcome]]] = {}
    for ours in first:
        if other := theirs.get((ours.id, ours.question, ours.again)):
            found.setdefault(ours.id, []).append((ours, other))
    return list(found.values())
