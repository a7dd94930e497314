"""newsqa's own figures: indexing, searching, answering, cold start, growth, memory, as JSON and pictures.

    python benchmarks/bench.py [--full] [--only STEP ...] [--work FOLDER] [--out FOLDER]

The short form takes about a minute. The full one indexes the whole development archive and searches up to a million
passages: hours at first, minutes once the indexes under ``--work`` are there. The articles and questions come from
``NEWSQA_DATA``. Sizes take turns, and of their rounds the fastest counts: others on the machine only slow it down.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import asking
import growth
import pictures
from machine import alone, machine, memory_mb
from newsqa.embed import default_embedder
from newsqa.evaluate.questions import read
from newsqa.index import Index
from newsqa.ingest import Ingest
from newsqa.settings import Settings

HERE = Path(__file__).parent
STEPS = ("indexing", "answering", "together", "cold", "growth")
INDEXED = "indexed.json"


@dataclass(frozen=True, slots=True)
class Form:
    """How much is measured; no ``articles`` means all."""

    articles: int | None
    questions: int
    sizes: tuple[int, ...]
    rounds: int


SHORT = Form(100, 40, (1_000, 3_000, 10_000), 1)
FULL = Form(None, 200, (10_000, 30_000, 100_000, 300_000, 1_000_000), 3)


class Bench:
    """The steps of one form; each returns what it measured."""

    def __init__(self, form: Form, settings: Settings, work: Path) -> None:
        self._form = form
        self._work = work
        data = settings.data / "archive"
        self._articles = data / "articles.jsonl.gz"
        self._questions = [one.text for one in read(data / "questions.jsonl.gz", "odd", form.questions).asked]
        self._settings = replace(settings, index=work / f"archive-{form.articles or 'all'}")

    def indexing(self) -> Any:  # noqa: ANN401
        """Index the archive, unless that was done before."""
        done = self._settings.index / INDEXED
        if not done.exists():
            shutil.rmtree(self._settings.index, ignore_errors=True)
            found = alone(indexed, self._settings, self._file())
            done.write_text(json.dumps(found), encoding="utf-8")
        return json.loads(done.read_text(encoding="utf-8"))

    def _file(self) -> Path:
        """Return the articles of this form."""
        if self._form.articles is None:
            return self._articles
        file = self._work / f"{self._form.articles}.jsonl"
        with gzip.open(self._articles, "rt", encoding="utf-8") as lines:
            file.write_text("".join(itertools.islice(lines, self._form.articles)), encoding="utf-8")
        return file

    def answering(self) -> Any:  # noqa: ANN401
        """Search and answer, warm, one question at a time."""
        rounds = [alone(asking.answering, self._settings, self._questions) for _ in range(self._form.rounds)]
        return min(rounds, key=lambda one: sum(one["ask_ms"]))

    def together(self) -> Any:  # noqa: ANN401
        """Answer many questions at once."""
        return alone(asking.together, self._settings, self._questions, self._form.rounds)

    def cold(self) -> Any:  # noqa: ANN401
        """Answer from a cold shell."""
        return asking.cold(self._settings.index, self._questions[0], 3 * self._form.rounds)

    def growth(self) -> Any:  # noqa: ANN401
        """Search indexes of every size, in turns."""
        found: dict[int, Any] = {}
        folders = {size: self._work / "growth" / str(size) for size in self._form.sizes}
        for size, folder in folders.items():
            growth.build(self._settings.index, folder, size, self._settings)
        for _, (size, folder) in itertools.product(range(self._form.rounds), folders.items()):
            one = alone(growth.latency, folder, self._questions, self._settings)
            found[size] = min(one, found.get(size, one), key=lambda each: each["p50_ms"]["whole"])
        return [
            {**alone(growth.quality, folder, self._questions[::4], self._settings), **found[size]}
            for size, folder in folders.items()
        ]


def indexed(settings: Settings, file: Path) -> dict[str, Any]:
    """Index a file of articles from nothing; meant for a process of its own."""
    started = time.perf_counter()
    report = Ingest(settings).index([str(file)])
    seconds, cpu = time.perf_counter() - started, time.process_time()
    status = Index.open(settings, default_embedder(settings).model_id).status()
    kept = ("articles", "copies", "passages", "bytes")
    taken = {"seconds": seconds, "cpu_s": cpu, "memory_mb": memory_mb(), "stages_s": report.seconds}
    return {name: status[name] for name in kept} | {"rejected": len(report.rejected)} | taken


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="the whole archive, and up to a million passages")
    parser.add_argument("--only", nargs="+", choices=STEPS, default=STEPS, help="measure these anew, keep the others")
    parser.add_argument("--work", type=Path, default=HERE / "work", help="for indexes")
    parser.add_argument("--out", type=Path, help="folder for what comes out")
    return parser.parse_args(given)


def main() -> None:
    """Measure, and write what came out after every step."""
    given = arguments()
    settings = Settings.load()
    if not (settings.data / "archive" / "articles.jsonl.gz").is_file():
        sys.exit(f"No articles at '{settings.data / 'archive'}'. Name the evaluation data's folder: NEWSQA_DATA=FOLDER")
    form = FULL if given.full else SHORT
    given.work.mkdir(parents=True, exist_ok=True)
    out = given.out or HERE / "results" / ("full" if given.full else "short")
    out.mkdir(parents=True, exist_ok=True)
    file = out / "bench.json"
    found = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    found |= {"form": asdict(form)}
    bench = Bench(form, settings, given.work.absolute())
    for step in given.only:
        about = machine()
        found[step] = getattr(bench, step)()
        found.setdefault("machine", {})[step] = about
        file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(pictures.summary(found))
    pictures.draw(found, out)


if __name__ == "__main__":
    main()
