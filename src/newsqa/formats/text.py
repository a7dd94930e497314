"""Plain text, and saved pages pasted as text: one article a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from newsqa.formats.content import Head, declared_charset, decode, read_whole
from newsqa.settings import Settings
from newsqa.types import Document, Draft, Rejection


def matches(_head: Head, _fields: Mapping[str, str]) -> bool:
    """Anything that is not binary can be read as text."""
    return True


def parse(
    document: Document, _head: Head, _fields: Mapping[str, str], settings: Settings
) -> Iterator[Draft | Rejection]:
    """Yield the whole file as one draft; `clean` finds its title, date and links."""
    text = decode(read_whole(document, settings), declared_charset(document.content_type))
    yield Draft(text=text.replace("\r\n", "\n").replace("\r", "\n"))
