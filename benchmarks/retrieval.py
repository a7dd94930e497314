"""What each part of retrieval is worth: a table of rankings, from plain BM25 to what `newsqa ask` reads.

    python benchmarks/retrieval.py --index ARCHIVE [--questions FILE] [--half odd] [--limit N] [--read N]

The questions name the articles that hold their answer (see `newsqa evaluate --help`). ``--read`` lets the reader
judge what is found for so many of them, which takes most of the time. What was searched and read is kept
under ``--cache``, one line a question, so that a run that was stopped goes on, and only the first one takes long;
it belongs to one state of the index, one file of questions, and one reader: remove it when the reader changes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from newsqa import asof, retrieve
from newsqa.embed import default_embedder
from newsqa.errors import ArticleNotFoundError
from newsqa.evaluate import metrics
from newsqa.evaluate.questions import Question, read
from newsqa.index import Index
from newsqa.match import contained, f1
from newsqa.protocols import Embedder
from newsqa.qa import READ, default_reader
from newsqa.read import candidates
from newsqa.retrieve import CANDIDATES
from newsqa.settings import Settings
from newsqa.spans import TokenScores
from newsqa.types import Passage

TODAY = date.today()
DEPTHS = (1, 5, 10, 20)
READS = (READ, 2 * READ)
"""How many passages are read."""

Record = dict[str, Any]
Ranking = list[int]


class Found(NamedTuple):
    """A passage that either side found; ``holds``: it has a right answer, word for word."""

    article: str
    start: int
    published: str | None
    holds: bool


class Asked:
    """A question with all that was found for it."""

    def __init__(self, question: Question, record: Record) -> None:
        self.question = question
        self.labelled = frozenset(record["labelled"])
        self.found = {int(key): Found(*value) for key, value in record["found"].items()}
        self.sides: dict[str, list[tuple[int, float]]] = {
            side: [(identity, score) for identity, score in record[side]] for side in ("dense", "lexical")
        }

    def fused(self, share: float = retrieve.DENSE, depth: int = CANDIDATES) -> list[tuple[int, float]]:
        """Both sides, fused as they are in newsqa."""
        return retrieve.fuse(self.sides["dense"][:depth], self.sides["lexical"][:depth], share, depth)

    def by_rank(self, k: int) -> Ranking:
        """Both sides, fused by reciprocal ranks.

        Source: Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual
        Rank Learning Methods", SIGIR 2009.
        """
        total = dict.fromkeys(self.found, 0.0)
        for ranked in self.sides.values():
            for rank, (identity, _) in enumerate(ranked, start=1):
                total[identity] += 1 / (k + rank)
        return sorted(total, key=lambda identity: -total[identity])

    def stretched(self, share: float) -> Ranking:
        """Both sides, their scores stretched to reach from 0 to 1 over what was found."""
        total = dict.fromkeys(self.found, 0.0)
        for ranked, weight in ((self.sides["dense"], share), (self.sides["lexical"], 1 - share)):
            scores = np.array([score for _, score in ranked] or [0.0])
            for (identity, _), score in zip(ranked, (scores - scores.min()) / (np.ptp(scores) or 1), strict=False):
                total[identity] += weight * float(score)
        return sorted(total, key=lambda identity: -total[identity])

    def spread(self) -> Ranking:
        """Both sides, with at most three passages of an article before all others."""
        seen: Counter[str] = Counter()
        early: Ranking = []
        late: Ranking = []
        for identity in ids(self.fused()):
            article = self.found[identity].article
            seen[article] += 1
            (early if seen[article] <= 3 else late).append(identity)
        return early + late

    def ours(self, *, lead: bool = True, words: bool = True, as_of: bool = False) -> Ranking:
        """What is read, or without some of its parts."""
        first = {i for i, one in self.found.items() if not one.start} if lead else ()
        published = {i: one.published for i, one in self.found.items()}
        day = self.question.day if as_of else None
        periods = asof.periods(self.question.text, day, TODAY) if words or as_of else ()
        return ids(retrieve.lean(self.fused(), first, published, periods))


def ids(ranked: Iterable[tuple[int, float]]) -> Ranking:
    """Leave the scores out."""
    return [identity for identity, _ in ranked]


OURS, DATED = "**ours**: dense .5, both of these", "**ours**, as of the question's date"
ROWS: Mapping[str, Callable[[Asked], Ranking]] = {
    "BM25": lambda asked: ids(asked.sides["lexical"]),
    "dense": lambda asked: ids(asked.sides["dense"]),
    "RRF, k = 60": lambda asked: asked.by_rank(60),
    "RRF, k = 10": lambda asked: asked.by_rank(10),
    "scores stretched to [0, 1], dense .4": lambda asked: asked.stretched(0.4),
    "shares of the best score, dense .4": lambda asked: ids(asked.fused(0.4)),
    "shares of the best score, dense .5": lambda asked: ids(asked.fused(0.5)),
    "shares of the best score, dense .6": lambda asked: ids(asked.fused(0.6)),
    "- of 100 candidates, not 200": lambda asked: ids(asked.fused(depth=100)),
    "- at most 3 passages of an article": lambda asked: asked.spread(),
    "- and first passages": lambda asked: asked.ours(words=False),
    "- and the question's words on time": lambda asked: asked.ours(lead=False),
    OURS: lambda asked: asked.ours(),
    "dense .5, as of the question's date": lambda asked: asked.ours(lead=False, as_of=True),
    DATED: lambda asked: asked.ours(as_of=True),
}
TO_READ = ("RRF, k = 10", OURS, DATED)


class Remembering:
    """A reader's model that scores each passage of a question once."""

    def __init__(self, model: Any) -> None:  # noqa: ANN401 - `newsqa.read.Model`
        self._model = model
        self.scores: dict[tuple[str, int], TokenScores] = {}

    def score(self, question: str, passages: Sequence[Passage]) -> list[TokenScores]:
        """Score what wasn't yet."""
        new = [passage for passage in passages if (question, passage.id) not in self.scores]
        for passage, one in zip(new, self._model.score(question, new) if new else (), strict=True):
            self.scores[question, passage.id] = one
        return [self.scores[question, passage.id] for passage in passages]


