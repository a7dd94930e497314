"""The steps of one run: systems take turns at indexing, searching, deleting; what is measured is kept on disk."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import corpus
from worker import Worker

from newsqa.evaluate.questions import Question

QUIET = {
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "ANONYMIZED_TELEMETRY": "false",
    "HAYSTACK_TELEMETRY_ENABLED": "false",
}
WARM, AGAIN, DELETED = 3, 10, 3
"""Articles to warm up with, to index again although they are known, and to delete."""
NEAREST, DEEP = 20, 100
"""Passages for which latency is measured, and from which recall of articles is."""
NEVER = 1e9
"""The rank of what was not found; JSON has no infinity."""


@dataclass(frozen=True, slots=True)
class Entrant:
    """A system that takes part: its adapter, and the interpreter of the environment that it runs in."""

    name: str
    python: Path
    adapter: Path


class Ledger:
    """What was measured so far, in a file, so that a run can go on where it was."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

    def __contains__(self, key: str) -> bool:
        return key in self._held

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401
        return self._held[key]

    def once(self, key: str, work: Callable[[], Any]) -> Any:  # noqa: ANN401
        """Return what is held under a key; measure it first where there is nothing."""
        if key not in self._held:
            self._held[key] = work()
            new = self._path.with_suffix(".new")
            new.write_text(json.dumps(self._held), encoding="utf-8")
            new.replace(self._path)
            print(f"{key}: {str(self._held[key])[:100]}", flush=True)
        return self._held[key]


