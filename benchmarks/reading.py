"""How long the reader takes, and what it needs: load time, latency of 10 and 24 passages, memory.

    python benchmarks/reading.py [--rounds N]

The passages have 200 to 220 tokens each; they come from the evaluation data (`NEWSQA_DATA`).
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import statistics
import time

from newsqa.chunk import chunk, count_tokens
from newsqa.qa import default_reader
from newsqa.settings import Settings
from newsqa.types import Passage

QUESTION = "How many people were on board the ferry?"
TITLE = "A headline of eight words, more or less"


def passages(settings: Settings, count: int) -> list[Passage]:
    """The first passages of the data that come near to the limit of 220 tokens, each of another article."""
    found = []
    with gzip.open(settings.data / "newsqa_dev" / "newsqa_dev.jsonl.gz", "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            text = json.loads(line)["context"]
            start, end = chunk(text)[0]
            if count_tokens([text[start:end]])[0] > 200:
                found.append(Passage(number, f"a{number}", 1, start, end, text[start:end], TITLE, None, "2025-05-05"))
            if len(found) == count:
                break
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=50)
    given = parser.parse_args()
    settings = Settings.load()
    longest = passages(settings, 24)
    started = time.perf_counter()
    reader = default_reader(settings)
    reader.read(QUESTION, longest[:1])
    print(f"load and first answer: {time.perf_counter() - started:.2f} s")
    for count in (10, 24):
        some, seconds = longest[:count], []
        for _ in range(given.rounds):
            started = time.perf_counter()
            reader.read(QUESTION, some)
            seconds.append(time.perf_counter() - started)
        p50, p95 = statistics.median(seconds), statistics.quantiles(seconds, n=20)[-1]
        print(f"{len(some)} passages: p50 {p50 * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms")
    print(f"memory (peak RSS): {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
