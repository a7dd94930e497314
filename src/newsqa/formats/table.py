"""CSV and its kin (tabs, semicolons, bars), with a header line."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from newsqa.errors import FormatError
from newsqa.formats.content import Head
from newsqa.formats.lines import as_utf8, read_lines, too_long
from newsqa.formats.records import Columns
from newsqa.settings import MEGABYTE, Settings
from newsqa.types import Document, Draft, Rejection

_DELIMITERS = ",\t;|"
_DAMAGED = re.compile(r"[\udc80-\udcff]")
_SUFFIXES = (".csv", ".tsv")
_CONTENT_TYPES = ("text/csv", "text/tab-separated-values")


def matches(head: Head, fields: Mapping[str, str]) -> bool:
    """Recognise a header of two columns or more, one of them a text; or the name."""
    if head.suffix in _SUFFIXES or head.content_type in _CONTENT_TYPES:
        return True
    names = _header(head)
    return len(names) > 1 and Columns(fields).knows_text(names)


def parse(document: Document, head: Head, fields: Mapping[str, str], settings: Settings) -> Iterator[Draft | Rejection]:
    """Yield a draft or a rejection for each row, in order, with the line it begins on."""
    columns = Columns(fields)
    with document.open() as stored:
        rows = _rows(as_utf8(stored, head, document), _delimiter(head), settings)
        line, header = next(rows, (1, FormatError("is missing")))
        if isinstance(header, FormatError):
            raise FormatError(f"header {header}", line=line)
        columns.check(header)
        for line, row in rows:
            try:
                yield columns.draft(_record(header, row), line)
            except FormatError as error:
                yield Rejection(document.location, str(error), line)


def _header(head: Head) -> list[str]:
    line = head.text.partition("\n")[0].rstrip("\r")
    try:
        return next(csv.reader([line], delimiter=_delimiter(head)), [])
    except csv.Error:
        return []


def _delimiter(head: Head) -> str:
    line = head.text.partition("\n")[0]
    return max(_DELIMITERS, key=line.count)


def _record(header: list[str], row: list[str] | FormatError) -> dict[str, str]:
    if isinstance(row, FormatError):
        raise row
    if len(row) != len(header):
        raise FormatError(f"has {len(row)} columns where the header has {len(header)}")
    if any(_DAMAGED.search(value) for value in row):
        raise FormatError("not valid UTF-8")
    return dict(zip(header, row, strict=True))


def _rows(stream: BinaryIO, delimiter: str, settings: Settings) -> Iterator[tuple[int, list[str] | FormatError]]:
    """Yield rows that are not blank, or what is wrong with one, with the line each begins on."""
    csv.field_size_limit(settings.max_article_mb * MEGABYTE)  # of the process; Python's own is 128 KB
    lines = _Lines(stream, settings)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        begins = lines.begin_row()
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield begins, FormatError(f"not valid CSV: {error}")
        except _LineTooLongError:
            yield begins, FormatError(too_long(settings))
        else:
            if row:
                yield begins, row


class _LineTooLongError(Exception):
    """One line alone is over the limit; the next may be fine."""


class _Lines:
    """Decoded lines for the csv module, which knows no limit to what a quote may enclose."""

    def __init__(self, stream: BinaryIO, settings: Settings) -> None:
        self._lines = read_lines(stream, settings)
        self._settings = settings
        self._read = self._begins = self._held = 0

    def begin_row(self) -> int:
        """Start counting anew; return the number of the line that comes next."""
        self._held = 0
        self._begins = self._read + 1
        return self._begins

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self._read += 1
        if line is None:
            raise _LineTooLongError
        self._held += len(line)
        if self._held > self._settings.max_article_mb * MEGABYTE:
            reason = f"{too_long(self._settings, 'row')}: is a quote unclosed? The rest was not read"
            raise FormatError(reason, line=self._begins)
        return line.decode("utf-8", errors="surrogateescape")
