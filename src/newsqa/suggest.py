"""Questions to begin with, out of what the archive says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from newsqa.types import Article

MOST = 3
LONGEST = 50_000
"""Characters of an article that are looked through."""
_SPEAKER = re.compile(r"(\b\w+ )?\b([A-Z][a-z]+ [A-Z][a-z]+) (?:said|told)\b")
_NO_NAME = frozenset(("the", "of", "and", "for", "at", "in", "on"))
"""What stands before the rest of a longer name, such as an organisation's."""
_TITLES = ("Mr ", "Ms ", "Mrs ", "Dr ", "The ")


def questions(articles: Iterable[Article]) -> list[str]:
    """Ask what people said who are quoted by their full names, each of another article.

    English only; other archives get no example rather than one that nothing answers.
    """
    found: list[str] = []
    for article in articles:
        name = next((name for name in _speakers(article.text[:LONGEST]) if name not in "".join(found)), None)
        found += [f"What did {name} say?"] if name else []
        if len(found) == MOST:
            break
    return found


def _speakers(text: str) -> Iterator[str]:
    for found in _SPEAKER.finditer(text):
        before, name = (found[1] or "").strip(), found[2]
        if before not in _NO_NAME and not before[:1].isupper() and not name.startswith(_TITLES):
            yield name
