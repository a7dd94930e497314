"""JSON Lines, a JSON array of objects, or objects one after the other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import BinaryIO

from newsqa.errors import FormatError
from newsqa.formats.content import Head
from newsqa.formats.lines import as_utf8, read_lines, too_long
from newsqa.formats.records import Columns
from newsqa.settings import MEGABYTE, Settings
from newsqa.types import Document, Draft, Rejection

_BEGINS = re.compile(r'\{\s*["}]|\[\s*[{\]]')
_LINE_BEGINS = re.compile(r'^\{\s*"', re.MULTILINE)
_SUFFIXES = (".jsonl", ".ndjson", ".json")
_CONTENT_TYPES = ("application/json", "application/x-ndjson", "application/jsonl")
_TOKEN = re.compile(rb'\\.|["{}\n]')
_CHUNK = 64 * 1024
_SAMPLE = 100

_Raw = tuple[int, bytes | None]
"""Line number, and the bytes of one record; None when it is over the limit."""


def matches(head: Head, _fields: Mapping[str, str]) -> bool:
    """Recognise an object or a list of objects, or a named file with such a line in it."""
    named = head.suffix in _SUFFIXES or head.content_type in _CONTENT_TYPES
    return bool(_BEGINS.match(head.text) or (named and _LINE_BEGINS.search(head.text)))


def parse(document: Document, head: Head, fields: Mapping[str, str], settings: Settings) -> Iterator[Draft | Rejection]:
    """Yield a draft or a rejection for each record, in order."""
    columns = Columns(fields)
    if fields:
        columns.check(_sample_columns(document, head, settings))
    records = 0
    for line, raw in _records(document, head, settings):
        records += 1
        try:
            yield columns.draft(_object(raw, settings), line)
        except FormatError as error:
            yield Rejection(document.location, str(error), line)
    if not records:
        raise FormatError("holds no records")


def _sample_columns(document: Document, head: Head, settings: Settings) -> list[str]:
    """Column names of the first records that can be read: later ones may lack some."""
    names: dict[str, None] = {}
    for _, raw in islice(_records(document, head, settings), _SAMPLE):
        try:
            names |= dict.fromkeys(_object(raw, settings))
        except FormatError:
            continue  # reported when it is read for good
    return list(names)


def _object(raw: bytes | None, settings: Settings) -> dict[str, object]:
    if raw is None:
        raise FormatError(too_long(settings, "record"))
    try:
        value = json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise FormatError(f"not valid UTF-8 at byte {error.start} of the record") from error
    except json.JSONDecodeError as error:
        raise FormatError(f"not valid JSON: {error.msg} at column {error.colno}") from error
    except (ValueError, RecursionError) as error:
        raise FormatError("not usable JSON: nested too deeply or a number too long") from error
    if not isinstance(value, dict):
        raise FormatError("not a JSON object")
    return value


def _records(document: Document, head: Head, settings: Settings) -> Iterator[_Raw]:
    split = _split_lines if _has_lines(head) else _split_objects
    with document.open() as stored:
        yield from split(as_utf8(stored, head, document), settings)


def _has_lines(head: Head) -> bool:
    """Tell JSON Lines from an array and from objects that run over several lines."""
    if _BEGINS.match(head.text) is None:
        return True
    first, newline, _ = head.text.partition("\n")
    return first[0] == "{" and (not newline or first.rstrip().endswith("}") or head.suffix in _SUFFIXES[:2])


def _split_lines(stream: BinaryIO, settings: Settings) -> Iterator[_Raw]:
    for number, line in enumerate(read_lines(stream, settings), start=1):
        if line is None or (line := line.strip()):
            yield number, line


def _split_objects(stream: BinaryIO, settings: Settings) -> Iterator[_Raw]:
    """Cut out the outermost ``{...}``, without parsing what is between."""
    limit = settings.max_article_mb * MEGABYTE
    nesting, held, line, begins = _Nesting(), bytearray(), 1, 1
    for chunk in _chunks(stream):
        start = 0
        for token in _TOKEN.finditer(chunk):
            line += token[0] == b"\n"
            change = nesting.step(token[0])
            if change > 0:
                start, begins = token.start(), line
            elif change < 0:
                held += chunk[start : token.end()]
                yield begins, bytes(held) if len(held) <= limit else None
                held.clear()
        if nesting.depth:
            held += chunk[start : start + limit + 1]
            del held[limit + 1 :]
    if nesting.depth:
        yield begins, bytes(held) if len(held) <= limit else None


class _Nesting:
    """How deep in braces a scan is, strings aside."""

    def __init__(self) -> None:
        self.depth = 0
        self._quoted = False

    def step(self, token: bytes) -> int:
        """Return 1 where an outermost object begins, -1 where it ends, else 0."""
        if token == b'"':
            self._quoted = self.depth > 0 and not self._quoted
        elif token == b"{" and not self._quoted:
            self.depth += 1
            return int(self.depth == 1)
        elif token == b"}" and not self._quoted and self.depth:
            self.depth -= 1
            return -int(self.depth == 0)
        return 0


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    """Read on, never parting a backslash from what it escapes."""
    while chunk := stream.read(_CHUNK):
        while chunk.endswith(b"\\") and (more := stream.read(1)):
            chunk += more
        yield chunk
