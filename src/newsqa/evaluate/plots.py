"""Plots of an evaluation as SVG, each with its figures and a sentence for those who can't see it.

matplotlib comes with the extra ``report`` and takes a moment to load, so it is imported when a plot is drawn.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from newsqa.errors import UsageError
from newsqa.evaluate import metrics
from newsqa.evaluate.outcomes import Columns

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE, GREY = "#1f5fa8", "#b5530c", "#767676"
DEEPEST = 20
COVERAGES = 10
"""How many points of a curve are told as figures."""


@dataclass(frozen=True, slots=True)
class Plot:
    """``svg`` is a whole document; ``rows`` are the figures, under ``head``; ``told`` says what is seen."""

    title: str
    told: str
    head: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    svg: str


def check_installed() -> None:
    """Raise UsageError, with what to run, unless plots can be drawn."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise UsageError("A report has plots, for which matplotlib is missing: pip install 'newsqa[report]'") from error


def draw(table: Columns) -> list[Plot]:
    """Draw what the outcomes allow: reliability, risk and coverage, recall."""
    first = table["again"] == 0
    confidence, right = table["confidence"][first], table["right"][first]
    plots = [_reliability(confidence, right), _risk_coverage(confidence, right)]
    ranks = table["rank"][~np.isnan(table["rank"])]
    return [*plots, _recall(ranks)] if len(ranks) else plots


def _reliability(confidence: metrics.Floats, right: metrics.Floats) -> Plot:
    bins = metrics.reliability(confidence, right)
    sure, share = [b[0] for b in bins], [b[1] for b in bins]

    def plot(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="confidence is the share right")
        axes.plot(sure, share, color=BLUE, marker="o", label="newsqa", clip_on=False)
        axes.set(xlabel="confidence", ylabel="share right", xlim=(0, 1), ylim=(0, 1))
        axes.legend(loc="lower right", frameon=False)

    told = (
        f"Answers in {len(bins)} groups of growing confidence. From the least to the most confident, "
        f"confidence goes from {sure[0]:.2f} to {sure[-1]:.2f} and the share right from {share[0]:.2f} to "
        f"{share[-1]:.2f}. Expected calibration error: {metrics.ece(confidence, right):.3f}."
    )
    rows = [(f"{s:.2f}", f"{r:.2f}", f"{n:,}") for s, r, n in bins]
    return Plot("Reliability", told, ("mean confidence", "share right", "answers"), rows, _svg(plot))


def _risk_coverage(confidence: metrics.Floats, right: metrics.Floats) -> Plot:
    coverage, risk = metrics.risk_coverage(confidence, right)

    def plot(axes: Axes) -> None:
        axes.step(coverage, risk, where="post", color=BLUE)
        for precision in (0.8, 0.9):
            axes.axhline(1 - precision, color=ORANGE, linestyle=":", linewidth=1)
            axes.text(0.99, 1 - precision, f"{precision:.0%} right", ha="right", va="bottom", color=ORANGE)
        axes.set(xlabel="coverage: share of questions answered", ylabel="risk: share of them wrong")
        axes.set(xlim=(0, 1), ylim=(0, 1))

    at = {p: metrics.coverage_at(confidence, right, p) for p in (0.8, 0.9)}
    told = (
        f"Of all questions, {at[0.8]:.0%} can be answered with 80% right and {at[0.9]:.0%} with 90% right; "
        f"when all are answered, {risk[-1]:.0%} of the answers are wrong."
    )
    ends = [min(int(np.searchsorted(coverage, c)), len(coverage) - 1) for c in np.arange(1, COVERAGES + 1) / COVERAGES]
    rows = [(f"{coverage[i]:.2f}", f"{risk[i]:.2f}") for i in dict.fromkeys(ends)]
    return Plot("Risk and coverage", told, ("coverage", "risk"), rows, _svg(plot))


def _recall(ranks: metrics.Floats) -> Plot:
    depths = range(1, DEEPEST + 1)
    shares = [metrics.recall(ranks, k) for k in depths]

    def plot(axes: Axes) -> None:
        axes.plot(depths, shares, color=BLUE, marker="o", markersize=4, clip_on=False)
        axes.set(xlabel="k nearest articles", ylabel="recall@k", ylim=(0, 1), xticks=[1, 5, 10, 15, 20])

    told = (
        f"For {shares[0]:.0%} of {len(ranks):,} questions the nearest article is one that holds the answer; "
        f"for {shares[4]:.0%} one of the 5 nearest, for {shares[9]:.0%} one of the 10 nearest."
    )
    return Plot(
        "Recall",
        told,
        ("k", "recall@k"),
        [(str(k), f"{s:.3f}") for k, s in zip(depths, shares, strict=True)],
        _svg(plot),
    )


def _svg(plot: Callable[[Axes], None], size: tuple[float, float] = (4.2, 3.4)) -> str:
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.hashsalt": "newsqa", "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots()
        axes.grid(color="#e4e4e4", linewidth=0.8)
        axes.set_axisbelow(True)
        plot(axes)
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    return drawn.getvalue()
