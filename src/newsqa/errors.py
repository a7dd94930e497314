"""Every error that newsqa raises on purpose.

::

    NewsQAError
    ├── UsageError              a value the caller gave makes no sense      exit 2
    ├── SourceError             a path, feed or URL can't be read           (permanent or transient)
    ├── FormatError             a document's content can't be used
    ├── IndexMissingError       no index where one was looked for           exit 3
    ├── IndexCorruptError       the database or snapshot is damaged         exit 3
    ├── IndexMismatchError      built by another model, chunking or schema  exit 3
    ├── IndexLockedError        another process is writing                  exit 3
    ├── BusyError               too many questions wait to be answered      exit 3
    ├── ModelError              a model is missing or not the expected one  exit 3
    ├── ArticleNotFoundError    no such article or revision                 exit 2
    └── CitationError           a quote does not match its article          exit 3

Messages say what went wrong, with which value, and what to run.
"""

from __future__ import annotations


class NewsQAError(Exception):
    """Base of all errors below; its text is fit to show to a person."""


class UsageError(NewsQAError):
    """A value the caller gave makes no sense."""


class SourceError(NewsQAError):
    """A path, feed or URL can't be read; ``permanent`` is False if a retry may help."""

    def __init__(self, message: str, *, permanent: bool = True) -> None:
        super().__init__(message)
        self.permanent = permanent


class FormatError(NewsQAError):
    """A document's content can't be used; ``line`` counts from 1 where known."""

    def __init__(self, message: str, *, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


class IndexMissingError(NewsQAError):
    """There is no index where one was looked for."""


class IndexCorruptError(NewsQAError):
    """The database or the snapshot is damaged."""


class IndexMismatchError(NewsQAError):
    """The index was built by another model, chunking or schema."""


class IndexLockedError(NewsQAError):
    """Another process is writing to the index."""


class BusyError(NewsQAError):
    """Too many questions wait to be answered; asking again in a moment may help."""


class ModelError(NewsQAError):
    """A model is missing, or is not the one that was expected."""


class ArticleNotFoundError(NewsQAError):
    """There is no such article or revision in the index."""


class CitationError(NewsQAError):
    """A quote does not match its article; no answer is given rather than a wrong one."""
