"""A path, standard input or a URL -> documents, streamed and bounded.

Content that is gzipped is decompressed on the way, whatever its name. Standard
input and responses are kept in temporary files, so that every document can be
read twice and none has to fit in memory.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import stat
import sys
import tempfile
import weakref
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from newsqa.errors import FormatError, SourceError
from newsqa.http import Client, is_url, normal_url
from newsqa.settings import MEGABYTE, Settings
from newsqa.types import Document, Documents, Rejection, Unchanged

STDIN = "-"
_GZIP = b"\x1f\x8b"
_CHUNK = 256 * 1024

Validators = Callable[[str], tuple[str | None, str | None]]
"""Location to the ETag and Last-Modified that its last response carried."""


def no_validators(_location: str) -> tuple[str | None, str | None]:
    """Ask for everything anew."""
    return None, None


def normal_location(location: str) -> str:
    """Return how a source is remembered: an absolute path, a URL without fragment, or ``-``.

    Raises SourceError for a URL that is not http(s) or names no host.
    """
    if location == STDIN:
        return STDIN
    if is_url(location):
        return normal_url(location)
    return os.path.normpath(Path(location).expanduser().absolute())


def require(location: str) -> None:
    """Raise SourceError when a location can be told to be wrong without reading it."""
    location = normal_location(location)
    if location != STDIN and not is_url(location) and not Path(location).exists():
        raise SourceError(f"no file or folder '{location}'. Give a path, a URL or '-' for standard input")


class Fetcher:
    """Reads documents from wherever they are; keeps the delay between requests to a host."""

    def __init__(self, settings: Settings, *, allow_private: bool = False) -> None:
        self._settings = settings
        self._client = Client(settings, allow_private=allow_private)

    def documents(self, location: str, validators: Validators = no_validators) -> Documents:
        """Yield the documents at a path (directories recursively, sorted), ``-`` or a URL.

        A member of a directory that can't be read becomes a Rejection. Raises
        SourceError at once when ``location`` itself does not exist or is refused.
        """
        location = normal_location(location)
        if location == STDIN:
            return iter((self._spooled(STDIN, _chunks(sys.stdin.buffer)),))
        if is_url(location):
            return iter((self._fetched(location, *validators(location)),))
        path = Path(location)
        return self._members(path) if path.is_dir() else iter((self._file(path, explicit=True),))

    def _fetched(self, url: str, etag: str | None, last_modified: str | None) -> Document | Unchanged:
        with self._client.get(url, etag, last_modified) as reply:
            if reply is None:
                return Unchanged(url)
            return self._spooled(
                url, reply.chunks, content_type=reply.content_type, etag=reply.etag, last_modified=reply.last_modified
            )

    def _members(self, folder: Path) -> Documents:
        for path in _walk(folder, skipped=self._settings.index):
            if isinstance(path, Rejection):
                yield path
                continue
            try:
                yield self._file(path)
            except SourceError as error:
                yield Rejection(_printable(path), str(error), permanent=error.permanent)

    def _file(self, path: Path, *, explicit: bool = False) -> Document:
        """Make the document of a file; a pipe is read only where it was named."""
        location = _printable(path)
        if location != str(path):
            raise SourceError("the file name is not UTF-8; rename it")
        try:
            status = path.stat()
            if explicit and (stat.S_ISFIFO(status.st_mode) or stat.S_ISCHR(status.st_mode)):
                with path.open("rb") as stream:
                    return self._spooled(location, _chunks(stream))
            if not stat.S_ISREG(status.st_mode):
                raise SourceError("not a regular file")
            self._check_size(status.st_size, location)
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
        except FileNotFoundError as error:
            raise SourceError(f"no file or folder '{path}'. Give a path, a URL or '-' for standard input") from error
        except OSError as error:
            raise SourceError(f"can't read '{path}': {error.strerror}") from error
        return Document(location, self._opener(lambda: path.open("rb")), digest)

    def _spooled(
        self,
        location: str,
        chunks: Iterable[bytes],
        *,
        content_type: str | None = None,
        etag: str | None = None,
        last_modified: str | None = None,
    ) -> Document:
        digest = hashlib.sha256()
        try:
            spool = _Spool()
            for chunk in chunks:
                digest.update(chunk)
                self._check_size(spool.write(chunk), location)
        except OSError as error:
            raise SourceError(f"can't keep a copy of '{location}': {error.strerror}", permanent=False) from error
        return Document(location, self._opener(spool.open), digest.hexdigest(), content_type, etag, last_modified)

    def _check_size(self, size: int, location: str) -> None:
        if size > self._settings.max_document_mb * MEGABYTE:
            raise SourceError(f"'{location}' is {_over(self._settings)}")

    def _opener(self, open_stored: Callable[[], io.BufferedReader]) -> Callable[[], AbstractContextManager[BinaryIO]]:
        return partial(_content, open_stored, self._settings)


def _over(settings: Settings) -> str:
    return f"larger than the limit of {settings.max_document_mb} MB (max_document_mb)"


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK):
        yield chunk


def _printable(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", errors="replace")


def _walk(folder: Path, *, skipped: Path) -> Iterator[Path | Rejection]:
    """Yield everything in a folder that is not one, sorted by path, hidden names left out.

    A folder that links lead to again, and the index's own, are passed over.
    """
    seen = {_identity(skipped)} if skipped.is_dir() else set()
    pending = [folder]
    while pending:
        path = pending.pop()
        try:
            if not path.is_dir():
                yield path
            elif (identity := _identity(path)) not in seen:
                seen.add(identity)
                members = (each for each in path.iterdir() if not each.name.startswith("."))
                pending.extend(sorted(members, reverse=True))
        except OSError as error:
            yield Rejection(_printable(path), f"can't read: {error.strerror}")


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


@contextmanager
def _content(open_stored: Callable[[], io.BufferedReader], settings: Settings) -> Iterator[BinaryIO]:
    """Open stored bytes for reading, decompressed where they are gzipped."""
    with open_stored() as stored:
        packed = stored.peek(len(_GZIP)).startswith(_GZIP)
        inner = gzip.GzipFile(fileobj=stored) if packed else stored
        with io.BufferedReader(_Bounded(inner, settings), _CHUNK) as content:
            yield content


class _Bounded(io.RawIOBase):
    """Content that may end in an error but not go on for ever."""

    def __init__(self, inner: gzip.GzipFile | io.BufferedReader, settings: Settings) -> None:
        self._inner = inner
        self._settings = settings
        self._left = settings.max_document_mb * MEGABYTE

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            size = self._inner.readinto(buffer)
        except EOFError as error:
            raise FormatError("truncated gzip: it ends before its content does") from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise FormatError(f"damaged gzip: {error}") from error
        self._left -= size
        if self._left < 0:
            raise FormatError(_over(self._settings))
        return size


class _Spool:
    """Bytes in a nameless temporary file: gone with its last reader, even after a crash."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the last reader
        self._size = 0
        weakref.finalize(self, self._file.close)

    def write(self, chunk: bytes) -> int:
        """Append; return the size so far."""
        self._file.write(chunk)
        self._size += len(chunk)
        return self._size

    def open(self) -> io.BufferedReader:
        """Read from the beginning, independent of other readers."""
        self._file.flush()
        return io.BufferedReader(_SpoolReader(self, self._file.fileno()), _CHUNK)


class _SpoolReader(io.RawIOBase):
    def __init__(self, spool: _Spool, descriptor: int) -> None:
        self._spool = spool  # keeps the file open
        self._descriptor = descriptor
        self._position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = os.pread(self._descriptor, len(buffer), self._position)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)
