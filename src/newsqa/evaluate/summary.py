"""Evaluations and comparisons as tables for a terminal: each table is a list of rows of cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from newsqa.evaluate.compare import Difference
from newsqa.evaluate.outcomes import BY_KIND, FAULTS, FIGURES, Evaluation, columns, figures, latency

Rows = list[tuple[object, ...]]


def tables(evaluation: Evaluation) -> Iterator[Rows]:
    """Figures, by kind of question, seconds, and how many questions went wrong why."""
    answerable = sum(outcome.answerable for outcome in evaluation.first)
    asked = [("questions", len(evaluation.first), f"{answerable} of them have an answer")]
    skipped = [("left out", count, why) for why, count in evaluation.skipped.items()]
    found = figures(columns(evaluation.outcomes))
    yield [*asked, *skipped, *((name, f"{value:.3f}", FIGURES[name]) for name, value in found.items())]
    yield [("kind", "questions", *BY_KIND), *kinds(evaluation)]
    yield [("milliseconds", "p50", "p95"), *milliseconds(evaluation)]
    yield [("went wrong", "questions"), *((FAULTS[fault], len(wrong)) for fault, wrong in evaluation.faults.items())]


def kinds(evaluation: Evaluation) -> Iterator[tuple[str, ...]]:
    """A row a kind of question: its name, how many, and the figures of `BY_KIND`."""
    for kind, outcomes in evaluation.kinds.items():
        own = figures(columns(outcomes))
        asked = sum(not outcome.again for outcome in outcomes)
        yield kind, f"{asked:,}", *(f"{own[name]:.3f}" if name in own else "-" for name in BY_KIND)


def milliseconds(evaluation: Evaluation) -> Iterator[tuple[str, str, str]]:
    """A row a step: its name, the median, and what 95 in 100 stay below."""
    for step, took in latency(evaluation.first).items():
        yield step, f"{1000 * took['p50']:.1f}", f"{1000 * took['p95']:.1f}"


def comparison(questions: int, differences: Sequence[Difference]) -> Iterator[Rows]:
    """How each figure differs, and whether by more than chance."""
    yield [("questions that both asked", questions)]
    rows: Rows = [("figure", "first", "second", "difference", "95% interval", "p", "")]
    for found in differences:
        numbers = (f"{found.first:.3f}", f"{found.second:.3f}", f"{found.difference:+.3f}")
        interval = f"{found.low:+.3f} to {found.high:+.3f}"
        verdict = "more than chance" if found.beyond_chance else "may be chance"
        rows.append((found.figure, *numbers, interval, f"{found.p:.3f}", verdict))
    yield rows