def searched(question: Question, index: Index, embedder: Embedder) -> Record | None:
    """Search both sides; None where none of the question's articles is in the index."""
    labelled = set()
    for identity in question.labelled:
        try:
            article = index.article(identity)
            labelled.add(article.copy_of or article.id)
        except ArticleNotFoundError:
            continue
    if not labelled:
        return None
    dense = index.dense(embedder.embed([question.text])[0], CANDIDATES)
    lexical = index.lexical(question.text, CANDIDATES)
    passages = index.passages(list(dict(dense) | dict(lexical)))
    found = {p.id: Found(p.article_id, p.start, p.published, contained(p.text, question.answers)) for p in passages}
    return {"labelled": sorted(labelled), "dense": dense, "lexical": lexical, "found": found}


def judged(asked: Asked, index: Index, reader: Any) -> Record:  # noqa: ANN401 - its model is replaced
    """Let the reader answer from the first passages of some rankings, and score each passage."""
    text, answers, rankings = asked.question.text, {}, {name: ROWS[name](asked)[: READS[-1]] for name in TO_READ}
    passages = {p.id: p for p in index.passages(sorted({i for ranking in rankings.values() for i in ranking}))}
    for name, ranking in rankings.items():
        for depth in READS:
            spans = reader.read(text, [passages[i] for i in ranking[:depth]])
            answers[f"{name}/{depth}"] = spans[0].text if spans else ""
    logits: dict[int, float] = {}
    for candidate in candidates(list(passages.values()), reader._model.score(text, list(passages.values()))):
        logits.setdefault(candidate.passage.id, candidate.logit)  # the best come first
    reader._model.scores.clear()
    return {"answers": answers, "logits": logits}


