"""Dense and lexical rankings -> one ranking of passages, leaning to where and when answers stand in the news.

The constants were chosen on the even half of the development questions; `benchmarks/retrieval.py` prints
what each part is worth, and what else was tried.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from newsqa.asof import Period

CANDIDATES = 200
"""How many passages each side contributes."""
DENSE = 0.5
"""The dense side's share of a score; from 0.4 to 0.6 the measures differ by about half a point."""
LEAD = 0.05
"""What is added to the score of an article's first passage: news say first what matters most."""
DATED = 0.2
"""What is added to the score of a passage that was published on the very day that the question asks about."""
MONTH = 30
"""Days more in the period at which half of that is left: who names a year may mean what a later one tells of it."""
HALF_LIFE = 14
"""Days between period and publication at which half of it is left."""

ROUNDING = 1e-9
"""More than sums of scores differ by for the order they are added in."""

Ranked = Sequence[tuple[int, float]]


def fuse(dense: Ranked, lexical: Ranked, share: float = DENSE, depth: int = CANDIDATES) -> list[tuple[int, float]]:
    """Merge two rankings of (id, score), best first, at most ``depth`` long, into one with scores in [0, 1].

    Each side's scores are taken as shares of its best one, so that near scores stay near however few there
    are. What a side lacks scores 0 there, or, where that side was cut, as the last that it has: it can't be
    better. Ties go to the lower id.

    Source: Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval", TOIS 2023: a convex
    combination of scores scaled from a fixed least one, here 0, rather than from the least that was found.
    """
    total: dict[int, float] = dict.fromkeys((identity for identity, _ in (*dense, *lexical)), 0.0)
    for ranking, weight in ((dense, share), (lexical, 1 - share)):
        best = max((score for _, score in ranking), default=0.0)
        shares = {identity: max(score, 0.0) / best if best > 0 else 0.0 for identity, score in ranking}
        last = min(shares.values()) if len(shares) >= depth else 0.0
        for identity in total:
            total[identity] += weight * shares.get(identity, last)
    return _best_first(total)


def contenders(ranking: Ranked, k: int, *, dated: bool) -> Ranked:
    """Return those of a ranking, best first, that `lean` may bring among its first ``k``."""
    if len(ranking) <= k:
        return ranking
    least = ranking[k - 1][1] - LEAD - DATED * dated - ROUNDING
    return [(identity, score) for identity, score in ranking if score >= least]


def lean(
    ranking: Ranked, first: Collection[int], published: Mapping[int, str | None], periods: Sequence[Period]
) -> list[tuple[int, float]]:
    """Add to the scores of a ranking what a passage's place and date are worth, best first; nothing is left out.

    Args:
        ranking: Ids and scores in [0, 1].
        first: Ids of passages that begin their article.
        published: When the articles of the passages were published; needed only where there are periods.
        periods: When what answers the question was published, as far as is known.

    Source of a prior that decays exponentially with time: Li and Croft, "Time-Based Language Models", CIKM 2003.
    """

    def worth(identity: int) -> float:
        day = published.get(identity)
        return LEAD * (identity in first) + DATED * max((_near(day, one) for one in periods if day), default=0.0)

    return _best_first({identity: score + worth(identity) for identity, score in ranking})


def _near(published: str, period: Period) -> float:
    """Tell how much a publication is one of the period: 1 on its only day, less in a long one, 0 far from it."""
    away = period.days_from(date.fromisoformat(published[:10]))
    share = MONTH / (MONTH + (period.last - period.first).days)
    return float(share * 2 ** (-away / HALF_LIFE))


def _best_first(scores: Mapping[int, float]) -> list[tuple[int, float]]:
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))
