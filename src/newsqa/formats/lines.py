"""Lines of a stream of any length, holding none that is longer than an article may be."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from itertools import count
from typing import BinaryIO

from newsqa.errors import FormatError
from newsqa.formats.content import Head, declared_charset, encoding_of
from newsqa.settings import MEGABYTE, Settings
from newsqa.types import Document

_CHUNK = 64 * 1024


def read_lines(stream: BinaryIO, settings: Settings) -> Iterator[bytes | None]:
    """Yield every line with its end; None stands for one that is over the limit.

    What goes wrong in the stream is raised with the number of the line.
    """
    limit = settings.max_article_mb * MEGABYTE
    for number in count(1):
        try:
            line = _read_line(stream, limit)
        except FormatError as error:
            raise FormatError(str(error), line=number) from error
        if line == b"":
            return
        yield line


def _read_line(stream: BinaryIO, limit: int) -> bytes | None:
    line = stream.readline(limit + 1)
    if len(line) <= limit or line.endswith(b"\n"):
        return line
    while (rest := stream.readline(_CHUNK)) and not rest.endswith(b"\n"):
        pass
    return None


def too_long(settings: Settings, what: str = "line") -> str:
    """Say which limit a line is over."""
    return f"{what} longer than the limit of {settings.max_article_mb} MB (max_article_mb)"


def as_utf8(stream: BinaryIO, head: Head, document: Document) -> BinaryIO:
    """Give the stream in UTF-8, without a byte order mark, whatever its encoding.

    The encoding is that of the whole lines in ``head``. UTF-8 is passed on unchecked:
    a damaged line is for the caller to refuse, alone.
    """
    whole = head.data[: head.data.rfind(b"\n") + 1] or head.data
    try:
        encoding = encoding_of(whole, declared_charset(document.content_type))
    except FormatError:
        encoding = "utf-8"
    if encoding == "utf-8":
        return stream
    return io.BufferedReader(_Recoded(stream, encoding))


class _Recoded(io.RawIOBase):
    """Another encoding's bytes as UTF-8."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream = stream
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._pending = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        chunk = b"more"
        while chunk and not self._pending:
            chunk = self._stream.read(_CHUNK)
            self._pending = self._recode(chunk)
        size = min(len(buffer), len(self._pending))
        buffer[:size] = self._pending[:size]
        self._pending = self._pending[size:]
        return size

    def _recode(self, chunk: bytes) -> bytes:
        try:
            return self._decoder.decode(chunk, final=not chunk).encode()
        except UnicodeError as error:
            raise FormatError(f"begins as {self._encoding} but does not go on so; save it as UTF-8") from error
