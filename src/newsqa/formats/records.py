"""Records with named columns -> drafts: which column holds what.

Columns are guessed by the names that exports commonly use, and given by ``fields``
where the guess is wrong. Upper and lower case, spaces, dashes and underscores in
names don't count.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from functools import lru_cache

from newsqa.errors import FormatError, UsageError
from newsqa.formats.markup import fragment_text, is_markup
from newsqa.types import Draft

COLUMNS: dict[str, tuple[str, ...]] = {
    "title": ("title", "headline", "name"),
    "text": ("text", "body", "content", "article", "articlebody", "maintext", "fulltext"),
    "url": ("url", "link", "permalink", "canonicalurl"),
    "outlet": ("outlet", "source", "publisher", "publication", "sourcedomain", "sitename", "site"),
    "authors": ("authors", "author", "byline"),
    "published": (
        "published",
        "publishdate",
        "datepublish",
        "datepublished",
        "publishedat",
        "publicationdate",
        "pubdate",
        "date",
        "createdat",
    ),
    "language": ("language", "lang"),
    "key": ("key", "id"),
}
"""Fields of `Draft`, and the columns each is looked for in, likeliest first."""

_SHOWN = 10
_MILLISECONDS = 1e11
"""Numbers above this can't be seconds since 1970: they would lie beyond the year 5000."""
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_BYLINE = re.compile(r"^by:?\s+", re.IGNORECASE)
_BETWEEN_AUTHORS = re.compile(r"\s*[;|\n]\s*")
_BETWEEN_NAMES = re.compile(r"\s*,\s*(?:and\s+)?|\s+and\s+")


class Columns:
    """Reads drafts out of records, by guess and by the caller's mapping."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        """Take ``fields``, from names of `COLUMNS` to columns; raises UsageError for other names."""
        if unknown := sorted(set(fields) - set(COLUMNS)):
            raise UsageError(
                f"unknown field '{unknown[0]}'. Fields are: {', '.join(COLUMNS)}; for example --field title=headline"
            )
        self._given = dict(fields)
        self._named: Counter[str] = Counter()
        self._names = {field: (_plain(column),) for field, column in fields.items()}

    def check(self, columns: Collection[str]) -> None:
        """Raise FormatError when a mapped column is not among ``columns``."""
        found = {_plain(column) for column in columns}
        for field, column in self._given.items():
            if _plain(column) not in found:
                raise FormatError(f"no column '{column}' for field '{field}'; found: {_listed(columns)}")

    def draft(self, record: Mapping[str, object], line: int) -> Draft:
        """Make a draft of the record at ``line``; raises FormatError when the record holds no text."""
        values = {_plain(column): value for column, value in record.items()}
        text = _paragraphs(self._value(values, "text"))
        if not text:
            raise FormatError(self._without_text(values, record))
        title = _string(self._value(values, "title")) or ""
        url = _string(self._value(values, "url"))
        key = _string(self._value(values, "key"))
        return Draft(
            line=line,
            text=fragment_text(text) if is_markup(text) else text,
            title=title,
            url=url,
            outlet=_string(self._value(values, "outlet")),
            authors=_authors(self._value(values, "authors")),
            published=_moment(self._value(values, "published")),
            language=_string(self._value(values, "language")),
            key=key or (title or None if url else self._name(title, text)),
        )

    def _name(self, title: str, text: str) -> str:
        """Tell records without url and id apart, by their title or else their text."""
        name = title or hashlib.sha256(text.encode()).hexdigest()[:16]
        self._named[name] += 1
        return name if self._named[name] == 1 else f"{name} ({self._named[name]})"

    def knows_text(self, columns: Collection[str]) -> bool:
        """Tell whether one of the columns would be read as the text."""
        return not {_plain(column) for column in columns}.isdisjoint(self._candidates("text"))

    def _candidates(self, field: str) -> tuple[str, ...]:
        return self._names.get(field, COLUMNS[field])

    def _value(self, values: Mapping[str, object], field: str) -> object:
        held = (values.get(name) for name in self._candidates(field))
        return next((value for value in held if value not in (None, "", [])), None)

    def _without_text(self, values: Mapping[str, object], record: Mapping[str, object]) -> str:
        for name in self._candidates("text"):
            if name in values:
                return f"no text: '{name}' is empty"
        return f"no text: none of the columns {_listed(record)} holds it (--field text=COLUMN)"


@lru_cache(maxsize=1024)
def _plain(column: str) -> str:
    return re.sub(r"[\W_]+", "", column).casefold()


def _listed(columns: Collection[str]) -> str:
    more = f" and {len(columns) - _SHOWN} more" if len(columns) > _SHOWN else ""
    return ", ".join(f"'{str(column)[:40]}'" for column in list(columns)[:_SHOWN]) + more


def _string(value: object) -> str | None:
    if isinstance(value, Mapping):
        value = value.get("name")
    if isinstance(value, list):
        value = value[0] if value else None
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return None
    return _UNSTORABLE.sub("\ufffd", str(value)).strip() or None


def _paragraphs(value: object) -> str | None:
    """Read a text that may come as a list of paragraphs."""
    if isinstance(value, list):
        return "\n\n".join(part for item in value if (part := _string(item))) or None
    return _string(value) if isinstance(value, str) else None


def _authors(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return _split_authors(value)
    items = value if isinstance(value, list) else [value]
    return tuple(name for item in items if (name := _string(item)))


def _split_authors(text: str) -> tuple[str, ...]:
    if text.startswith("["):
        try:
            return _authors(json.loads(text))
        except (ValueError, RecursionError):
            pass  # a byline that begins with a bracket
    parts = [part for part in _BETWEEN_AUTHORS.split(_BYLINE.sub("", _string(text) or "")) if part]
    names = [name for part in parts for name in _split_names(part)]
    return tuple(names)


def _split_names(part: str) -> list[str]:
    """Split "Ann Lee, Bo Ray and Cy Fox", but not "Lee, Ann": each name has a space."""
    names = [name for name in _BETWEEN_NAMES.split(part) if name]
    return names if all(" " in name for name in names) else [part]


def _moment(value: object) -> str | None:
    """Keep a date as it was written; a number counts (milli)seconds since 1970."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return _string(value)
    seconds = value / 1000 if abs(value) > _MILLISECONDS else value
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return str(value)
