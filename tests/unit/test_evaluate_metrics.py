"""Measures by value: against scikit-learn, against definitions written out, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from newsqa.evaluate import metrics

CONFIDENCE = np.array([0.9, 0.8, 0.8, 0.6, 0.3])
RIGHT = np.array([1.0, 1.0, 0.0, 1.0, 0.0])

judged = st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]), st.booleans()), min_size=1, max_size=40)


def arrays(rows: list[tuple[float, bool]]) -> tuple[metrics.Floats, metrics.Floats]:
    return np.array([row[0] for row in rows]), np.array([float(row[1]) for row in rows])


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("Ada Brandt", True),
        ("Mayor Ada Brandt cut the ribbon.", True),
        ("Brandt", True),
        ("the “Ada Brandt”", True),
        ("Ada Lund", False),
        ("Ada Brandtson", False),
        ("the", False),
        ("", False),
        ("41", True),
    ],
)
def test_right_is_containment_either_way_word_for_word(answer: str, right: bool) -> None:
    assert metrics.right(answer, ("Ada Brandt", "41 million crowns")) is right


def test_nothing_is_right_without_a_known_answer() -> None:
    assert not metrics.right("Ada Brandt", ())


def test_recall_and_mrr_by_hand() -> None:
    ranks = np.array([1, 3, np.inf, 12])
    assert [metrics.recall(ranks, k) for k in (1, 3, 12)] == [0.25, 0.5, 0.75]
    assert metrics.mrr(ranks, 10) == pytest.approx((1 + 1 / 3) / 4)


@given(judged.filter(lambda rows: len({right for _, right in rows}) == 2))
def test_auroc_equals_scikit_learn(rows: list[tuple[float, bool]]) -> None:
    confidence, right = arrays(rows)
    assert metrics.auroc(confidence, right == 1) == pytest.approx(roc_auc_score(right, confidence))


def test_risk_coverage_answers_equal_confidences_together() -> None:
    coverage, risk = metrics.risk_coverage(CONFIDENCE, RIGHT)
    assert coverage.tolist() == pytest.approx([0.2, 0.6, 0.8, 1.0])
    assert risk.tolist() == pytest.approx([0, 1 / 3, 1 / 4, 2 / 5])
    assert metrics.aurc(CONFIDENCE, RIGHT) == pytest.approx(0.4 / 3 + 0.2 / 4 + 0.2 * 2 / 5)


@given(judged, st.sampled_from([0.5, 0.8, 0.9, 1.0]))
def test_coverage_at_precision_is_the_best_over_all_thresholds(rows: list[tuple[float, bool]], wanted: float) -> None:
    best = 0.0
    for threshold in {confidence for confidence, _ in rows}:
        shown = [right for confidence, right in rows if confidence >= threshold]
        if sum(shown) / len(shown) >= wanted:
            best = max(best, len(shown) / len(rows))
    assert metrics.coverage_at(*arrays(rows), wanted) == pytest.approx(best)


def test_ece_is_the_mean_gap_of_bins_of_equal_size() -> None:
    # Sorted and cut in two: {.3, .6, .8} with right 0, 1 and one of two equals, then {.8, .9}.
    bins = metrics.reliability(CONFIDENCE, RIGHT, bins=2)
    assert [n for _, _, n in bins] == [3, 2]
    assert [sure for sure, _, _ in bins] == pytest.approx([1.7 / 3, 0.85])
    assert metrics.ece(CONFIDENCE, RIGHT, bins=2) == pytest.approx((3 * abs(1.7 / 3 - 2 / 3) + 2 * abs(0.85 - 0.5)) / 5)


@given(judged)
def test_ece_lies_between_the_whole_gap_and_one(rows: list[tuple[float, bool]]) -> None:
    confidence, right = arrays(rows)
    gap = abs(confidence.mean() - right.mean())
    assert gap - 1e-9 <= metrics.ece(confidence, right) <= 1
