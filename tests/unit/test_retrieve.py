from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsqa.retrieve import fuse

rankings = st.lists(
    st.lists(st.integers(0, 50), unique=True, max_size=30).map(lambda ids: [(i, -float(n)) for n, i in enumerate(ids)]),
    min_size=1,
    max_size=4,
)


def test_scores_are_sums_of_reciprocal_ranks() -> None:
    fused = fuse([[(1, 9.0), (2, 8.0)], [(2, 0.3)]], k=60)
    assert [i for i, _ in fused] == [2, 1]
    assert [s for _, s in fused] == pytest.approx([1 / 62 + 1 / 61, 1 / 61])


@given(rankings)
def test_every_id_comes_once_and_best_first(given_rankings: list[list[tuple[int, float]]]) -> None:
    fused = fuse(given_rankings)
    assert sorted(i for i, _ in fused) == sorted({i for ranking in given_rankings for i, _ in ranking})
    assert [s for _, s in fused] == sorted((s for _, s in fused), reverse=True)


@given(rankings)
def test_one_ranking_keeps_its_order(given_rankings: list[list[tuple[int, float]]]) -> None:
    assert [i for i, _ in fuse(given_rankings[:1])] == [i for i, _ in given_rankings[0]]


@given(rankings)
def test_the_order_of_the_rankings_does_not_matter(given_rankings: list[list[tuple[int, float]]]) -> None:
    forwards, backwards = dict(fuse(given_rankings)), dict(fuse(given_rankings[::-1]))
    assert forwards == pytest.approx(backwards)