def kept(path: Path, questions: Iterable[Question], make: Callable[[Question], Record | None]) -> dict[str, Record]:
    """Make a record for each question, or take it from a file that grows with every one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    records: dict[str, Record | None] = dict(json.loads(line) for line in lines if line.endswith("]"))
    new = [question for question in questions if question.id not in records]
    with path.open("a", encoding="utf-8") as file:
        for number, question in enumerate(new, start=1):
            records[question.id] = json.loads(json.dumps(make(question)))
            file.write(f"\n{json.dumps([question.id, records[question.id]])}")  # a line that was cut off stays alone
            file.flush()
            sys.stderr.write(f"\r{path.stem}: {number} of {len(new)}")
    return {question.id: record for question in questions if (record := records[question.id])}


def figures(asked: Asked, ranking: Ranking) -> list[float]:
    """Recall of articles at `DEPTHS`, MRR@10, nDCG@10, recall of passages at `DEPTHS` and `READ`, of labelled ones.

    A passage is right if it holds a right answer, word for word; a labelled one is also of an article that is
    labelled, as an answer like "five" stands anywhere. Articles are ranked by their first passage.

    Source of nDCG: Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", TOIS 2002.
    """
    articles = dict.fromkeys(asked.found[i].article for i in ranking)
    article = np.array([one in asked.labelled for one in articles], bool)
    passage = np.array([asked.found[i].holds for i in ranking], bool)
    labelled = passage & np.array([asked.found[i].article in asked.labelled for i in ranking], bool)
    discounts = 1 / np.log2(np.arange(2, 12))
    ideal = discounts[: len(asked.labelled)].sum()
    return [
        *(article[:k].any() for k in DEPTHS),
        next((1 / rank for rank, right in enumerate(article[:10], start=1) if right), 0.0),
        (article[:10] * discounts[: len(article)]).sum() / ideal,
        *(passage[:k].any() for k in (*DEPTHS, READ)),
        *(labelled[:k].any() for k in (*DEPTHS, READ)),
    ]


def table(name: str, columns: Sequence[str], rows: Mapping[str, Sequence[Sequence[float]]]) -> None:
    """Print means in percent as Markdown."""
    print(f"\n| {name} | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for row, values in rows.items():
        print(f"| {row} | {' | '.join(f'{100 * value:.1f}' for value in np.mean(values, axis=0))} |")


def rankings(every: Sequence[Asked], records: Mapping[str, Record]) -> None:
    """Print the table of rankings; with what was read, of those questions and also as the reader ranks."""
    rows = {name: [figures(asked, rank(asked)) for asked in every] for name, rank in ROWS.items()}
    for name in TO_READ if records else ():
        rows[f"{name}, the first {READS[-1]} by the reader"] = [
            figures(asked, by_reader(ROWS[name](asked), records[asked.question.id]["logits"])) for asked in every
        ]
    passages = [f"@{k}" for k in (*DEPTHS, READ)]
    columns = [*(f"article @{k}" for k in DEPTHS), "MRR@10", "nDCG@10"]
    columns += [f"passage {k}" for k in passages] + [f"labelled {k}" for k in passages]
    table(f"{len(every)} questions", columns, rows)


def by_reader(ranking: Ranking, logits: Mapping[str, float]) -> Ranking:
    """Order the first passages by their best span, those without one last."""
    return sorted(ranking[: READS[-1]], key=lambda identity: -logits.get(str(identity), -np.inf))


def answers(every: Sequence[Asked], records: Mapping[str, Record]) -> None:
    """Print how often the first answer is right, by how many passages are read."""
    rows = {
        key: [
            (float(metrics.right(given, gold)), f1(given, gold))
            for asked in every
            for given, gold in [(records[asked.question.id]["answers"][key], asked.question.answers)]
        ]
        for key in (f"{name}/{depth}" for name in TO_READ for depth in READS)
    }
    table("passages of / read", ["right", "F1"], rows)


def main() -> None:
    defaults = Settings.load()
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--index", type=Path, default=defaults.index)
    parser.add_argument("--questions", type=Path, default=defaults.data / "archive" / "questions.jsonl.gz")
    parser.add_argument("--half", choices=("even", "odd"))
    parser.add_argument("--limit", type=int, help="so many questions, evenly spread")
    parser.add_argument("--read", type=int, default=0, help="of so many of them, evenly spread, also the answers")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "newsqa-retrieval")
    options = parser.parse_args()
    settings = Settings.load({"index": options.index})
    embedder = default_embedder(settings)
    index = Index.open(settings, embedder.model_id)
    asked = read(options.questions, options.half, options.limit)
    state = json.dumps([asked.sha256, {**index.status(), "index": "", "bytes": 0}], sort_keys=True)
    name = hashlib.sha256(state.encode()).hexdigest()[:12]
    records = kept(options.cache / f"search-{name}.jsonl", asked.asked, lambda one: searched(one, index, embedder))
    every = [Asked(question, records[question.id]) for question in asked.asked if question.id in records]
    rankings(every, {})
    if count := min(options.read, len(every)):
        some = [every[i * len(every) // count] for i in range(count)]
        by_id = {one.question.id: one for one in some}
        reader: Any = default_reader(settings)
        reader._model = Remembering(reader._model)
        judgements = kept(
            options.cache / f"read-{name}.jsonl",
            [one.question for one in some],
            lambda one: judged(by_id[one.id], index, reader),
        )
        rankings(some, judgements)
        answers(some, judgements)


if __name__ == "__main__":
    main()
