"""Question + passages -> for each token, how well an answer starts or ends there.

The packaged model runs through OpenVINO, without torch; it picks bfloat16 where
the processor has units for it. Any Hugging Face folder of an extractive
question-answering model can take its place.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from newsqa.errors import ModelError
from newsqa.settings import Settings
from newsqa.types import Passage

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

PACKAGED = Path(__file__).parent / "reader"
MANIFEST_SHA256 = ""
"""Of manifest.json, which holds the digests of the other files."""
CLS, SEP = 101, 102
QUESTION_TOKENS = 200
CONTEXT_TOKENS = 32
INPUT_TOKENS = 512
PADDING = 16
BATCH = 4
"""Passages a forward pass; measured fastest, as their activations stay in the cache."""


@dataclass(frozen=True, slots=True)
class TokenScores:
    """Of one passage: character ranges of its tokens, shape (tokens, 2), and logits, shape (tokens,).

    A logit is relative to 0, which stands for "the answer is not in this passage";
    so logits of different passages compare. ``first`` and ``last`` tell which
    tokens begin and end a word.
    """

    offsets: Ints
    starts: Floats
    ends: Floats
    first: NDArray[np.bool_]
    last: NDArray[np.bool_]


def heading(title: str, published: str | None) -> str:
    """Return what the reader is told about a passage beside its text: day and title."""
    return " · ".join(part for part in ((published or "")[:10], title) if part)


class SpanModel:
    """Scores the tokens of passages; loads at first use, and may be shared between threads."""

    def __init__(self, settings: Settings) -> None:
        """Take the packaged model, or the folder that ``settings.reader`` names."""
        self._settings = settings
        self._threads = settings.threads or os.cpu_count() or 1
        self._workers = ThreadPoolExecutor(self._threads, thread_name_prefix="read")

    def load(self) -> None:
        """Load now rather than at first use; raises ModelError."""
        self._forward, self._tokenizer  # noqa: B018

    def score(self, question: str, passages: Sequence[Passage]) -> list[TokenScores]:
        """Score every token of every passage, in the passages' order.

        Raises ModelError when the model can't be loaded.
        """
        asked = self._encode([question])[0].ids[:QUESTION_TOKENS]
        texts = self._encode([passage.text for passage in passages])
        about = self._encode([heading(passage.title, passage.published) for passage in passages])
        inputs = [_Input(asked, a.ids[:CONTEXT_TOKENS], text) for a, text in zip(about, texts, strict=True)]
        longest_first = sorted(range(len(inputs)), key=lambda i: -inputs[i].length)
        batches = [longest_first[i : i + BATCH] for i in range(0, len(inputs), BATCH)]
        scores: dict[int, TokenScores] = {}
        for batch, logits in zip(
            batches, self._workers.map(lambda b: self._run([inputs[i] for i in b]), batches), strict=True
        ):
            scores |= {i: inputs[i].scores(logits[:, row]) for row, i in enumerate(batch)}
        return [scores[i] for i in range(len(inputs))]

    def _run(self, inputs: list[_Input]) -> Floats:
        width = -(-max(i.length for i in inputs) // PADDING) * PADDING
        ids, mask, types = (np.zeros((len(inputs), width), np.int64) for _ in range(3))
        for row, one in enumerate(inputs):
            ids[row, : one.length] = one.ids
            mask[row, : one.length] = 1
            types[row, one.begin : one.length] = 1
        return self._forward(ids, mask, types)

    def _encode(self, texts: Sequence[str]) -> list[Encoding]:
        encodings: list[Encoding] = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return encodings

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(PACKAGED / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    @cached_property
    def _forward(self) -> Callable[[Ints, Ints, Ints], Floats]:
        import openvino

        core = openvino.Core()
        compiled = core.compile_model(
            core.read_model(PACKAGED / "reader.xml"),
            "CPU",
            {"NUM_STREAMS": self._threads, "INFERENCE_NUM_THREADS": self._threads},
        )

        def forward(ids: Ints, mask: Ints, types: Ints) -> Floats:
            request = compiled.create_infer_request()
            request.infer([ids, mask, types], share_inputs=True)
            return request.get_output_tensor().data

        return forward


class _Input:
    """[CLS] question [SEP] heading [SEP] passage [SEP], as the reader was trained."""

    def __init__(self, question: list[int], context: list[int], passage: Encoding) -> None:
        room = INPUT_TOKENS - len(question) - len(context) - 4
        self.passage = passage
        self.kept = min(len(passage.ids), room)
        first = [CLS, *question, SEP, *context, *([SEP] if context else [])]
        self.begin = len(first)
        self.ids = [*first, *passage.ids[: self.kept], SEP]
        self.length = len(self.ids)

    def scores(self, logits: Floats) -> TokenScores:
        """Cut the passage's part out of logits of shape (2, tokens)."""
        starts, ends = logits[:, self.begin : self.begin + self.kept]
        words = np.asarray(self.passage.word_ids[: self.kept])
        changes = words[1:] != words[:-1]
        offsets = np.asarray(self.passage.offsets[: self.kept], np.int64).reshape(-1, 2)
        return TokenScores(offsets, starts, ends, np.r_[True, changes], np.r_[changes, True])
