"""Fit the weights of `newsqa.read.SentenceReader` on half of the development questions.

    python benchmarks/fit_reader.py --index INDEX

Prints WEIGHTS to put into `newsqa/read.py`, and a table of thresholds for
``min_confidence``: how much is answered, how often rightly, and how much of what has
no label is left unanswered.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from archive import Question, contains, labelled_originals, load_questions
from newsqa.qa import QA, READ
from newsqa.read import FEATURES, SentenceReader
from newsqa.settings import Settings

RIDGE = 1e-3
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
    weights = rank_weights([(rows[:, 1:], right) for rows, right in described if right.any()])
    best = [int(np.argmax(rows[:, 1:] @ weights)) for rows, _ in described]
    score = np.array([rows[i, 1:] @ weights for (rows, _), i in zip(described, best, strict=True)])
    correct = np.array([right[i] for (_, right), i in zip(described, best, strict=True)])
    calibration = LogisticRegression(C=10.0).fit(score[:, np.newaxis], correct)
    slope, bias = calibration.coef_[0, 0], calibration.intercept_[0]
    fitted = [bias, *(slope * weights)]
    print("WEIGHTS = (" + ", ".join(f"{weight:.3f}" for weight in fitted) + ")  # " + ", ".join(FEATURES))
    thresholds(1 / (1 + np.exp(-(slope * score + bias))), correct, np.array(labelled, bool))


def rank_weights(questions: list[tuple[Rows, NDArray[np.bool_]]]) -> Rows:
    """Weights that put sentences with the answer first: softmax over each question's sentences."""
    everything = np.concatenate([rows for rows, _ in questions])
    mean, deviation = everything.mean(axis=0), everything.std(axis=0)
    scaled = [(torch.tensor((rows - mean) / deviation), torch.tensor(right)) for rows, right in questions]
    weights = torch.zeros(len(mean), dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=200)

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        scores = [(rows @ weights, right) for rows, right in scaled]
        losses = [torch.logsumexp(each, 0) - torch.logsumexp(each[right], 0) for each, right in scores]
        total = torch.stack(losses).mean() + RIDGE * weights @ weights
        total.backward()
        return total

    optimiser.step(loss)
    return weights.detach().numpy() / deviation


def thresholds(score: Rows, correct: NDArray[np.bool_], labelled: NDArray[np.bool_]) -> None:
    print("threshold  answered  right-of-answered  abstained-on-unlabelled  answered-minus-wrongly-answered")
    for threshold in np.arange(0.06, 0.42, 0.02):
        shown = score >= threshold
        answered, abstained = shown[labelled].mean(), 1 - shown[~labelled].mean()
        print(
            f"{threshold:9.2f} {answered:9.3f} {correct[labelled & shown].mean():18.3f} {abstained:24.3f} "
            f"{answered + abstained - 1:32.3f}"
        )


if __name__ == "__main__":
    main()
