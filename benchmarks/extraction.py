"""Body extraction on the pages of scrapinghub's article-extraction-benchmark.

Scores as that benchmark does: true and false positives and false negatives
among the 4-word shingles of each page, precision and recall as means over
pages, F1 from these means.

Run: python benchmarks/extraction.py
"""

from __future__ import annotations

import gzip
import json
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import lxml.html
import trafilatura
import trafilatura.settings

from newsqa.clean import clean
from newsqa.formats import html
from newsqa.formats.content import declared_charset, decode
from newsqa.formats.markup import html_tree
from newsqa.settings import Settings
from newsqa.types import Draft

SHINGLE = 4
PUBLISHED = {"trafilatura": 0.958}
"""F1 in the benchmark's own table."""

Extractor = Callable[[lxml.html.HtmlElement], str]


class Score(NamedTuple):
    """Means over pages."""

    f1: float
    precision: float
    recall: float


def shingles(text: str) -> Counter[tuple[str, ...]]:
    """Count the runs of four words; of a text with fewer, the run of all."""
    words = re.findall(r"\w+", text)
    runs = (tuple(words[i : i + SHINGLE]) for i in range(max(1, len(words) - SHINGLE + 1)))
    return Counter(run for run in runs if run)


def score(pairs: Iterable[tuple[str, str]]) -> Score:
    """Score pairs of true and predicted bodies.

    A page without a predicted body does not count for precision, one without a true
    body not for recall, as in the benchmark.
    """
    precisions, recalls = [], []
    for true, predicted in pairs:
        expected, found = shingles(true), shingles(predicted)
        common = (expected & found).total()
        if found:
            precisions.append(common / found.total())
        if expected:
            recalls.append(common / expected.total())
    precision, recall = statistics.mean(precisions), statistics.mean(recalls)
    return Score(2 * precision * recall / (precision + recall), precision, recall)


def load(folder: Path) -> dict[str, tuple[str, str]]:
    """Read the pages: identifier to HTML and true body."""
    truth = json.loads((folder / "ground-truth.json").read_text(encoding="utf-8"))
    pages = {}
    for name, entry in truth.items():
        data = gzip.decompress((folder / f"{name}.html.gz").read_bytes())
        pages[name] = (decode(data, declared_charset(data[:2048].decode("latin-1")), mend=True), entry["articleBody"])
    return pages


def trafilatura_with(**options: Any) -> Extractor:  # noqa: ANN401 - as trafilatura takes them
    """Make an extractor of trafilatura's own text with the given options."""

    def extract(tree: lxml.html.HtmlElement) -> str:
        found = trafilatura.bare_extraction(tree, include_comments=False, **options)
        return found.text or "" if isinstance(found, trafilatura.settings.Document) else ""

    return extract


def cleaned(tree: lxml.html.HtmlElement) -> str:
    """Extract what would be indexed."""
    return clean(Draft(html.body_text(tree))).text


EXTRACTORS: Mapping[str, Extractor] = {
    "newsqa": html.body_text,
    "newsqa, cleaned": cleaned,
    "trafilatura, balanced": trafilatura_with(),
    "trafilatura, precision": trafilatura_with(favor_precision=True),
    "trafilatura, recall": trafilatura_with(favor_recall=True),
    "trafilatura, fast": trafilatura_with(fast=True),
}


def measure(extract: Extractor, pages: Mapping[str, tuple[str, str]]) -> Score:
    """Score one extractor on all pages."""
    return score((true, extract(html_tree(page))) for page, true in pages.values())


def main() -> None:
    pages = load(Settings.load().data / "html_pages")
    print(f"{len(pages)} pages; published F1: {PUBLISHED}")
    print(f"{'':24}{'F1':>8}{'precision':>11}{'recall':>8}{'ms/page':>9}")
    for name, extract in EXTRACTORS.items():
        started = time.perf_counter()
        result = measure(extract, pages)
        milliseconds = (time.perf_counter() - started) * 1000 / len(pages)
        print(f"{name:24}{result.f1:8.4f}{result.precision:11.4f}{result.recall:8.4f}{milliseconds:9.1f}")


if __name__ == "__main__":
    main()
