"""Copies of the files that were added from a page: kept, so that the index can be refreshed from them."""

from __future__ import annotations

import hashlib
import re
import shutil
import uuid
from pathlib import Path
from typing import BinaryIO

LONGEST_NAME = 200
"""Bytes of a kept file's name; file systems take 255."""


def keep(stream: BinaryIO, name: str, folder: Path) -> Path:
    """Copy bytes to ``folder/DIGEST/NAME``.

    The same bytes always land in the same place; other bytes never replace them.
    """
    digest = hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
    kept = folder / digest[:16] / safe_name(name)
    kept.parent.mkdir(parents=True, exist_ok=True)
    partial = kept.with_name(f"{kept.name}.{uuid.uuid4().hex}.partial")  # two may send the same at once
    stream.seek(0)
    with partial.open("wb") as copy:
        shutil.copyfileobj(stream, copy)
    partial.replace(kept)
    return kept


def safe_name(name: str) -> str:
    """Reduce what a stranger calls a file to a name within one folder, its end kept for its suffix."""
    last = re.split(r"[/\\]", name)[-1]
    visible = "".join(character for character in last if character.isprintable())
    short = visible.encode(errors="ignore")[-LONGEST_NAME:].decode(errors="ignore")
    return short.strip(". ") or "upload"