class Comparison:
    """One run, in a folder of its own that holds every system's index."""

    def __init__(self, folder: Path, systems: Sequence[Entrant], threads: int) -> None:
        self.folder = folder
        self.systems = systems
        folder.mkdir(parents=True, exist_ok=True)
        self.ledger = Ledger(folder / "ledger.json")
        some = {"OMP_NUM_THREADS": str(threads), "NEWSQA_THREADS": str(threads)} if threads else {}
        self._environment = os.environ | QUIET | some

    def run(self, chosen: corpus.Corpus, questions: Sequence[Question], rounds: int) -> dict[str, Any]:
        """Take every step that was not taken yet, and return what was measured, by system."""
        parts = corpus.parts(chosen.articles, rounds)
        if not all(f"{system.name}/bytes" in self.ledger for system in self.systems):
            self._index(parts, chosen.new)
        self.ledger.once("searched", lambda: self._search(questions))
        self.ledger.once("deleted", lambda: self._delete(parts[0][:DELETED], questions[0].text))
        return {system.name: self._measured(system.name, rounds) for system in self.systems}

    def _measured(self, name: str, rounds: int) -> dict[str, Any]:
        held, searched, deleted = self.ledger, self.ledger["searched"][name], self.ledger["deleted"][name]
        return {
            "index": [held[f"{name}/index/{i}"] for i in range(rounds)],
            "add": [held[f"{name}/add/{i}"] for i in range(corpus.NEW - WARM)],
            "again": held[f"{name}/again"],
            "rss_index": held[f"{name}/rss"],
            "bytes": held[f"{name}/bytes"],
            **searched,
            "cold": [searched["cold"], *deleted["cold"]],
            "delete": {key: value for key, value in deleted.items() if key != "cold"},
        }

    # Processes

    def _start(self, system: Entrant) -> Worker:
        home = self.folder / system.name
        home.mkdir(exist_ok=True)
        return Worker([str(system.python), str(system.adapter), str(home / "index")], self._environment, home / "log")

    def _start_cold(self, system: Entrant, question: str) -> tuple[Worker, dict[str, float]]:
        """Start a system, and measure how long it takes to a first result."""
        began = time.perf_counter()
        worker = self._start(system)
        worker.ask("search", question=question, k=NEAREST)
        return worker, {"seconds": time.perf_counter() - began, "cpu": worker.ask("cpu").result}

    @contextmanager
    def _started(self) -> Iterator[dict[str, Worker]]:
        with ExitStack() as stack:
            workers = {system.name: self._start(system) for system in self.systems}
            for worker in workers.values():
                stack.callback(worker.close)
            yield workers

    def _turns(self, turn: int) -> Sequence[Entrant]:
        """Return the systems, another one first each time."""
        first = turn % len(self.systems)
        return [*self.systems[first:], *self.systems[:first]]

    # Indexing

    def _index(self, parts: Sequence[Sequence[corpus.Row]], held_back: Sequence[corpus.Row]) -> None:
        """Index the articles part by part, then add single ones, then some that are known."""
        with self._started() as workers:
            for worker in workers.values():
                worker.ask("index", file=self._file("warm", held_back[:WARM]))  # loads the model
            for number, part in enumerate(parts):
                self._index_in_turns(workers, number, f"index/{number}", part)
            for number, article in enumerate(held_back[WARM:]):
                self._index_in_turns(workers, number, f"add/{number}", [article])
            self._index_in_turns(workers, 0, "again", parts[0][:AGAIN])
            for name, worker in workers.items():
                self.ledger.once(f"{name}/rss", lambda: worker.ask("rss").result)  # noqa: B023
        for system in self.systems:
            self.ledger.once(f"{system.name}/bytes", lambda: _bytes(self.folder / system.name / "index"))  # noqa: B023

    def _index_in_turns(
        self, workers: Mapping[str, Worker], turn: int, key: str, articles: Sequence[corpus.Row]
    ) -> None:
        file = self._file(key.replace("/", "-"), articles)

        def indexed(worker: Worker) -> dict[str, float]:
            reply = worker.ask("index", file=file)
            return {"articles": len(articles), "passages": reply.result, "seconds": reply.seconds, "cpu": reply.cpu}

        for system in self._turns(turn):
            self.ledger.once(f"{system.name}/{key}", lambda: indexed(workers[system.name]))  # noqa: B023

    def _file(self, name: str, articles: Sequence[corpus.Row]) -> str:
        path = self.folder / f"{name}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in articles), encoding="utf-8")
        return str(path)

    # Searching and deleting

    def _search(self, questions: Sequence[Question]) -> dict[str, Any]:
        """Ask every system every question, in turns."""
        held: dict[str, Any] = {}
        with ExitStack() as stack:
            workers = {}
            for system in self.systems:
                workers[system.name], cold = self._start_cold(system, questions[0].text)
                stack.callback(workers[system.name].close)
                held[system.name] = {"cold": cold, "search": [], "ranks": []}
            for turn, question in enumerate(questions):
                for system in self._turns(turn):
                    nearest = workers[system.name].ask("search", question=question.text, k=NEAREST)
                    deep = workers[system.name].ask("search", question=question.text, k=DEEP)
                    held[system.name]["search"].append({"seconds": nearest.seconds, "cpu": nearest.cpu})
                    held[system.name]["ranks"].append(min(corpus.rank(deep.result, question.labelled), NEVER))
            for name, worker in workers.items():
                held[name]["rss_search"] = worker.ask("rss").result
        return held

    def _delete(self, articles: Sequence[corpus.Row], question: str) -> dict[str, Any]:
        """Delete articles, and look for them at once, after a restart, and after their source is indexed again."""
        held: dict[str, Any] = {}
        for system in self.systems:
            worker, first = self._start_cold(system, question)
            known = [row for row in articles if _finds(worker, row)]
            deleted = [worker.ask("delete", url=row["url"]) for row in known]
            held[system.name] = {
                "found": len(known),
                "took": [{"seconds": reply.seconds, "cpu": reply.cpu} for reply in deleted],
                "at_once": not any(_finds(worker, row) for row in known),
            }
            worker.close()
            worker, second = self._start_cold(system, question)
            held[system.name]["after_restart"] = not any(_finds(worker, row) for row in known)
            worker.ask("index", file=str(self.folder / "again.jsonl"))
            held[system.name]["after_indexing_again"] = not any(_finds(worker, row) for row in known)
            held[system.name]["cold"] = [first, second]
            worker.close()
        return held


def _finds(worker: Worker, article: corpus.Row) -> bool:
    """Tell whether a search for its headline brings an article, itself and not as a copy."""
    found = worker.ask("search", question=article["title"], k=DEEP).result
    return any(urls[0] == article["url"] for urls in found)


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
