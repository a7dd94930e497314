"""RSS, Atom and RDF feeds."""

from collections.abc import Iterator, Mapping
from newsqa.formats.content import Head
from newsqa.settings import Settings
from newsqa.types import Document, Draft, Rejection


def matches(head: Head, fields: Mapping[str, str]) -> bool:
    """TODO"""
    return False


def parse(document: Document, head: Head, fields: Mapping[str, str], settings: Settings) -> Iterator[Draft | Rejection]:
    """TODO"""
    yield from ()
