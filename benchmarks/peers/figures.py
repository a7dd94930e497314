"""Measurements of a run -> figures, a Markdown table, a picture of bars."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from newsqa.evaluate.metrics import recall

OURS = "newsqa"
DEPTHS = (1, 5, 10, 20)
RESAMPLES = 2000
MEGABYTE = 1e6
BLUE, GREY = "#1f5fa8", "#9a9a9a"

Measured = Mapping[str, Any]
"""What was measured of one system; see ``comparison.py``."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A line of the table: ``of`` computes it; ``ratio`` tells whether a multiple of newsqa's makes sense."""

    name: str
    of: Callable[[Measured], float]
    digits: int
    ratio: bool = True


def _rate(unit: str, time: str) -> Callable[[Measured], float]:
    def rate(measured: Measured) -> float:
        parts = measured["index"]
        return float(sum(part[unit] for part in parts) / sum(part[time] for part in parts))

    return rate


def _recall(depth: int) -> Callable[[Measured], float]:
    return lambda measured: recall(np.array(measured["ranks"], float), depth)


def _median(key: str, time: str, factor: float = 1) -> Callable[[Measured], float]:
    return lambda measured: factor * median(one[time] for one in measured[key])


FIGURES = (
    Figure("indexing, articles/s", _rate("articles", "seconds"), 2),
    Figure("indexing, passages/s", _rate("passages", "seconds"), 1),
    Figure("indexing, articles per CPU second", _rate("articles", "cpu"), 2),
    Figure("indexing, passages per CPU second", _rate("passages", "cpu"), 1),
    Figure("passages stored", lambda m: sum(part["passages"] for part in m["index"]), 0),
    Figure("one new article, s", _median("add", "seconds"), 2),
    Figure("one new article, CPU s", _median("add", "cpu"), 2),
    Figure("known articles again, CPU s", lambda m: m["again"]["cpu"], 2),
    Figure("passages embedded for these", lambda m: m["again"]["passages"], 0, ratio=False),
    Figure("deleting an article, s", lambda m: median(one["seconds"] for one in m["delete"]["took"]), 3),
    Figure("search p50, ms", _median("search", "seconds", 1000), 1),
    Figure("search p99, ms", lambda m: float(np.percentile([1000 * one["seconds"] for one in m["search"]], 99)), 1),
    Figure("search p50, CPU ms", _median("search", "cpu", 1000), 1),
    Figure("start to first result, s", _median("cold", "seconds"), 1),
    Figure("start to first result, CPU s", _median("cold", "cpu"), 1),
    Figure("peak memory indexing, MB", lambda m: m["rss_index"] / MEGABYTE, 0),
    Figure("peak memory searching, MB", lambda m: m["rss_search"] / MEGABYTE, 0),
    Figure("on disk, MB", lambda m: m["bytes"] / MEGABYTE, 1),
    *(Figure(f"article recall@{k}", _recall(k), 3, ratio=False) for k in DEPTHS),
)

DELETED = {
    "gone from results at once": "at_once",
    "gone after a restart": "after_restart",
    "stays gone when its source is indexed again": "after_indexing_again",
}


def difference(ours: Sequence[float], theirs: Sequence[float], depth: int) -> tuple[float, float, float]:
    """Return how much less than ours their recall is, and the ends of its 95 % interval, by paired bootstrap.

    Both are ranks of the same questions, counted from 1, inf where nothing was found.
    """
    less = (np.array(theirs, float) <= depth).astype(float) - (np.array(ours, float) <= depth)
    drawn = np.random.default_rng(0).integers(len(less), size=(RESAMPLES, len(less)))
    low, high = np.percentile(less[drawn].mean(axis=1), [2.5, 97.5])
    return float(less.mean()), float(low), float(high)


def table(systems: Mapping[str, Measured]) -> str:
    """Write the figures as a Markdown table, newsqa first, others with multiples of newsqa's in brackets."""
    ours = systems[OURS]
    lines = [[figure.name, *(_cell(figure, m, ours) for m in systems.values())] for figure in FIGURES]
    for depth in DEPTHS[1:3]:
        name = f"recall@{depth} against newsqa's, 95 % interval"
        lines.append([name, *("" if m is ours else _interval(ours, m, depth) for m in systems.values())])
    for name, key in DELETED.items():
        lines.append([name, *(("yes" if m["delete"][key] else "**no**") for m in systems.values())])
    return markdown(["", *systems], lines)


def _cell(figure: Figure, measured: Measured, ours: Measured) -> str:
    value, reference = figure.of(measured), figure.of(ours)
    shown = f"{value:,.{figure.digits}f}"
    return shown if measured is ours or not figure.ratio or not reference else f"{shown} ({value / reference:.2f}×)"


def _interval(ours: Measured, theirs: Measured, depth: int) -> str:
    less, low, high = difference(ours["ranks"], theirs["ranks"], depth)
    return f"{less:+.3f} [{low:+.3f}, {high:+.3f}]"


def markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Write a Markdown table."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *lines)) + "\n"


def capabilities(declared: Mapping[str, Any]) -> str:
    """Write what each system can do, as ``capabilities.toml`` declares it, with its reasons below the table."""
    names, notes = declared["systems"], list[str]()
    lines = []
    for row in declared["capability"]:
        cells = []
        for name in names:
            mark, note = row[name]
            if note and note not in notes:
                notes.append(note)
            cells.append(f"{mark} <sup>{notes.index(note) + 1}</sup>" if note else mark)
        lines.append([row["name"], *cells])
    told = "\n".join(f"{number}. {note}" for number, note in enumerate(notes, 1))
    return f"{markdown(['', *names], lines)}\n{told}\n"


PICTURED = (
    "indexing, articles per CPU second",
    "search p50, CPU ms",
    "start to first result, CPU s",
    "peak memory searching, MB",
    "on disk, MB",
    "article recall@5",
)
"""CPU time rather than wall time: it says the same on a machine that is busy with other work."""


def draw(systems: Mapping[str, Measured], path: Path) -> None:
    """Draw a panel of bars for each of `PICTURED` as SVG."""
    import matplotlib
    from matplotlib.figure import Figure as Canvas

    with matplotlib.rc_context({"svg.hashsalt": "newsqa", "axes.spines.top": False, "axes.spines.right": False}):
        canvas = Canvas(figsize=(9, 4.6), layout="constrained")
        shown = [figure for figure in FIGURES if figure.name in PICTURED]
        for axes, figure in zip(canvas.subplots(2, 3, sharey=True).flat, shown, strict=True):
            values = [figure.of(measured) for measured in systems.values()]
            bars = axes.barh(list(systems), values, color=[BLUE if name == OURS else GREY for name in systems])
            axes.bar_label(bars, [f"{value:,.{min(figure.digits, 2)}f}" for value in values], padding=3)
            axes.set_title(figure.name, loc="left", fontsize="medium")
            axes.set(xlim=(0, 1.3 * max(values)), xticks=())
            axes.spines.bottom.set_visible(False)
        canvas.axes[0].invert_yaxis()
        canvas.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
