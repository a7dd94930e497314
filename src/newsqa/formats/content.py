"""A document's bytes: its beginning, its whole, its characters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import charset_normalizer

from newsqa.errors import FormatError
from newsqa.settings import MEGABYTE, Settings
from newsqa.types import Document

HEAD_BYTES = 64 * 1024
_DETECT_BYTES = 256 * 1024

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_MAGICS = (
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a zip archive or office document"),
    (b"\x1f\x8b", "gzip inside gzip"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\x00", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x89PNG", "a PNG image"),
    (b"GIF8", "a GIF image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\xd0\xcf\x11\xe0", "an old office document"),
    (b"{\\rtf", "an RTF document"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\x7fELF", "a program"),
    (b"PAR1", "a Parquet file"),
    (b"From: <Saved by ", "a page saved as MHTML"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_CONTROL_SHARE = 0.01
_CHARSET = re.compile(r"charset=[\"']?([\w.:-]+)", re.IGNORECASE)
_ESCAPED = re.compile(r"[\udc80-\udcff]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f\udc80-\udcff]")


@dataclass(frozen=True, slots=True)
class Head:
    """What a format is recognised by: content first, names only as hints."""

    data: bytes
    """At most `HEAD_BYTES` from the beginning."""
    text: str
    """The same, decoded loosely, without leading white space."""
    suffix: str
    """Lower-case, without ``.gz``: ``.csv``."""
    content_type: str
    """Without its parameters: ``text/html``; empty when unknown."""


def read_head(document: Document) -> Head:
    """Read the beginning; raises FormatError when it is empty or known to be binary."""
    with document.open() as stream:
        data = stream.read(HEAD_BYTES)
    if not data.strip():
        raise FormatError("empty")
    for magic, name in _MAGICS:
        if data.startswith(magic):
            raise FormatError(f"looks like {name}, which newsqa can't read")
    text = data.decode(bom_encoding(data) or "utf-8", errors="replace")
    if _is_binary(text):
        raise FormatError("looks like binary data")
    content_type = (document.content_type or "").partition(";")[0].strip().lower()
    return Head(data, text.lstrip(), _suffix(document.location), content_type)


def read_whole(document: Document, settings: Settings) -> bytes:
    """Read a document that is one page; raises FormatError when it is too large for one."""
    limit = settings.max_article_mb * MEGABYTE
    with document.open() as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise FormatError(f"larger than the limit of {settings.max_article_mb} MB (max_article_mb)")
    return data


def declared_charset(content_type: str | None) -> str | None:
    """Return the charset that a Content-Type or a ``<meta>`` tag names."""
    found = _CHARSET.search(content_type or "")
    return found[1] if found else None


def bom_encoding(data: bytes) -> str | None:
    """Return the encoding that a byte order mark announces."""
    return next((encoding for bom, encoding in _BOMS if data.startswith(bom)), None)


def decode(data: bytes, declared: str | None = None, *, mend: bool = False) -> str:
    """Decode by byte order mark, UTF-8, the declared charset, then by detection.

    Raises FormatError for binary data, and for UTF-8 that is damaged: reading it
    in some other charset would garble every letter that is whole. With ``mend``,
    damaged letters become U+FFFD instead, as in a browser.
    """
    text = data.decode(encoding_of(data, declared, mend=mend), errors="replace")
    if _is_binary(text):
        raise FormatError("looks like binary data")
    return text


def encoding_of(data: bytes, declared: str | None = None, *, mend: bool = False) -> str:
    """Find the encoding that reads all of ``data``; raises FormatError as `decode` does."""
    if encoding := bom_encoding(data):
        return encoding
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        damaged = error
    else:
        return "utf-8"
    loose = data.decode("utf-8", errors="surrogateescape")
    if len(_NOT_ASCII.findall(loose)) > len(_ESCAPED.findall(loose)):
        if mend:
            return "utf-8"
        line = data.count(b"\n", 0, damaged.start) + 1
        raise FormatError(f"damaged UTF-8 at byte {damaged.start}", line=line)
    if declared and _reads(data, declared):
        return declared
    return _detect(data)


def _reads(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return False
    return True


def _detect(data: bytes) -> str:
    best = charset_normalizer.from_bytes(data[:_DETECT_BYTES]).best()
    if best is None:
        raise FormatError("in no character encoding that could be recognised; save it as UTF-8")
    # Where several fit alike, the one that web pages mean by Latin-1.
    encoding = "cp1252" if "cp1252" in best.could_be_from_charset else best.encoding
    if not _reads(data, encoding):
        raise FormatError(f"begins as {encoding} but does not go on so; save it as UTF-8")
    return encoding


def _is_binary(text: str) -> bool:
    return "\x00" in text or len(_CONTROL.findall(text)) > _CONTROL_SHARE * len(text)


def _suffix(location: str) -> str:
    path = PurePosixPath(urlsplit(location).path if "://" in location else location)
    return (path.with_suffix("") if path.suffix.lower() == ".gz" else path).suffix.lower()
