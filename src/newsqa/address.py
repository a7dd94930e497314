"""A question with its filters <-> the query string that the chat can be opened with."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode

from newsqa.types import Filters

MOST = 40
"""Parts of a query string that are read."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a query string asks for, as it stands there: nothing is checked yet."""

    question: str
    outlets: list[str]
    since: str
    until: str
    as_of: str
    languages: list[str]


def write(question: str, filters: Filters = Filters()) -> str:
    """Write the query string, from ``?`` on."""
    days = {"from": filters.since, "to": filters.until, "asof": filters.as_of}
    pairs = [("q", question), *(("outlet", outlet) for outlet in filters.outlets)]
    pairs += [("lang", language) for language in filters.languages]
    pairs += [(name, day.isoformat()) for name, day in days.items() if day]
    return "?" + urlencode(pairs, errors="replace")


def read(query: str) -> Asked:
    """Read a query string, with ``?`` or without; what is missing is empty. Raises ValueError for too many parts."""
    found = parse_qs(query.removeprefix("?"), max_num_fields=MOST)
    question, since, until, as_of = (found.get(name, [""])[0] for name in ("q", "from", "to", "asof"))
    return Asked(question, found.get("outlet", []), since, until, as_of, found.get("lang", []))
