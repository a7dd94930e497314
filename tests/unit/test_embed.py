"""What is embedded and by which model; the models themselves are tested in integration."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from newsqa import embed
from newsqa.embed import MiniLMEmbedder, SentenceTransformerEmbedder, default_embedder, passage_header
from newsqa.errors import ModelError
from newsqa.settings import Settings


def test_a_header_is_title_and_day() -> None:
    assert passage_header("Ferry strike ends", "2025-01-02T10:00:00Z") == "Ferry strike ends (2025-01-02)\n"
    assert passage_header("Ferry strike ends", None) == "Ferry strike ends\n"


def test_a_long_title_is_cut_at_a_word() -> None:
    assert passage_header("word " * 40, None) == "word " * 31 + "word\n"
    assert passage_header("w" * 200, None) == "w" * 160 + "\n"


def test_settings_pick_the_embedder() -> None:
    assert isinstance(default_embedder(Settings()), MiniLMEmbedder)
    assert isinstance(default_embedder(Settings(embedder="org/name")), SentenceTransformerEmbedder)


def test_a_model_is_named_without_loading_it(tmp_path: Path) -> None:
    assert embed.model_id(Settings()) == default_embedder(Settings()).model_id == "all-MiniLM-L6-v2@53aa51172d14"
    assert embed.model_id(Settings(embedder="org/name")) == "org/name"
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    inner = hashlib.sha256(b"weights").hexdigest()
    expected = f"{tmp_path.name}@{hashlib.sha256(inner.encode()).hexdigest()[:12]}"
    assert embed.model_id(Settings(embedder=str(tmp_path))) == expected


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="NEWSQA_EMBEDDER"):
        default_embedder(Settings(embedder=str(tmp_path)))
