"""Measures of rankings and of confidence: small functions over arrays of shape (n,).

``confidence`` is in [0, 1]; ``right`` is 1 where the answer is right, else 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from newsqa.match import contained

Floats = NDArray[np.float64]

BINS = 10


def right(answer: str, gold: tuple[str, ...]) -> bool:
    """Tell whether an answer is right: it holds a gold answer, or a gold answer holds it.

    Word for word after `match.normalised`: "Mayor Ada Brandt" and "Brandt" both answer
    "Ada Brandt"; "Ada Lund" doesn't.
    """
    return contained(answer, gold) or any(contained(one, [answer]) for one in gold)


def recall(rank: Floats, k: int) -> float:
    """Share of questions with a labelled article among the ``k`` nearest; ``rank`` counts from 1, inf is not found."""
    return float((rank <= k).mean())


def mrr(rank: Floats, k: int) -> float:
    """Mean reciprocal rank of the first labelled article, 0 beyond ``k`` (Voorhees, TREC-8 1999)."""
    return float(np.where(rank <= k, 1 / rank, 0.0).mean())


def auroc(scores: Floats, positive: NDArray[np.bool_]) -> float:
    """Probability that a positive scores above a negative, ties half (Mann and Whitney 1947; Hanley and McNeil 1982).

    Both kinds must be present.
    """
    values, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    n = int(positive.sum())
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * (len(values[place]) - n)))


def risk_coverage(confidence: Floats, right: Floats) -> tuple[Floats, Floats]:
    """Return coverage and risk at every threshold that separates, coverage ascending.

    Coverage is the share of questions answered, risk the share of wrong answers among
    them (El-Yaniv and Wiener, JMLR 2010).
    """
    order = np.argsort(-confidence, kind="stable")
    risk = 1 - np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    ends = np.flatnonzero(np.diff(confidence[order], append=-np.inf))  # equal confidences are answered together
    return (ends + 1) / len(order), risk[ends]


def aurc(confidence: Floats, right: Floats) -> float:
    """Area under the risk-coverage curve: the mean risk over all coverages (Geifman, Uziel and El-Yaniv, ICLR 2019)."""
    coverage, risk = risk_coverage(confidence, right)
    return float((np.diff(coverage, prepend=0.0) * risk).sum())


def coverage_at(confidence: Floats, right: Floats, precision: float) -> float:
    """Largest share of questions that can be answered with at least this precision; 0 when none can."""
    coverage, risk = risk_coverage(confidence, right)
    return float(coverage[1 - risk >= precision - 1e-12].max(initial=0.0))


def reliability(confidence: Floats, right: Floats, bins: int = BINS) -> list[tuple[float, float, int]]:
    """Return (mean confidence, share right, questions) of bins of equal size, confidence ascending."""
    order = np.argsort(confidence, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return [(float(confidence[p].mean()), float(right[p].mean()), len(p)) for p in parts]


def ece(confidence: Floats, right: Floats, bins: int = BINS) -> float:
    """Mean distance of confidence from the share right, over bins of equal size (Nguyen and O'Connor, EMNLP 2015)."""
    return sum(n * abs(sure - share) for sure, share, n in reliability(confidence, right, bins)) / len(confidence)
