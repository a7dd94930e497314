from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsqa.asof import Period
from newsqa.retrieve import DATED, HALF_LIFE, LEAD, MONTH, Ranked, contenders, fuse, lean

DAY = date(2025, 3, 14)
ON_THE_DAY = Period(DAY, DAY)


def ranked(least: float) -> st.SearchStrategy[Ranked]:
    """Rankings whose scores are at least so high."""
    scores = st.floats(least, 10).map(lambda score: round(score, 3))
    return st.dictionaries(st.integers(0, 50), scores, max_size=30).map(
        lambda found: sorted(found.items(), key=lambda item: (-item[1], item[0]))
    )


rankings, positive = ranked(-10), ranked(0.001)


def test_scores_are_shares_of_the_best_of_each_side() -> None:
    fused = fuse([(1, 0.8), (2, 0.6), (3, 0.4)], [(3, 30.0), (4, 24.0), (2, 15.0)], share=0.4, depth=3)
    assert [i for i, _ in fused] == [3, 1, 4, 2]
    # 1 is not among the lexical ones and counts there as the last of them; so does 4 among the dense ones.
    assert [s for _, s in fused] == pytest.approx([0.2 + 0.6, 0.4 + 0.3, 0.2 + 0.48, 0.3 + 0.3])


def test_a_side_that_was_not_cut_says_that_it_found_no_more() -> None:
    assert fuse([(1, 0.8), (2, 0.8)], [(2, 30.0)], share=0.4) == [(2, 1.0), (1, 0.4)]
    assert fuse([(1, 0.8), (2, 0.8)], [(2, 30.0)], share=0.4, depth=1) == [(1, 1.0), (2, 1.0)]


def test_near_scores_stay_near_when_there_are_only_two() -> None:
    (_, high), (_, low) = fuse([(1, 0.71), (2, 0.70)], [(1, 9.0), (2, 8.9)])
    assert high - low < 0.02


def test_an_empty_side_and_one_without_a_good_score_say_nothing() -> None:
    assert fuse([(8, 0.3), (9, 0.3)], [], share=0.4) == [(8, 0.4), (9, 0.4)]
    assert fuse([(8, 0.0), (9, -0.1)], [(9, 2.0)], share=0.4) == [(9, 0.6), (8, 0.0)]
    assert fuse([], []) == []


@given(rankings, rankings)
def test_every_id_comes_once_and_best_first(dense: Ranked, lexical: Ranked) -> None:
    fused = fuse(dense, lexical)
    assert sorted(i for i, _ in fused) == sorted({i for i, _ in (*dense, *lexical)})
    assert fused == sorted(fused, key=lambda item: (-item[1], item[0]))
    assert all(0 <= score <= 1 + 1e-9 for _, score in fused)


@given(positive)
def test_one_side_alone_keeps_its_order(ranking: Ranked) -> None:
    assert [i for i, _ in fuse(ranking, [])] == [i for i, _ in ranking]
    assert [i for i, _ in fuse([], ranking)] == [i for i, _ in ranking]


@given(rankings, rankings, st.floats(0.1, 10))
def test_the_unit_of_a_side_does_not_matter(dense: Ranked, lexical: Ranked, by: float) -> None:
    other = [(i, score * by) for i, score in lexical]
    assert dict(fuse(dense, other)) == pytest.approx(dict(fuse(dense, lexical)))


def worth(published: str | None, *periods: Period) -> float:
    """What is added to a score of 0."""
    ((identity, score),) = lean([(7, 0.0)], (), {7: published}, periods)
    assert identity == 7
    return score


def test_a_publication_of_the_day_counts_most_and_half_as_much_a_half_life_away() -> None:
    apart = timedelta(days=HALF_LIFE)
    assert worth("2025-03-14T09:30:00+01:00", ON_THE_DAY) == DATED
    assert worth(str(DAY + apart), ON_THE_DAY) == worth(str(DAY - apart), ON_THE_DAY) == DATED / 2
    assert worth("1999-01-01", ON_THE_DAY) == pytest.approx(0)


def test_a_long_period_says_less_and_the_best_of_several_counts() -> None:
    month = Period(DAY, DAY + timedelta(days=MONTH))
    assert worth(str(month.last), month) == DATED / 2
    assert worth(str(DAY), month, ON_THE_DAY) == DATED


def test_the_date_can_bring_the_second_before_the_first() -> None:
    dates = {1: "2019-03-14", 2: str(DAY)}
    assert lean([(1, 0.6), (2, 0.5)], (), dates, [ON_THE_DAY]) == [(2, 0.5 + DATED), (1, pytest.approx(0.6))]


def test_the_first_passage_of_an_article_counts_more() -> None:
    found = lean([(1, 0.6), (2, 0.6), (3, 0.1)], {2, 3}, {}, [])
    assert found == [(2, 0.6 + LEAD), (1, 0.6), (3, pytest.approx(0.1 + LEAD))]


def test_an_undated_article_is_neither_preferred_nor_left_out() -> None:
    assert worth(None, ON_THE_DAY) == 0
    assert lean([(1, 0.7)], (), {}, [ON_THE_DAY]) == [(1, 0.7)]


@given(
    rankings,
    rankings,
    st.sets(st.integers(0, 50)),
    st.lists(st.none() | st.dates().map(str), min_size=51, max_size=51),
    st.lists(st.tuples(st.dates(), st.dates()).map(lambda days: Period(min(days), max(days))), max_size=2),
)
def test_a_prior_keeps_every_passage_and_takes_nothing_from_its_score(
    dense: Ranked, lexical: Ranked, first: set[int], dates: list[str | None], periods: list[Period]
) -> None:
    before = fuse(dense, lexical)
    after = dict(lean(before, first, dict(enumerate(dates)), periods))
    assert after.keys() == dict(before).keys()
    assert all(score <= after[i] <= score + LEAD + DATED for i, score in before)
    assert periods or first or list(after) == [i for i, _ in before]


@given(
    scores=st.lists(st.floats(0, 1), max_size=40),
    first=st.sets(st.integers(0, 39)),
    near=st.sets(st.integers(0, 39)),
    k=st.integers(1, 12),
    dated=st.booleans(),
)
def test_contenders_are_all_that_can_come_first(
    scores: list[float], first: set[int], near: set[int], k: int, dated: bool
) -> None:
    ranking = list(enumerate(sorted(scores, reverse=True)))
    published = {i: "2025-01-02" if i in near else "1999-01-01" for i, _ in ranking}
    periods = [Period(date(2025, 1, 2), date(2025, 1, 2))] if dated else []
    few = contenders(ranking, k, dated=dated)
    assert lean(few, first, published, periods)[:k] == lean(ranking, first, published, periods)[:k]
