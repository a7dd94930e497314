"""Question + passages -> for each token, how well an answer starts or ends there.

The packaged model is checked by its hash and runs through OpenVINO, without torch;
it picks bfloat16 where the processor has units for it. Its first layers skim all
passages, and only the most relevant are read with the others, after Soldaini and
Moschitti, "The Cascade Transformer" (ACL 2020). Any Hugging Face folder of an
extractive question-answering model can take its place.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from newsqa import bert
from newsqa.errors import ModelError
from newsqa.inference import Floats, Ints, Network, padded, side_by_side, threads
from newsqa.settings import Settings
from newsqa.types import Passage

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

PACKAGED = Path(__file__).parent / "reader"
FILES = ("reader.safetensors", "tokenizer.json")
HEADS = 12
SKIM = 4
"""Layers that see every passage."""
CLOSE = 16
"""Passages that the other layers see."""
CLS, SEP = 101, 102
HEADING_TOKENS = 32
INPUT_TOKENS = 512
BATCH = 4
"""Inputs a forward pass; measured fastest, as their activations stay in the cache."""


@dataclass(frozen=True, slots=True)
class TokenScores:
    """Of one passage: character ranges of its tokens, shape (tokens, 2), and logits, shape (tokens,).

    A logit is relative to 0, which stands for "the answer is not in this passage";
    so logits of different passages compare. ``first`` and ``last`` tell which
    tokens begin and end a word. ``relevance`` is the logit that the answer is in
    this passage at all. One that was only skimmed has no tokens.
    """

    offsets: Ints
    starts: Floats
    ends: Floats
    first: NDArray[np.bool_]
    last: NDArray[np.bool_]
    relevance: float


def heading(title: str, published: str | None) -> str:
    """Return what the reader is told about a passage beside its text: day and title."""
    return " · ".join(part for part in ((published or "")[:10], title) if part)


def manifest() -> dict[str, Any]:
    """Return what the packaged model's manifest says: ``sha256`` of its files, and what training fitted.

    Raises ModelError when it can't be read.
    """
    path = PACKAGED / "manifest.json"
    try:
        parsed: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(path, f"can't be read: {error}") from error
    return parsed


def _damaged(path: Path, what: str) -> ModelError:
    return ModelError(
        f"The packaged reader's '{path}' {what}. Reinstall newsqa, or set NEWSQA_READER to another model."
    )


class SpanModel:
    """Scores the tokens of passages; loads at first use, and may be shared between threads."""

    def __init__(self, settings: Settings) -> None:
        """Take the packaged model, or the folder that ``settings.reader`` names."""
        self._folder = settings.reader
        self._threads = threads(settings)
        self._workers = ThreadPoolExecutor(self._threads, thread_name_prefix="read")
        self._loading = threading.Lock()

    def load(self) -> None:
        """Load now rather than at first use; raises ModelError."""
        self._model  # noqa: B018

    def score(self, question: str, passages: Sequence[Passage]) -> list[TokenScores]:
        """Score every token of every passage, in the passages' order.

        Raises ModelError when the model can't be loaded.
        """
        model = self._model
        inputs = model.inputs(question, passages)
        scores = {i: inputs[i].scores(logits, relevance) for i, logits, relevance in model.read(self._workers, inputs)}
        if not all(np.isfinite([*one.starts, *one.ends, one.relevance]).all() for one in scores.values()):
            raise ModelError(f"The reader '{self._folder or PACKAGED}' gives scores that are not numbers.")
        return [scores[i] for i in range(len(inputs))]

    @property
    def _model(self) -> _Packaged | _Folder:
        with self._loading:
            return self._loaded

    @cached_property
    def _loaded(self) -> _Packaged | _Folder:
        return _Folder(self._folder) if self._folder else _Packaged(self._threads)


Read = Iterator[tuple[int, Floats | None, float]]
"""Of each input: which it is, its logits of shape (tokens, 2) unless it was only skimmed, and its relevance."""


class _Input:
    """Tokens for the model, those of ``passage`` at ``positions``."""

    def __init__(
        self, ids: list[int], types: list[int], positions: Sequence[int], passage: Encoding, text: str
    ) -> None:
        self.ids, self.types = ids, types
        ranges = [_characters(text, *offsets) for offsets in passage.offsets]
        # Some tokenizers make a token of a space.
        kept = [i for i, (start, end) in enumerate(ranges) if start < end]
        self.positions = np.asarray(positions, np.int64)[kept]
        self._offsets = np.asarray(ranges, np.int64).reshape(-1, 2)[kept]
        self._words = np.asarray(passage.word_ids, np.int64)[kept]

    def scores(self, logits: Floats | None, relevance: float) -> TokenScores:
        """Cut the passage's part out of logits of shape (tokens, 2)."""
        if logits is None:
            none = np.empty(0, np.float32)
            return TokenScores(np.empty((0, 2), np.int64), none, none, none > 0, none > 0, relevance)
        starts, ends = logits[self.positions].T
        first, last = np.diff(self._words, prepend=-1) != 0, np.diff(self._words, append=-1) != 0
        return TokenScores(self._offsets, starts, ends, first, last, relevance)


