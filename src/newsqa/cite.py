"""A citation -> text to paste into a draft: plain, Markdown, BibTeX, CSL-JSON."""

from __future__ import annotations

import json
import re
from datetime import date, datetime
from typing import Any

from newsqa.escape import safe_url
from newsqa.types import Citation, parse_published

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|~&$^=-])")
_NUMBERED = re.compile(r"^(\s*\d+)\.")
_TEX = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",  # BibTeX counts braces, escaped or not
    "}": r"\textbraceright{}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
}
_URL = {ord(character): f"%{ord(character):02X}" for character in '{}\\^~" <>`|()'}
"""What a URL may not hold, or what would end it in Markdown and BibTeX."""


def plain(citation: Citation) -> str:
    """Write the quote and where it stands; the quote itself is never changed, nor put on one line."""
    return f"“{citation.quote}”\n— {_where(citation)}"


def markdown(citation: Citation) -> str:
    """Write a block quote whose source is a link; every character that Markdown reads is escaped."""
    lines = [f"> {_escaped(line)}".rstrip() for line in citation.quote.split("\n")]
    title, link = _escaped(_line(citation.title) or "Untitled"), _link(citation)
    named = f"[{title}]({link})" if link else title
    about = [_escaped(part) for part in (_line(citation.outlet), _day_words(citation)) if part]
    return "\n".join([*lines, ">", f"> — {', '.join([named, *about])}"])


def bibtex(citation: Citation) -> str:
    """Write an ``@article`` entry, with the quote in its note."""
    day = _day(citation)
    fields = {
        "title": f"{{{_tex(_line(citation.title) or 'Untitled')}}}",  # in braces of its own, to keep its capitals
        "journal": _tex(_line(citation.outlet)),
        "year": str(day.year) if day else "",
        "month": MONTHS[day.month - 1] if day else "",
        "day": str(day.day) if day else "",
        "url": _link(citation),
        "note": _tex(f"“{_line(citation.quote)}”"),
    }
    # A month is a macro of BibTeX's, and a macro stands without braces.
    lines = [f"  {name} = {value if name == 'month' else f'{{{value}}}'}," for name, value in fields.items() if value]
    return "\n".join([f"@article{{{_key(citation, day)},", *lines, "}"])


def csl(citation: Citation) -> str:
    """Write a list of one CSL-JSON item, as Zotero and pandoc import it."""
    day = _day(citation)
    item: dict[str, Any] = {
        "id": _key(citation, day),
        "type": "article-newspaper",
        "title": _line(citation.title) or "Untitled",
        "container-title": _line(citation.outlet),
        "issued": {"date-parts": [[day.year, day.month, day.day]]} if day else None,
        "URL": _link(citation),
        "note": f"“{citation.quote}”",
    }
    return json.dumps([{name: value for name, value in item.items() if value}], ensure_ascii=False, indent=2)


def _where(citation: Citation) -> str:
    about = [_line(citation.outlet), _day_words(citation), f"“{_line(citation.title) or 'Untitled'}”", _link(citation)]
    return ", ".join(part for part in about if part)


def _escaped(value: str) -> str:
    return _NUMBERED.sub(r"\1\\.", _MARKDOWN.sub(r"\\\1", value))


def _line(value: str | None) -> str:
    return " ".join((value or "").split())


def _link(citation: Citation) -> str:
    return (safe_url(citation.url) or "").translate(_URL)


def _day(citation: Citation) -> date | None:
    try:
        found = parse_published(citation.published or "")
    except ValueError:
        return None
    return found.date() if isinstance(found, datetime) else found


def _day_words(citation: Citation) -> str:
    day = _day(citation)
    return f"{day.day} {day:%B} {day.year}" if day else ""


def _tex(value: str) -> str:
    return "".join(_TEX.get(character, character) for character in value)


def _key(citation: Citation, day: date | None) -> str:
    words = re.findall(r"[a-z0-9]+", f"{citation.outlet or ''} {citation.title}".lower())[:4]
    return "-".join([*words, *([day.isoformat()] if day else []), str(citation.start)])
