"""Questions to begin with, out of what the archive says."""

from __future__ import annotations

import re
from collections.abc import Iterable

from newsqa.types import Article

MOST = 3
LONGEST = 50_000
"""Characters of an article that are looked through."""
_OFFICE = re.compile(
    r"\b[A-Z]\w+ [A-Z][\w’'-]+, (?:the )?"
    r"((?:[a-z-]+ ){0,2}(?:captain|chair|chairman|chairwoman|coach|commissioner|director|editor|executive|founder|"
    r"governor|head|leader|manager|mayor|minister|owner|president|secretary|spokesman|spokeswoman) of "
    r"(?:the )?[A-Z][\w’'-]+(?: (?:of |and |for |the )?[A-Z][\w’'-]+){0,5})(?=[,.;])"
)
"""A name and, behind a comma, what that person is the head of, or speaks for."""


def questions(articles: Iterable[Article]) -> list[str]:
    """Ask who holds an office, as articles name it behind its holder's name, each of another article.

    Such questions are answered most surely. English only; other archives get no example rather than one that
    nothing answers.
    """
    offices: list[str] = []
    for article in articles:
        named = (match[1] for match in _OFFICE.finditer(article.text[:LONGEST]))
        offices += [office for office in named if office not in offices][:1]
        if len(offices) == MOST:
            break
    return [f"Who is the {office}?" for office in offices]
