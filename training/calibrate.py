"""Fit how answers are ranked, and how sure newsqa is of them, on the even development questions.

    NEWSQA_INDEX=INDEX python training/calibrate.py FOLDER

INDEX holds the development archive, FOLDER is that of the packaged model; its
manifest takes the weights. Questions of yes or no, which neither set has many
of, come from the examples. The odd questions are left for reporting.
"""

from __future__ import annotations

import argparse
import json
import pickle
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from newsqa.chunk import sentences
from newsqa.evaluate.metrics import coverage_at, ece, right
from newsqa.evaluate.outcomes import Way
from newsqa.evaluate.run import evaluate
from newsqa.ingest import Ingest
from newsqa.match import f1
from newsqa.read import EVIDENCE, FEATURES, SETTLING, Candidate, answers, describe, settles, settling, weigh
from newsqa.settings import Settings
from newsqa.spans import SpanModel
from newsqa.types import Passage, Span

RIDGE = 1e-3
EXAMPLES = Path(__file__).parents[1] / "examples"
Floats = NDArray[np.float64]


@dataclass(slots=True)
class Asked:
    """A question's candidate answers, best first by mass, and what is known of them."""

    features: Floats
    settling: Floats | None
    """Of a question of yes or no; see `newsqa.read.settling`."""
    answers: list[str]
    source: str = ""
    gold: tuple[str, ...] = ()

    @property
    def right(self) -> NDArray[np.bool_]:
        """Which answers are right, in whatever article they stand; shape (answers,)."""
        return np.array([right(answer, self.gold) for answer in self.answers], bool)

    @property
    def f1(self) -> Floats:
        """How near each comes; shape (answers,)."""
        return np.array([f1(answer, self.gold) for answer in self.answers])


class Recorder:
    """A reader that ranks by mass alone and keeps what it saw."""

    def __init__(self, settings: Settings) -> None:
        self._model = SpanModel(settings)
        self._before: Sequence[Passage] = ()
        self.asked: list[Asked] = []
        self.astray: list[Asked] = []
        """Every third question, asked of the passages that the question before it brought."""

    def read(self, question: str, passages: Sequence[Passage]) -> list[Span]:
        groups = self._groups(question, passages)
        self.asked.append(_asked(question, groups))
        if len(self.asked) % 3 == 0 and self._before:
            self.astray.append(_asked(question, self._groups(question, self._before), "astray"))
        self._before = passages
        return [Span(group[0].passage, group[0].start, group[0].end, 0.5) for group in groups]

    def _groups(self, question: str, passages: Sequence[Passage]) -> list[list[Candidate]]:
        return answers(question, passages, self._model.score(question, passages), sentences)


def _asked(question: str, groups: list[list[Candidate]], source: str = "") -> Asked:
    settled = settling(question, groups) if settles(question) else None
    return Asked(describe(question, groups), settled, [group[0].text for group in groups], source)


def record(settings: Settings, limit: int | None) -> list[Asked]:
    """Ask the even questions: the archive's, of all of it and of what a search brought, NewsQA's, and the examples'."""
    every = []
    quiz = settings.data / "archive" / "questions.jsonl.gz"
    newsqa = settings.data / "newsqa_dev" / "newsqa_dev.jsonl.gz"
    examples = replace(settings, index=Path(tempfile.mkdtemp()))
    Ingest(examples).index([str(EXAMPLES / "archive")])
    for source, asked_of, path, way in (
        ("given", settings, quiz, Way(half="even", given=True, limit=limit)),
        ("whole", settings, quiz, Way(half="even", limit=limit)),
        ("newsqa", settings, newsqa, Way(half="even", limit=limit or 500)),
        ("examples", examples, EXAMPLES / "questions.jsonl", Way(half="even")),
    ):
        reader = Recorder(settings)
        found = evaluate(asked_of, path, way, reader=reader)
        # Before the first question, models are warmed with nothing to read.
        answered = reader.asked[-len(found.outcomes) :]
        for asked, outcome in zip(answered, found.outcomes, strict=True):
            asked.source, asked.gold = source, outcome.gold
        every += [asked for asked in [*answered, *reader.astray] if asked.answers]
    return every


