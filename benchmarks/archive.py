"""How well newsqa answers the development archive's questions, and how fast.

    newsqa index --index INDEX "$NEWSQA_DATA/archive/articles.jsonl.gz"
    python benchmarks/archive.py --index INDEX [--half report|tune|all] [--limit N] [--json FILE]

Questions with a label name articles that hold the answer; the label is weak. Half
of the questions (`tune`) chose the reader's weights and threshold, the other half
(`report`) is what to quote.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import statistics
import string
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from newsqa.clean import article_key
from newsqa.qa import QA
from newsqa.settings import Settings
from newsqa.types import Answer, Draft, Passage
from newsqa.writer import article_id

DEPTHS = (1, 5, 10)


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its answer and the ids of the articles that are labelled to hold it."""

    text: str
    answer: str
    articles: frozenset[str]


def load_questions(settings: Settings, half: str) -> list[Question]:
    path = settings.data / "archive" / "questions.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    chosen = {"tune": rows[0::2], "report": rows[1::2], "all": rows}[half]
    return [
        Question(
            row["question"],
            row["answer"],
            frozenset(article_id(article_key(Draft(text="", url=url), "")) for url in row["articles_with_answer"]),
        )
        for row in chosen
    ]


def normalise(text: str) -> str:
    """Lower case without punctuation and articles, as SQuAD's evaluation does."""
    bare = "".join(" " if c in string.punctuation + "“”‘’–—" else c for c in text.lower())
    return " ".join(word for word in bare.split() if word not in {"a", "an", "the"})


def contains(text: str, answer: str) -> bool:
    return bool(re.search(rf"\b{re.escape(normalise(answer))}\b", normalise(text)))


def labelled_originals(qa: QA, question: Question) -> set[str]:
    """The labelled articles that are in the index, each as the one that is searched for it."""
    known = [qa.index.article(identity) for identity in question.articles if identity in _ids(qa)]
    return {article.copy_of or article.id for article in known}


_KNOWN: dict[str, frozenset[str]] = {}


def _ids(qa: QA) -> frozenset[str]:
    folder = str(qa.index.folder)
    if folder not in _KNOWN:
        with qa.index.reading() as connection:
            _KNOWN[folder] = frozenset(row[0] for row in connection.execute("SELECT id FROM articles"))
    return _KNOWN[folder]


def article_ranks(passages: Sequence[Passage]) -> list[str]:
    return list(dict.fromkeys(passage.article_id for passage in passages))


def share(outcomes: Iterable[bool]) -> float:
    values = list(outcomes)
    return round(sum(values) / len(values), 4) if values else float("nan")


def retrieval(qa: QA, questions: Sequence[Question]) -> dict[str, Any]:
    recalls: dict[int, list[bool]] = {depth: [] for depth in DEPTHS}
    for question in questions:
        gold = labelled_originals(qa, question)
        if not gold:
            continue
        ranks = article_ranks(qa.retrieve(question.text, k=100))
        for depth in DEPTHS:
            recalls[depth].append(bool(gold & set(ranks[:depth])))
    return {"questions": len(recalls[1])} | {f"article recall@{d}": share(hits) for d, hits in recalls.items()}


def answers(qa: QA, questions: Sequence[Question]) -> dict[str, Any]:
    labelled, unlabelled, seconds = [], [], []
    for question in questions:
        started = time.perf_counter()
        answer = qa.ask(question.text)
        seconds.append(time.perf_counter() - started)
        assert_verbatim(qa, answer)
        (labelled if labelled_originals(qa, question) else unlabelled).append((question, answer))
    right = [a.text is not None and contains(a.text, q.answer) for q, a in labelled]
    answered = [a.text is not None for _, a in labelled]
    ordered = sorted(seconds)
    return {
        "labelled": len(labelled),
        "share answered": share(answered),
        "share whose first quote contains the answer": share(right),
        "precision of the first quote, when answered": share(r for r, a in zip(right, answered, strict=True) if a),
        "unlabelled": len(unlabelled),
        "share abstained on unlabelled": share(a.text is None for _, a in unlabelled),
        "ask p50 ms": round(1000 * statistics.median(ordered)),
        "ask p95 ms": round(1000 * ordered[int(0.95 * (len(ordered) - 1))]),
    }


def assert_verbatim(qa: QA, answer: Answer) -> None:
    for citation in (*answer.citations, *answer.near):
        text = qa.index.article(citation.article_id, citation.revision).text
        if text[citation.start : citation.end] != citation.quote:
            raise SystemExit(f"not verbatim: {citation}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--half", choices=("tune", "report", "all"), default="report")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--no-answers", action="store_true", help="measure retrieval only")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    settings = Settings.load({"index": given.index})
    qa = QA.open(settings)
    qa.warm()
    questions = load_questions(settings, given.half)[: given.limit]
    result = {"half": given.half, "retrieval": retrieval(qa, questions)}
    if not given.no_answers:
        result["answers"] = answers(qa, questions)
    print(json.dumps(result, indent=1))
    if given.json:
        given.json.write_text(json.dumps(result, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
