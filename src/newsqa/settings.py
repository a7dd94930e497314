"""Frozen settings: defaults < ``newsqa.toml`` < ``NEWSQA_*`` environment < flags."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from newsqa.errors import UsageError

CONFIG_FILE = "newsqa.toml"
MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a person may set; each name is also ``NEWSQA_<NAME>`` and a key of the file."""

    index: Path = Path("index")
    """Folder of the index."""
    data: Path = Path("../shared/data")
    """Folder of the evaluation data that benchmarks and some tests read in place."""
    embedder: str = ""
    """sentence-transformers name or folder; empty for the packaged MiniLM."""
    reader: str = ""
    """Hugging Face folder of an extractive question-answering model; empty for the packaged one."""
    threads: int = 0
    """CPU threads for the models and for dividing vectors into cells; 0 lets them use every core."""
    answers: int = 3
    """How many different answers to give."""
    min_confidence: float = 0.4
    """Least probability at which an answer is shown."""
    max_document_mb: int = 1024
    """Largest document read, decompressed."""
    max_article_mb: int = 8
    """Largest single article, line or page."""
    timeout: float = 30.0
    """Seconds that fetching one URL may take."""
    delay: float = 1.0
    """Seconds between two requests to one host."""
    lock_timeout: float = 30.0
    """Seconds that a second writer waits for the first."""

    @classmethod
    def load(
        cls,
        overrides: Mapping[str, Any] | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        config: Path | None = None,
    ) -> Settings:
        """Merge the layers; ``overrides`` that are None don't count.

        Raises UsageError for an unknown key, a value of the wrong type, or a file that
        was named, by ``config`` or ``NEWSQA_CONFIG``, and is not there.
        """
        environ = os.environ if environ is None else environ
        names = {f.name for f in fields(cls)}
        named = config or environ.get("NEWSQA_CONFIG")
        merged = _from_file(Path(named or CONFIG_FILE), required=bool(named))
        if unknown := sorted(set(merged) - names):
            raise UsageError(f"{CONFIG_FILE}: unknown setting '{unknown[0]}'. Known: {', '.join(sorted(names))}")
        merged |= {n: environ[key] for n in names if environ.get(key := f"NEWSQA_{n.upper()}")}
        merged |= {n: v for n, v in (overrides or {}).items() if v is not None}
        values: dict[str, Any] = {n: _coerce(n, v) for n, v in merged.items()}
        return cls(**values)


def _from_file(path: Path, *, required: bool) -> dict[str, Any]:
    if not path.is_file():
        if required:
            raise UsageError(f"no settings file at '{path}', which NEWSQA_CONFIG or the caller names")
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from error


def _coerce(name: str, value: object) -> object:
    wanted = type(getattr(Settings(), name))
    try:
        coerced = wanted(value)
    except (TypeError, ValueError) as error:
        raise UsageError(f"setting '{name}' should be of type {wanted.__name__}, got {value!r}") from error
    if isinstance(coerced, int | float) and coerced < 0:
        raise UsageError(f"setting '{name}' can't be negative, got {value!r}")
    return coerced