def fit_ranking(every: Sequence[Asked]) -> Floats:
    """Weights that put right answers first: softmax over each question's answers, F1 as the target."""
    mean, deviation = _scale(np.concatenate([asked.features for asked in every]))
    scaled = [
        (torch.tensor((asked.features - mean) / deviation), torch.tensor(asked.f1 / asked.f1.sum()))
        for asked in every
        if asked.f1.max() > 0
    ]
    weights = torch.zeros(len(mean), dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=200)

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        losses = [-(torch.log_softmax(rows @ weights, 0) * target).sum() for rows, target in scaled]
        total = torch.stack(losses).mean() + RIDGE * weights @ weights
        total.backward()
        return total

    optimiser.step(loss)
    fitted: Floats = weights.detach().numpy() / deviation
    return fitted


def logistic(rows: Floats, target: NDArray[np.bool_]) -> Floats:
    """Weights of a logistic regression, with ridge on all but the first column, a bias."""
    mean, deviation = _scale(rows)
    mean[0], deviation[0] = 0.0, 1.0
    scaled, wanted = torch.tensor((rows - mean) / deviation), torch.tensor(target.astype(np.float64))
    weights = torch.zeros(rows.shape[1], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=500)

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        value = torch.nn.functional.binary_cross_entropy_with_logits(scaled @ weights, wanted)
        total = value + RIDGE * (weights[1:] @ weights[1:])
        total.backward()
        return total

    optimiser.step(loss)
    fitted: Floats = weights.detach().numpy() / deviation
    fitted[0] -= float(mean[1:] @ fitted[1:])
    return fitted


def first_answers(every: Sequence[Asked], ranking: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Evidence for each question's first answer, and whether it is right.

    Shapes (questions, len(EVIDENCE)), or (questions, len(SETTLING)) for questions of yes or no, and (questions,).
    """
    rows, target = [], []
    for asked in every:
        scores = asked.features @ ranking
        best = int(np.argmax(scores))
        rows.append((weigh(asked.features, scores) if asked.settling is None else asked.settling)[best])
        target.append(bool(asked.right[best]))
    return np.array(rows), np.array(target)


def _scale(rows: Floats) -> tuple[Floats, Floats]:
    deviation = rows.std(axis=0)
    return rows.mean(axis=0), np.where(deviation > 0, deviation, 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of the exported model")
    parser.add_argument("--limit", type=int, help="questions of each file: a trial")
    parser.add_argument("--cache", type=Path, help="where to keep what the model said, to fit again")
    given = parser.parse_args()
    settings = Settings.load()
    if given.cache and given.cache.is_file():
        every = pickle.loads(given.cache.read_bytes())
    else:
        every = record(settings, given.limit)
        if given.cache:
            given.cache.write_bytes(pickle.dumps(every))
    # The examples are too few, and too much alike, to say how other answers rank.
    settled = [asked for asked in every if asked.source == "examples" and asked.settling is not None]
    every = [asked for asked in every if asked.source != "examples" and asked.settling is None]
    ranking = fit_ranking(every)
    confidence = logistic(*first_answers(every, ranking))
    settle = logistic(*first_answers(settled, ranking))
    for source in ("given", "whole", "newsqa"):
        some = [asked for asked in every if asked.source == source]
        rows, target = first_answers(some, ranking)
        sure = 1 / (1 + np.exp(-(rows @ confidence)))
        best = [asked.f1[int(np.argmax(asked.features @ ranking))] for asked in some]
        mass = np.mean([asked.f1[0] for asked in some])
        print(
            f"in sample, {source}: {len(some)} questions, F1 {np.mean(best):.3f}, by mass alone {mass:.3f}; "
            f"ECE {ece(sure, target.astype(float)):.3f}, coverage@80 {coverage_at(sure, target.astype(float), 0.8):.3f}"
        )
    print(dict(zip(FEATURES, ranking.round(3), strict=True)))
    print(dict(zip(EVIDENCE, confidence.round(3), strict=True)))
    print(len(settled), "questions of yes or no:", dict(zip(SETTLING, settle.round(3), strict=True)))
    path = given.folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    fitted = {"ranking": ranking, "confidence": confidence, "settling": settle}
    manifest |= {name: weights.round(4).tolist() for name, weights in fitted.items()}
    path.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