def _mask(inputs: Sequence[_Input]) -> Ints:
    return padded([[1] * len(one.ids) for one in inputs])


def _characters(text: str, start: int, end: int) -> tuple[int, int]:
    """Take spaces off a token, and give it the marks on its last letter, which tokenizers drop."""
    while start < end and text[start].isspace():
        start += 1
    while start < end < len(text) and unicodedata.category(text[end]) == "Mn":
        end += 1
    return start, end


def _encode(
    tokenizer: Tokenizer, question: str, passages: Sequence[Passage], room: int
) -> tuple[Encoding, list[Encoding]]:
    """Encode without special tokens, so that question and any passage fit into ``room`` tokens.

    A long question gives way, down to a quarter of the room; passages lose their end only beyond that.
    """
    asked, *texts = tokenizer.encode_batch([question, *(p.text for p in passages)], add_special_tokens=False)
    asked.truncate(max(room - max(map(len, texts), default=0), room // 4))
    for text in texts:
        text.truncate(room - len(asked))
    return asked, texts


def _plain(tokenizer: Tokenizer) -> Tokenizer:
    """Let a tokenizer take all of a text, and take it as nothing but text."""
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    return tokenizer


class _Packaged:
    """The shipped model."""

    def __init__(self, threads: int) -> None:
        digests = manifest().get("sha256", {})
        for name in FILES:
            try:
                with (PACKAGED / name).open("rb") as file:
                    found = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise _damaged(PACKAGED / name, f"can't be read: {error}") from error
            if found != digests.get(name):
                raise _damaged(PACKAGED / name, f"has sha256 {found[:12]}…, not the one in manifest.json")
        from tokenizers import Tokenizer

        self._tokenizer = _plain(Tokenizer.from_file(str(PACKAGED / "tokenizer.json")))
        weights = bert.read_weights(PACKAGED / "reader.safetensors")
        self._skim = Network(bert.skimmer(weights, HEADS, SKIM), threads, eight_bits=True)
        self._close = Network(bert.closer(weights, HEADS, SKIM), threads, eight_bits=True)

    def inputs(self, question: str, passages: Sequence[Passage]) -> list[_Input]:
        """Lay out [CLS] question [SEP] heading [SEP] passage [SEP], as in training."""
        headings = self._tokenizer.encode_batch(
            [heading(passage.title, passage.published) for passage in passages], add_special_tokens=False
        )
        room = INPUT_TOKENS - HEADING_TOKENS - 4
        asked, texts = _encode(self._tokenizer, question, passages, room)
        made = []
        for about, text, passage in zip(headings, texts, passages, strict=True):
            told = [*about.ids[:HEADING_TOKENS], SEP] if about.ids else []
            before = [CLS, *asked.ids, SEP, *told]
            begin, end = len(before), len(before) + len(text)
            types = [0] * begin + [1] * (len(text) + 1)
            made.append(_Input([*before, *text.ids, SEP], types, range(begin, end), text, passage.text))
        return made

    def read(self, workers: Executor, inputs: Sequence[_Input]) -> Read:
        """Skim all inputs, which come nearest first, and read the most relevant."""
        states: dict[int, Floats] = {}
        relevance: dict[int, float] = {}

        def skim(batch: list[int]) -> list[Floats]:
            some = [inputs[i] for i in batch]
            return self._skim(padded([one.ids for one in some]), _mask(some), padded([one.types for one in some]))

        for batch, (found, relevant) in side_by_side(workers, skim, [len(one.ids) for one in inputs], BATCH):
            states |= dict(zip(batch, found, strict=True))
            relevance |= dict(zip(batch, relevant.tolist(), strict=True))
        # What skimming says, and the order in which retrieval brought them, tell more together than either.
        skimmed = sorted(relevance, key=lambda i: -relevance[i])
        order = [i for _, i in sorted((place + i, i) for place, i in enumerate(skimmed))]
        kept = order[:CLOSE]
        yield from ((i, None, relevance[i]) for i in order[CLOSE:])

        def close(batch: list[int]) -> list[Floats]:
            mask = _mask([inputs[kept[i]] for i in batch])
            width = mask.shape[1]
            some = [states[kept[i]][:width] for i in batch]
            return self._close(np.stack([np.pad(one, ((0, width - len(one)), (0, 0))) for one in some]), mask)

        for batch, (logits, relevant) in side_by_side(workers, close, [len(inputs[i].ids) for i in kept], BATCH):
            yield from zip([kept[i] for i in batch], logits, relevant.tolist(), strict=True)


class _Folder:
    """A Hugging Face model, given question and passage as a pair."""

    def __init__(self, folder: str) -> None:
        # Importing torch takes seconds, which those who read with the packaged model should not pay.
        import torch
        from transformers import AutoModelForQuestionAnswering, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        # As above, batches run side by side.
        torch.set_num_threads(1)
        advice = "Set NEWSQA_READER to the folder of a model for extractive question answering"
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model, loaded = AutoModelForQuestionAnswering.from_pretrained(
                folder, local_files_only=True, output_loading_info=True
            )
        except (ImportError, OSError, ValueError) as error:
            raise ModelError(f"Can't load the reader '{folder}': {error}. {advice}.") from error
        if missing := sorted(loaded["missing_keys"]):
            raise ModelError(f"The reader '{folder}' was not trained to answer: it has no {missing[0]}. {advice}.")
        if not tokenizer.is_fast or tokenizer.cls_token_id is None:
            raise ModelError(f"The reader '{folder}' has no fast tokenizer with a CLS token. {advice} that has one.")
        capabilities = torch.cpu.get_capabilities()
        fast = capabilities.get("amx_bf16") or capabilities.get("avx512_bf16")
        self._model = model.to(torch.bfloat16 if fast else torch.float32).eval()
        self._takes = inspect.signature(model.forward).parameters.keys() & tokenizer.model_input_names
        self._tokenizer = _plain(tokenizer.backend_tokenizer)
        self._cls = tokenizer.cls_token_id
        self._padding = tokenizer.pad_token_id or 0
        longest = getattr(model.config, "max_position_embeddings", INPUT_TOKENS)
        special = self._tokenizer.num_special_tokens_to_add(is_pair=True)
        self._room = min(INPUT_TOKENS, tokenizer.model_max_length, longest) - special

    def inputs(self, question: str, passages: Sequence[Passage]) -> list[_Input]:
        """Lay out question and passage as the model's own tokenizer does."""
        asked, texts = _encode(self._tokenizer, question, passages, self._room)
        made = []
        for text, passage in zip(texts, passages, strict=True):
            pair = self._tokenizer.post_process(asked, text)
            positions = [i for i, part in enumerate(pair.sequence_ids) if part == 1]
            made.append(_Input(pair.ids, pair.type_ids, positions, text, passage.text))
        return made

    def read(self, workers: Executor, inputs: Sequence[_Input]) -> Read:
        """Read all inputs; what the model was not trained to say, their relevance, is that of the best span."""

        def forward(batch: list[int]) -> Floats:
            return self._forward([inputs[i] for i in batch])

        for batch, logits in side_by_side(workers, forward, [len(one.ids) for one in inputs], BATCH):
            for i, found in zip(batch, logits, strict=True):
                best = found[inputs[i].positions].max(axis=0, initial=0.0)
                yield i, found, float(best.mean())

    def _forward(self, inputs: Sequence[_Input]) -> Floats:
        """Return logits, shape (inputs, tokens, 2), less those of the CLS token, which say "not here"."""
        import torch

        ids = padded([one.ids for one in inputs], self._padding)
        types = padded([one.types for one in inputs])
        given = {"input_ids": ids, "attention_mask": _mask(inputs), "token_type_ids": types}
        with torch.inference_mode():
            found = self._model(**{name: torch.from_numpy(a) for name, a in given.items() if name in self._takes})
        logits: Floats = torch.stack([found.start_logits, found.end_logits], -1).float().numpy()
        null = np.argmax(ids == self._cls, axis=1)[:, np.newaxis, np.newaxis]
        relative: Floats = logits - np.take_along_axis(logits, null, axis=1)
        return relative
