"""What `bench.py` measured -> a table, and two pictures: growth, and how latencies are distributed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

BLUE, ORANGE, GREEN, GREY = "#1f5fa8", "#b5530c", "#2e7d32", "#767676"
STYLE = {"svg.hashsalt": "newsqa", "axes.spines.top": False, "axes.spines.right": False}

Found = Mapping[str, Any]


def summary(found: Found) -> str:
    """Write what was measured as a Markdown table."""
    return "\n".join(["| what | measured |", "|---|---|", *(f"| {name} | {told} |" for name, told in _lines(found))])


def _lines(found: Found) -> list[tuple[str, str]]:
    lines = []
    if one := found.get("indexing"):
        rate = f"{one['articles'] / one['seconds']:.1f} articles/s, {one['articles'] / one['cpu_s']:.1f} a CPU second"
        lines.append((f"indexing {one['articles']:,} articles, {one['passages']:,} passages", rate))
        lines.append(("peak memory; on disk", f"{one['memory_mb']:,} MB; {one['bytes'] / 1e6:,.0f} MB"))
    if one := found.get("answering"):
        for key, what in (("retrieve", f"searching {one['passages']:,} passages, warm"), ("ask", "answering, warm")):
            lines.append((what, _spread(one[f"{key}_ms"])))
            lines.append(("the same, of processor time", _spread(one[f"{key}_cpu_ms"])))
        lines.append(("of which, p50", ", ".join(f"{name} {ms:.1f}" for name, ms in one["stages_p50_ms"].items())))
        lines.append(("loading; peak memory", f"{one['load_s']:.2f} s; {one['memory_mb']:,} MB"))
    if one := found.get("together"):
        told = f"{one['throughput']:.2f} times one at a time, p95 {min(one['at_once_p95_s']):.1f} s"
        lines.append((f"{one['questions']} questions at once", told))
    if one := found.get("cold"):
        lines.append(("`newsqa ask` from a cold shell", f"{min(one):.2f} to {max(one):.2f} s"))
    for one in found.get("growth", ()):
        told = (
            f"opens in {one['open_s']:.2f} s, p50 {one['p50_ms']['whole']:.1f} ms, p99 {one['p99_ms']['whole']:.1f} ms"
        )
        told += f", of processor time {one['p50_cpu_ms']['whole']:.1f} and {one['p99_cpu_ms']['whole']:.1f}"
        told += f", recall@10 {one['recall_at_10']:.3f}, {one['memory_mb']:,} MB"
        told += f", one new article {np.median(one['new_article_s']):.2f} s"
        lines.append((f"{one['passages']:,} passages", told))
    return lines


def _spread(ms: list[float]) -> str:
    return ", ".join(f"p{q} {np.percentile(ms, q):.1f} ms" for q in (50, 95, 99))


def draw(found: Found, folder: Path) -> None:
    """Draw what is there as SVG."""
    import matplotlib

    with matplotlib.rc_context(STYLE):
        if "growth" in found:
            _growth(found["growth"], folder / "growth.svg")
        if "answering" in found:
            _latency(found["answering"], folder / "latency.svg")


def _growth(sizes: list[Found], path: Path) -> None:
    """Draw processor time and memory against the number of passages."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullLocator

    passages = [one["passages"] for one in sizes]
    canvas = Figure(figsize=(9, 3.6), layout="constrained")
    time, memory = canvas.subplots(1, 2)

    def plot(key: str, stage: str, **style: object) -> None:
        time.plot(passages, [one[key][stage] for one in sizes], **style)

    plot("p99_cpu_ms", "whole", color=BLUE, linestyle=":", label="whole search, 99th of 100")
    plot("p50_cpu_ms", "whole", color=BLUE, marker="o", label="whole search, median")
    plot("p50_cpu_ms", "embed", color=GREEN, marker="o", label="of which embedding beside words")
    plot("p50_cpu_ms", "dense", color=ORANGE, marker="o", label="vectors")
    plot("p50_cpu_ms", "passages", color=GREY, marker="o", label="fetching passages and articles")
    grown = np.log(passages) / np.log(passages[0]) * sizes[0]["p50_cpu_ms"]["whole"]
    time.plot(passages, grown, color="black", linewidth=0.8, linestyle="--", label="as log N grows")
    time.set(title="one search, ms of processor time")
    time.legend(frameon=False, fontsize="small")
    memory.plot(passages, [one["memory_mb"] for one in sizes], color=BLUE, marker="o")
    memory.set(title="resident memory while searching, MB")
    for axes in (time, memory):
        axes.set(xscale="log", xlabel="passages", xticks=passages, xticklabels=[f"{_round(n):,}" for n in passages])
        axes.set_ylim(bottom=0)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.tick_params(axis="x", labelsize="small")
    _save(canvas, path)


def _round(number: int) -> int:
    """Round to one figure: an index of 1,000,008 passages is one of a million."""
    return round(number, 1 - len(str(number)))


def _latency(asked: Found, path: Path) -> None:
    """Draw how many of the questions are done by when."""
    from matplotlib.figure import Figure

    canvas = Figure(figsize=(9, 3.2), layout="constrained")
    for axes, (key, title) in zip(
        canvas.subplots(1, 2, sharey=True),
        (("retrieve", "searching, warm, ms"), ("ask", "answering, reading included, warm, ms")),
        strict=True,
    ):
        ms = asked[f"{key}_ms"]
        axes.ecdf(ms, color=BLUE, label="by the clock")
        axes.ecdf(asked[f"{key}_cpu_ms"], color=GREY, linewidth=0.8, label="of processor time")
        for q, side, height in ((50, "left", 0.02), (95, "right", 0.1), (99, "left", 0.02)):
            at = float(np.percentile(ms, q))
            axes.plot([at, at], [0, q / 100], color=BLUE, linewidth=0.8, linestyle="--")
            axes.text(at, height, f" p{q} {at:.0f} ", ha=side, fontsize="small")
        axes.set(title=title, xlim=(0, 1.15 * float(np.percentile(ms, 99))), ylim=(0, 1.02))
        axes.legend(frameon=False, fontsize="small", loc="upper left")
    canvas.axes[0].set_ylabel("share of questions")
    _save(canvas, path)


def _save(canvas: Any, path: Path) -> None:  # noqa: ANN401
    canvas.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
