"""Documents held in memory, and what the formats make of them."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping

from newsqa import formats
from newsqa.settings import Settings
from newsqa.types import Document, Draft, Rejection


def document(content: bytes | str, location: str = "file", content_type: str | None = None) -> Document:
    """A document of these bytes."""
    data = content.encode() if isinstance(content, str) else content
    return Document(location, lambda: contextlib.closing(io.BytesIO(data)), "digest", content_type)


def parsed(
    content: bytes | str,
    location: str = "file",
    fields: Mapping[str, str] | None = None,
    *,
    content_type: str | None = None,
    settings: Settings | None = None,
) -> list[Draft | Rejection]:
    """Everything that a document yields."""
    given = document(content, location, content_type)
    return list(formats.parse(given, fields or {}, settings or Settings()))


def draft(content: bytes | str, location: str = "file", **options: str) -> Draft:
    """The only draft of a document that yields nothing else."""
    (only,) = parsed(content, location, content_type=options.get("content_type"))
    assert isinstance(only, Draft), only
    return only


def rejection(content: bytes | str, location: str = "file", settings: Settings | None = None) -> Rejection:
    """The only rejection of a document that yields nothing else."""
    (only,) = parsed(content, location, settings=settings)
    assert isinstance(only, Rejection), only
    return only
