"""Fit the weights of `newsqa.read.SentenceReader` on half of the development questions.

    python benchmarks/fit_reader.py --index INDEX

Prints WEIGHTS to put into `newsqa/read.py`, and a table of thresholds for
``min_confidence``: how much is answered, and how often rightly, at each.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from archive import Question, contains, labelled_originals, load_questions
from newsqa.qa import QA, READ
from newsqa.read import FEATURES, SentenceReader
from newsqa.settings import Settings

Rows = NDArray[np.float64]


def describe(qa: QA, reader: SentenceReader, question: Question) -> tuple[Rows, NDArray[np.bool_]]:
    """Features of every sentence that is read for a question, and which hold its answer."""
    sentences = reader.split(qa.retrieve(question.text, k=READ))
    if not sentences:
        return np.empty((0, len(FEATURES))), np.empty(0, bool)
    right = np.array([contains(sentence.text, question.answer) for sentence in sentences])
    return reader.features(question.text, sentences), right


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--cache", type=Path, help="where to keep the features between runs")
    given = parser.parse_args()
    settings = Settings.load({"index": given.index})
    qa = QA.open(settings)
    reader = qa.reader
    assert isinstance(reader, SentenceReader)
    described, labelled = [], []
    if given.cache and given.cache.is_file():
        described, labelled = np.load(given.cache, allow_pickle=True)["data"]
    else:
        for question in load_questions(settings, "tune")[: given.limit]:
            described.append(describe(qa, reader, question))
            labelled.append(bool(labelled_originals(qa, question)))
        if given.cache:
            np.savez(given.cache, data=np.array([described, labelled], dtype=object))
    rows = np.concatenate([x for x, _ in described])
    right = np.concatenate([y for _, y in described])
    model = LogisticRegression(fit_intercept=False, C=10.0, max_iter=1000).fit(rows, right)
    print("WEIGHTS = (" + ", ".join(f"{weight:.3f}" for weight in model.coef_[0]) + ")")
    for name, weight in zip(FEATURES, model.coef_[0], strict=True):
        print(f"  {name:15} {weight:8.3f}")
    best = [
        (1 / (1 + np.exp(-max(x @ model.coef_[0], default=-9.0))), *first(x, y, model.coef_[0])) for x, y in described
    ]
    print("threshold  answered  right-of-answered  right-of-labelled  abstained-on-unlabelled")
    has = np.array(labelled)
    score, correct = np.array([b[0] for b in best]), np.array([b[1] for b in best])
    for threshold in np.arange(0.05, 0.95, 0.05):
        shown = score >= threshold
        print(
            f"{threshold:9.2f} {shown[has].mean():9.3f} {correct[has & shown].mean():18.3f} "
            f"{(correct & shown)[has].mean():18.3f} {1 - shown[~has].mean():24.3f}"
        )


def first(rows: Rows, right: NDArray[np.bool_], weights: Rows) -> tuple[bool]:
    return (bool(right[np.argmax(rows @ weights)]),) if len(rows) else (False,)


if __name__ == "__main__":
    main()
