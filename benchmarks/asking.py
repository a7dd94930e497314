"""Questions put to one index: searching and answering one at a time, many at once, and from a cold shell."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from machine import memory_mb
from newsqa.line import PLACES
from newsqa.qa import QA, READ
from newsqa.settings import Settings

WARM = 20
AT_ONCE = 32


def answering(settings: Settings, questions: list[str]) -> dict[str, Any]:
    """Search, then answer, one question after another; meant for a process of its own."""
    started = time.perf_counter()
    qa = QA.open(settings)
    qa.warm()
    loaded = time.perf_counter() - started
    answers = [qa.ask(question) for question in questions[-WARM:]]
    searching = [taken(lambda: qa.retrieve(question, k=READ)) for question in questions]  # noqa: B023
    asking = [taken(lambda: answers.append(qa.ask(question))) for question in questions]  # noqa: B023
    del answers[:WARM]
    return {
        "passages": qa.index.status()["passages"],
        "load_s": loaded,
        "memory_mb": memory_mb(),
        "stages_p50_ms": {
            name: 1000 * statistics.median(a.seconds[name] for a in answers) for name in answers[0].seconds
        },
        "retrieve_ms": [round(1000 * wall, 2) for wall, _ in searching],
        "retrieve_cpu_ms": [round(1000 * cpu, 2) for _, cpu in searching],
        "ask_ms": [round(1000 * wall, 1) for wall, _ in asking],
        "ask_cpu_ms": [round(1000 * cpu, 1) for _, cpu in asking],
    }


def together(settings: Settings, questions: list[str], rounds: int) -> dict[str, Any]:
    """Answer `AT_ONCE` questions one at a time, then all asked at once, as many at a time as the server lets."""
    qa = QA.open(settings)
    qa.warm()
    some = questions[:AT_ONCE]
    for question in some:
        qa.ask(question)
    found: dict[str, list[float]] = {"one_at_a_time_s": [], "at_once_s": [], "at_once_p95_s": []}
    for _ in range(rounds):
        found["one_at_a_time_s"].append(taken(lambda: [qa.ask(question) for question in some])[0])
        began = time.perf_counter()

        def waited(question: str) -> float:
            qa.ask(question)
            return time.perf_counter() - began  # noqa: B023

        with ThreadPoolExecutor(PLACES) as pool:
            seconds = list(pool.map(waited, some))
        found["at_once_s"].append(max(seconds))
        found["at_once_p95_s"].append(float(np.percentile(seconds, 95)))
    gain = np.array(found["one_at_a_time_s"]) / np.array(found["at_once_s"])
    return {"questions": len(some), **found, "throughput": float(np.median(gain))}


def cold(folder: Path, question: str, times: int) -> list[float]:
    """Return seconds of `newsqa ask` from the shell, answered or not."""
    command = [str(Path(sys.executable).with_name("newsqa")), "--index", str(folder), "--json", "ask", question]
    return [taken(lambda: subprocess.run(command, stdout=subprocess.DEVNULL))[0] for _ in range(times)]


def taken(work: Callable[[], object]) -> tuple[float, float]:
    """Return how many seconds a call takes, by the clock and of this process's processor time."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu
