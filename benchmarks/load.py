"""Many people asking one server at once, alone and while it indexes.

    python benchmarks/load.py --index INDEX [--clients 32] [--seconds 60] [--port 7870]

Starts `newsqa serve` on a copy of an index. Each client asks the next of the archive's questions as soon as it has
its answer, as a stream, over HTTP at loopback; the clients share the machine with the server. The second round is
measured while articles of the archive, each changed by a sentence, are sent to be indexed. The questions and articles
come from ``NEWSQA_DATA``.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from machine import machine
from newsqa.evaluate.questions import read
from newsqa.settings import Settings

PATIENCE = 300
AT_A_TIME = 100
"""Articles in a file that is sent to be indexed."""


def main() -> None:
    """Measure, and write one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--port", type=int, default=7870)
    given = parser.parse_args()
    data = Settings.load().data / "archive"
    questions = [one.text for one in read(data / "questions.jsonl.gz").asked]
    with tempfile.TemporaryDirectory() as work, serving(given.index, Path(work), given.port) as url:
        told: dict[str, Any] = {"machine": machine(), "clients": given.clients}
        told["alone"] = load(url, questions, given.clients, given.seconds)
        with indexing(url, data / "articles.jsonl.gz") as indexed:
            told["while indexing"] = load(url, questions, given.clients, given.seconds)
        told["while indexing"]["articles indexed"] = sum(indexed)
    sys.stdout.write(json.dumps(told, indent=2) + "\n")


@contextmanager
def serving(index: Path, work: Path, port: int) -> Iterator[str]:
    """Run a server on a copy of an index, until it answers."""
    copy = shutil.copytree(index, work / "index")
    command = [Path(sys.executable).with_name("newsqa"), "serve", "--port", str(port), "--rate-limit", "0"]
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen([*command, "--index", copy], stderr=subprocess.DEVNULL) as server:
        try:
            while not up(url):
                time.sleep(1)
            ask(httpx.Client(base_url=url, timeout=PATIENCE), "Who won the election?")
            yield url
        finally:
            server.terminate()


def up(url: str) -> bool:
    """Whether a server answers."""
    try:
        return httpx.get(f"{url}/healthz").is_success
    except httpx.ConnectError:
        return False


def ask(client: httpx.Client, question: str) -> tuple[float, int, bool]:
    """Return the seconds until the answer, the first place in line, 0 for none, and whether there was an answer."""
    began, place, answered = time.perf_counter(), 0, False
    with client.stream("POST", "/api/v1/ask/stream", json={"question": question}) as stream:
        for line in stream.iter_lines():
            if "you are" in line and not place:
                place = int(re.findall(r"you are (\d+)", line)[0])
            answered = answered or line == "event: answer"
    return time.perf_counter() - began, place, answered


def load(url: str, questions: list[str], clients: int, seconds: float) -> dict[str, Any]:
    """Let clients ask for a time; every answer that was begun within it counts, and each client's are counted."""
    until = time.perf_counter() + seconds

    def asking(number: int) -> list[tuple[float, int, bool]]:
        found = []
        with httpx.Client(base_url=url, timeout=PATIENCE) as client:
            for question in itertools.cycle(questions[number::clients]):
                if time.perf_counter() > until:
                    return found
                found.append(ask(client, question))
        return found

    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        each = list(pool.map(asking, range(clients)))
    taken = time.perf_counter() - began
    asked = [one for client in each for one in client]
    waits = sorted(wait for wait, _, _ in asked)
    return {
        "answers a second": round(len(asked) / taken, 2),
        "p50 s": round(statistics.median(waits), 2),
        "p95 s": round(waits[int(len(waits) * 0.95)], 2),
        "answers": len(asked),
        "failed": sum(not answered for _, _, answered in asked),
        "answers of a client": [min(map(len, each)), max(map(len, each))],
        "first place in line": [min(place for _, place, _ in asked), max(place for _, place, _ in asked)],
        "load": machine()["load"],
    }


@contextmanager
def indexing(url: str, articles: Path) -> Iterator[list[int]]:
    """Have changed articles indexed meanwhile, one file after the other; gives how many each file changed."""
    done = threading.Event()
    indexed: list[int] = []

    def send() -> None:
        with gzip.open(articles, "rt", encoding="utf-8") as lines, httpx.Client(timeout=None) as client:
            changing = map(json.loads, lines)
            while some := list(itertools.islice(changing, AT_A_TIME)):
                for article in some:
                    article["text"] += f"\n\nThis was changed at {time.time()}."
                file = "".join(f"{json.dumps(article)}\n" for article in some)
                sent = client.post(f"{url}/api/v1/articles", files={"files": ("changed.jsonl", file)})
                report = sent.raise_for_status().json()
                indexed.append(report["added"] + report["updated"])
                if done.is_set():
                    return

    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(send)
        time.sleep(1)
        yield indexed
        done.set()
        sent.result()


if __name__ == "__main__":
    main()
