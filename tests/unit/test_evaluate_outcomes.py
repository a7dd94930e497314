"""Figures, faults, floors and comparisons of outcomes that were written by hand."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from newsqa.errors import UsageError
from newsqa.evaluate import floors, summary
from newsqa.evaluate.compare import compare
from newsqa.evaluate.outcomes import (
    FAULTS,
    FIGURES,
    Outcome,
    Way,
    columns,
    document,
    figures,
    latency,
    load,
)
from outcomes import AGAIN, ALL, BASE, NONE, WHOLE, WITHHELD, WRONG


def found(*outcomes: Outcome) -> dict[str, float]:
    return figures(columns(outcomes))


def test_figures_by_hand() -> None:
    assert found(*ALL) == {
        "recall@1": pytest.approx(1 / 3),
        "recall@5": pytest.approx(1 / 3),
        "recall@10": pytest.approx(2 / 3),
        "mrr@10": pytest.approx((1 + 1 / 7) / 3),
        "read": pytest.approx(2 / 3),
        "em": pytest.approx(1 / 3),
        "f1": pytest.approx(0.5),
        "contained": pytest.approx(2 / 3),
        "right": pytest.approx(2 / 3),
        "answered": pytest.approx(2 / 3),
        "precision": pytest.approx(1 / 2),
        "abstained": pytest.approx(1),
        "found elsewhere": pytest.approx(0),
        # .9 .7 .2 against .1 .3: five pairs of six are in order.
        "auroc answerable": pytest.approx(5 / 6),
        # Right .9 .2 against wrong .7 .1: three pairs of four.
        "auroc right": pytest.approx(3 / 4),
        "aurc": pytest.approx((0 + 1 / 2 + 1 / 3 + 2 / 4) / 4),
        "ece": pytest.approx((0.1 + 0.7 + 0.8 + 0.1) / 4),
        "coverage@80": pytest.approx(1 / 4),
        "coverage@90": pytest.approx(1 / 4),
        "citations": pytest.approx(1),
    }


def test_figures_keep_to_what_was_measured() -> None:
    assert set(found(replace(BASE, rank=None, read=None))) == set(FIGURES) - {
        *(f"recall@{k}" for k in (1, 5, 10)),
        *("mrr@10", "read", "abstained", "found elsewhere", "auroc answerable", "auroc right"),
    }
    assert set(found(NONE)) == {"abstained", "aurc", "ece", "coverage@80", "coverage@90", "citations"}
    assert found(AGAIN) == {"abstained": 1.0, "found elsewhere": 0.0, "citations": 1.0}


def test_every_figure_is_explained() -> None:
    assert set(found(*ALL)) == set(FIGURES)


def test_citations_that_do_not_verify_count() -> None:
    assert found(BASE, replace(BASE, unverified=1))["citations"] == 0.75


@pytest.mark.parametrize(
    ("outcome", "fault"),
    [
        (BASE, None),
        (replace(BASE, unverified=1), "citation"),
        (WRONG, "not found"),
        (replace(WRONG, read=True), "wrong"),
        (replace(WRONG, read=None), "wrong"),
        (replace(WRONG, read=True, answered=False), "unsure"),
        (WITHHELD, "withheld"),
        (NONE, None),
        (replace(NONE, answered=True), "unanswerable"),
    ],
)
def test_faults(outcome: Outcome, fault: str | None) -> None:
    assert outcome.fault == fault
    assert fault is None or fault in FAULTS


def test_faults_are_listed_without_what_was_asked_again() -> None:
    wrong = replace(WHOLE, outcomes=(*ALL, replace(AGAIN, answered=True)))
    assert {fault: [o.id for o in outcomes] for fault, outcomes in wrong.faults.items()} == {
        "not found": ["2"],
        "withheld": ["3"],
    }


def test_kinds_hold_both_askings_and_the_most_frequent_comes_first() -> None:
    assert [(kind, len(outcomes)) for kind, outcomes in WHOLE.kinds.items()] == [("who", 4), ("when", 1)]


def test_latency_is_by_step_and_in_total() -> None:
    slow = replace(BASE, seconds={"read": 1.2})
    took = latency([BASE, slow])
    assert took["read"] == {"p50": pytest.approx(0.7), "p95": pytest.approx(0.2 + 0.95)}
    assert took["cite"]["p50"] == 0.1
    assert took["total"]["p50"] == pytest.approx(0.75)


def test_a_document_is_json_and_loads_again() -> None:
    written = json.loads(json.dumps(document(WHOLE), allow_nan=False))
    assert load(written) == WHOLE
    assert written["questions"] == 4
    assert written["figures"] == {name: pytest.approx(value) for name, value in found(*ALL).items()}
    assert written["kinds"]["when"]["questions"] == 1
    assert written["faults"] == {"not found": 1, "withheld": 1}
    assert [row["fault"] for row in written["outcomes"]] == [outcome.fault for outcome in ALL]


@pytest.mark.parametrize("record", [{}, {"outcomes": [1]}, {"outcomes": [{"id": "1"}]}, {"outcomes": []}])
def test_what_is_no_document_is_refused(record: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="not what newsqa evaluate --json writes"):
        load(record)


def test_tables_name_every_figure_kind_step_and_fault() -> None:
    figure, kind, seconds, wrong = summary.tables(WHOLE)
    assert figure[:2] == [("questions", 4, "3 of them have an answer"), ("left out", 2, "why")]
    assert [row[0] for row in figure[2:]] == list(found(*ALL))
    assert ("recall@1", "0.333", FIGURES["recall@1"]) in figure
    assert kind == [
        ("kind", "questions", "recall@5", "em", "f1", "right", "answered"),
        ("who", "3", "0.500", "0.500", "0.500", "0.500", "1.000"),
        ("when", "1", "0.000", "0.000", "0.500", "1.000", "0.000"),
    ]
    assert seconds[1:] == [("read", "200.0", "200.0"), ("cite", "100.0", "100.0"), ("total", "300.0", "300.0")]
    assert wrong[1:] == [(FAULTS["not found"], 1), (FAULTS["withheld"], 1)]


# Floors


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "floors.json"


def test_floors_lie_a_little_below_what_was_measured(path: Path) -> None:
    many = tuple(replace(o, id=f"{n} {o.id}") for n in range(25) for o in ALL)
    evaluation = replace(WHOLE, outcomes=many)
    assert floors.write(evaluation, path, floors.read(path, new=True)) == []
    kept = floors.read(path)
    assert kept["sha256"] == "abc"
    assert kept["way"] == asdict(Way())
    assert kept["lowered"] == []
    # 100 questions leave .01 + 1/100 of room, 75 of the kind "who" .01 + 1/75; both rounded outwards.
    assert kept["floors"]["right"] == 0.64
    assert kept["floors"]["right [who]"] == 0.47
    assert kept["floors"]["ece"] == 0.43  # .405 measured
    assert kept["floors"]["recall@1"] == 0.31
    assert not {"citations", "found elsewhere"} & set(kept["floors"])
    assert floors.check(evaluation, kept) == []


def test_a_figure_below_its_floor_is_told(path: Path) -> None:
    kept = {"sha256": "abc", "way": asdict(Way()), "min_confidence": WHOLE.min_confidence, "lowered": []}
    kept |= {"floors": {"right": 0.67, "right [who]": 0.5, "ece": 0.4, "right [where]": 0.1}}
    assert floors.check(WHOLE, kept) == [
        "right [where]: not measured, the floor is 0.10",
        "right: 0.667, the floor is 0.67",
        "ece: 0.425, the floor is 0.40",
    ]


@pytest.mark.parametrize("other", [{"sha256": "def"}, {"way": Way(given=True)}, {"min_confidence": 0.9}])
def test_floors_of_other_questions_or_another_way_say_nothing(path: Path, other: dict[str, Any]) -> None:
    floors.write(WHOLE, path, floors.read(path, new=True))
    (told,) = floors.check(replace(WHOLE, **other), floors.read(path))
    assert told.startswith("The floors are those of other questions")


def test_a_floor_falls_only_for_a_reason_which_is_kept(path: Path) -> None:
    kept: floors.Floors = {"sha256": "abc", "way": {}, "min_confidence": 0.5, "lowered": ["earlier"]}
    kept["floors"] = {"right": 0.5, "ece": 0.1}
    path.write_text(json.dumps(kept))
    (told,) = floors.write(WHOLE, path, kept)
    assert told.startswith("Not written, for it would lower right, ece.")
    assert floors.read(path) == kept
    assert floors.write(WHOLE, path, kept, "the questions are harder") == []
    assert floors.read(path)["lowered"] == ["earlier", "the questions are harder"]


def test_a_floor_that_is_gone_counts_as_lowered_and_one_that_rises_needs_no_reason(path: Path) -> None:
    kept: floors.Floors = {"sha256": "abc", "way": {}, "min_confidence": 0.5, "lowered": []}
    kept["floors"] = {"right": 0.1, "right [why]": 0.1}
    (told,) = floors.write(WHOLE, path, kept)
    assert "right [why]" in told
    del kept["floors"]["right [why]"]
    assert floors.write(WHOLE, path, kept, "needless") == []
    assert floors.read(path)["lowered"] == []


@pytest.mark.parametrize("content", [None, "[]", "{", '{"sha256": "abc"}'])
def test_floors_that_cannot_be_read(path: Path, content: str | None) -> None:
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match="holds no floors"):
        floors.read(path)


# Comparison


def many(right: int, of: int = 200, confidence: float = 0.9) -> list[Outcome]:
    return [
        replace(BASE if n < right else WRONG, id=str(n), confidence=confidence - n / 1000, rank=None, read=None)
        for n in range(of)
    ]


def test_a_run_differs_from_itself_by_nothing() -> None:
    asked, differences = compare(many(120), many(120))
    assert asked == 200
    assert {(d.difference, d.low, d.high, d.p, d.beyond_chance) for d in differences} == {(0, 0, 0, 1, False)}


def test_a_large_difference_is_beyond_chance_and_a_small_one_is_not() -> None:
    def right(first: list[Outcome], second: list[Outcome]) -> Any:
        return next(d for d in compare(first, second)[1] if d.figure == "right")

    large = right(many(100), many(130))
    assert (large.first, large.second) == (0.5, 0.65)
    assert large.difference == pytest.approx(0.15)
    # Of paired questions 30 of 200 changed: the standard error is sqrt(.15 * .85 / 200) = .025.
    assert large.low == pytest.approx(0.15 - 1.96 * 0.025, abs=0.01)
    assert large.high == pytest.approx(0.15 + 1.96 * 0.025, abs=0.01)
    assert large.beyond_chance
    assert large.p < 0.01
    one = right(many(100), many(101))
    assert not one.beyond_chance
    assert one.p > 0.05


def test_only_questions_that_both_asked_are_compared_with_all_their_askings() -> None:
    again = [replace(AGAIN, id=str(n), confidence=0.1) for n in range(50)]
    asked, differences = compare([*many(100)[:50], *again], [*again, *many(130)])
    assert asked == 50
    assert "auroc answerable" in {difference.figure for difference in differences}
    with pytest.raises(UsageError, match="no question in common"):
        compare(many(3), [replace(BASE, id="other")])
    with pytest.raises(UsageError, match="no question in common"):
        compare([BASE], [replace(BASE, question="Another?")])


def test_the_comparison_says_what_may_be_chance() -> None:
    asked, differences = compare(many(100), many(130))
    ((head,), (_, *rows)) = summary.comparison(asked, differences)
    assert head == ("questions that both asked", 200)
    told = {row[0]: row[-1] for row in rows}
    assert told["right"] == "more than chance"
    assert told["citations"] == "may be chance"
