"""Dates as people and machines write them -> ISO 8601, or None; never a guess.

A time is kept only with its zone. A numeric date that reads as two different
days (``03/04/2016``), lacks a part, or lies outside `EARLIEST`..today + `AHEAD`
is no date at all: a wrong date in a citation is worse than none.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import dateparser

EARLIEST = 1600
"""Year before the first newspapers."""
AHEAD = timedelta(days=31)
"""Magazines print the date of the coming issue."""
LONGEST = 80
MOST_SPACES = 9

_YEAR = re.compile(r"(?<!\d)(?:1[6-9]|20)\d\d(?!\d)")
_DAY = re.compile(r"(?<!\d)(?:0?[1-9]|[12]\d|3[01])(?!\d)")
_TIME = r"(?:[T ,]+[\d:.,+\- ZGMTUCapm]*)?"
_YEAR_FIRST = re.compile(r"(\d{4})[/.\-年](\d{1,2})[/.\-月](\d{1,2})日?" + _TIME)
_YEAR_LAST = re.compile(r"(\d{1,2})([/.\-])(\d{1,2})\2(\d{4})" + _TIME)
_RFC_2822 = re.compile(r"[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d(?::\d\d)?(?: [A-Z]{1,4}| [+\-]\d{4})?")
_LABEL = re.compile(r"^(?:first published|published|posted|last updated|updated|date)(?: on| at|:)* ?", re.IGNORECASE)
_LETTER = re.compile(r"[A-Za-z]")
_UPDATED = re.compile(r"(?<=\d),? (?:last )?updated\b.*", re.IGNORECASE)
_MONTH = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    "|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# Only for speed: dateparser reads these too, in milliseconds. US zone letters name no fixed offset.
_ENGLISH = re.compile(
    r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,? )?"
    rf"(?:(?P<m1>{_MONTH})\.? (?P<d1>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y1>\d{{4}})"
    rf"|(?P<d2>\d{{1,2}})(?:st|nd|rd|th)? (?P<m2>{_MONTH})\.?,? (?P<y2>\d{{4}}))"
    r"(?:,?(?: at| [-–|])? \d{1,2}[:.]\d\d(?: ?[ap]\.?m\.?)?)?(?: (?:[ECMP]T|[ECMP][SD]T))?",
    re.IGNORECASE,
)
_SETTINGS: Any = {"REQUIRE_PARTS": ["day", "month", "year"], "PARSERS": ["absolute-time"]}


def read_date(value: str) -> str | None:
    """Read a date or time as ISO 8601; None when it is unclear, incomplete or impossible."""
    value = " ".join(value[: 2 * LONGEST].split())
    if len(value) > LONGEST:
        return None
    try:
        found = _iso(value) or _numeric(value) or _english(value) or _written(value)
    except (ValueError, OverflowError):
        return None
    return _plausible(found) if found else None


def dateline(line: str) -> str | None:
    """Read a line that is a date and nothing else, ``Published:`` and the like aside."""
    if len(line) > LONGEST or not (_YEAR.search(line) and _DAY.search(line)) or line.count(" ") > MOST_SPACES:
        return None
    return read_date(_UPDATED.sub("", _LABEL.sub("", line, count=1)).rstrip(". "))


def _iso(value: str) -> date | datetime | None:
    if not value[:4].isdecimal() or "W" in value:
        return None
    try:
        return date.fromisoformat(value) if len(value) <= 10 else datetime.fromisoformat(value)
    except ValueError:
        return None


def _numeric(value: str) -> date | None:
    if found := _YEAR_FIRST.fullmatch(value):
        return date(int(found[1]), int(found[2]), int(found[3]))
    if not (found := _YEAR_LAST.fullmatch(value)):
        return None
    first, second, year = int(found[1]), int(found[3]), int(found[4])
    if found[2] == "." or first > 12 or first == second:
        return date(year, second, first)
    if second > 12:
        return date(year, first, second)
    raise ValueError(f"{value} reads as two different days")


def _english(value: str) -> date | None:
    if not (found := _ENGLISH.fullmatch(value)):
        return None
    month = _MONTHS.index((found["m1"] or found["m2"])[:3].lower()) + 1
    return date(int(found["y1"] or found["y2"]), month, int(found["d1"] or found["d2"]))


def _written(value: str) -> date | datetime | None:
    if _RFC_2822.fullmatch(value):
        return parsedate_to_datetime(value)
    if not (_YEAR.search(value) and _DAY.search(value)) or (value.isascii() and not _LETTER.search(value)):
        return None
    found: datetime | None = dateparser.parse(value, settings=_SETTINGS)
    return found


def _plausible(found: date | datetime) -> str | None:
    day = found.date() if isinstance(found, datetime) else found
    if day.year < EARLIEST or day > date.today() + AHEAD:
        return None
    timed = isinstance(found, datetime) and found.utcoffset() is not None
    return found.isoformat() if timed else day.isoformat()
