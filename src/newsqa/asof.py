"""When a question asks about: its words, and the day on which it is asked -> periods of days.

English only, as written in questions: "in 2024", "in March 2025", "on 5 May", "since 2019", "this week",
"last March", "on Monday", "three weeks ago", "yesterday". dateparser, which reads what is known to be a
date, finds three in "Who may march beside Theresa May?" and takes "in March" for one day.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

RECENT = timedelta(days=30)
"""What "recently" reaches back."""

DAY = timedelta(days=1)
_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_COUNTS = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_WEEKDAY = r"(?P<weekday>mon|tues|wednes|thurs|fri|satur|sun)day"
_YEAR = r"(?P<year>(?:19|20)\d\d)(?![\d%]|[.,]\d|-\d)"
_DAY = r"(?P<day>0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?"
_COUNT = rf"(?P<count>\d{{1,2}}|an?|{'|'.join(_COUNTS[1:])})"
_UNIT = r"(?P<unit>day|week|month|year)s?"


@dataclass(frozen=True, slots=True)
class Period:
    """The days from ``first`` to ``last``, both included."""

    first: date
    last: date

    def days_from(self, day: date) -> int:
        """Days between a day and the nearest of the period; 0 within it."""
        return max((self.first - day).days, (day - self.last).days, 0)


def periods(question: str, as_of: date | None, today: date) -> tuple[Period, ...]:
    """Return when what answers a question was published, as far as is known.

    That is the period which the question names, seen from ``as_of`` or else from ``today``, and ``as_of``
    itself: what is asked on a day is mostly the news of that day, even where the words name a year.
    """
    named = period(question, as_of or today)
    asked = Period(as_of, as_of) if as_of else None
    return tuple(one for one in (named, asked) if one)


def period(question: str, today: date) -> Period | None:
    """Return the narrowest period that a question names, None where it names none.

    Nothing is published after ``today``: a period ends there at the latest, and "next year" is today.
    A month or day without a year is the last one that has begun; a date that is none is passed over.
    """
    found = [Period(min(first, today), min(last, today)) for first, last in _periods(question.replace("’", "'"), today)]
    return min(found, key=lambda one: one.last - one.first, default=None)


def _periods(question: str, today: date) -> Iterator[tuple[date, date]]:
    for pattern, reading in _READINGS:
        for found in pattern.finditer(question):
            try:
                yield reading(found, today)
            except (ValueError, OverflowError):
                continue


def _of_year(year: int) -> tuple[date, date]:
    return date(year, 1, 1), date(year, 12, 31)


def _of_month(year: int, month: int) -> tuple[date, date]:
    """Give a month's days; months past 12 or before 1 are those of other years."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    after = date(year + month // 12, month % 12 + 1, 1)
    return date(year, month, 1), after - DAY


def _month(found: re.Match[str]) -> int:
    return _NAMES.index(found["month"][:3].lower()) + 1


def _latest(month: int, day: int, today: date) -> date:
    this = date(today.year, month, day)
    return this if this <= today else date(today.year - 1, month, day)


def _full_date(found: re.Match[str], today: date) -> tuple[date, date]:
    day, year = int(found["day"]), found["year"]
    on = date(int(year), _month(found), day) if year else _latest(_month(found), day, today)
    return on, on


def _iso_date(found: re.Match[str], _: date) -> tuple[date, date]:
    on = date.fromisoformat(found[0])
    return on, on


def _month_of_year(found: re.Match[str], _: date) -> tuple[date, date]:
    return _of_month(int(found["year"]), _month(found))


def _month_alone(found: re.Match[str], today: date) -> tuple[date, date]:
    month, which = _month(found), found["which"].lower()
    ended = which == "last" and month == today.month
    return _of_month(today.year - (month > today.month or ended), month)


def _year(found: re.Match[str], today: date) -> tuple[date, date]:
    first, last = _of_year(int(found["year"]))
    word = (found["which"] or "").lower()
    if word in ("since", "after"):
        return first, max(first, today)
    if word in ("before", "until"):
        raise ValueError(f"{found[0]} has no beginning")
    return first, last


def _near_day(found: re.Match[str], today: date) -> tuple[date, date]:
    on = today - DAY if found[0].lower() == "yesterday" else today
    return on, on


def _weekday(found: re.Match[str], today: date) -> tuple[date, date]:
    back = (today.weekday() - _WEEKDAYS.index(found["weekday"][:3].lower())) % 7
    on = today - timedelta(days=7 if found["which"].lower() == "last" and not back else back)
    return on, on


def _this(found: re.Match[str], today: date) -> tuple[date, date]:
    """Read "this", "last" or "next" week, weekend, month or year.

    This week is the last seven days: on a Monday, the calendar's holds no news yet.
    """
    which, unit = found["which"].lower(), found["unit"].lower()
    if which in ("next", "coming"):
        return today, today
    back = int(which != "this")
    monday = today - timedelta(days=today.weekday() + 7 * back)
    match unit:
        case "week":
            return (monday, monday + 6 * DAY) if back else (today - 6 * DAY, today)
        case "weekend":
            saturday = today - timedelta(days=(today.weekday() - 5) % 7)
            return saturday, saturday + DAY
        case "month":
            return _of_month(today.year, today.month - back)
    return _of_year(today.year - back)


def _ago(found: re.Match[str], today: date) -> tuple[date, date]:
    count = _count(found)
    match found["unit"].lower():
        case "day":
            on = today - count * DAY
            return on, on
        case "week":
            on = today - count * 7 * DAY
            return on - 3 * DAY, on + 3 * DAY
        case "month":
            return _of_month(today.year, today.month - count)
    return _of_year(today.year - count)


def _past(found: re.Match[str], today: date) -> tuple[date, date]:
    days = {"day": 1, "week": 7, "month": 30, "year": 365}[found["unit"].lower()]
    return today - _count(found) * days * DAY, today


def _count(found: re.Match[str]) -> int:
    word = found["count"].lower()
    return int(word) if word.isdigit() else max(1, _COUNTS.index(word) if word in _COUNTS else 1)


def _recently(_: re.Match[str], today: date) -> tuple[date, date]:
    return today - RECENT, today


Reading = Callable[[re.Match[str], date], tuple[date, date]]


def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.]){pattern}(?!\w)", re.IGNORECASE)


_READINGS: tuple[tuple[re.Pattern[str], Reading], ...] = tuple(
    (_pattern(pattern), reading)
    for pattern, reading in (
        (r"\d{4}-\d\d-\d\d", _iso_date),
        (rf"{_DAY} (?:of )?{_MONTH}(?:,? (?P<year>\d{{4}})(?!\d))?", _full_date),
        (rf"{_MONTH} {_DAY}(?:,? (?P<year>\d{{4}})(?!\d))?", _full_date),
        (rf"{_MONTH},? (?:of )?{_YEAR}", _month_of_year),
        # A month alone is one only behind a word: "may" and "march" are verbs, and May a name.
        (rf"(?P<which>in|this|last|since|early|late|during) {_MONTH}", _month_alone),
        (rf"(?:(?P<which>since|after|before|until) )?{_YEAR}", _year),
        (r"(?:today|tonight|yesterday|tomorrow)(?!'s)", _near_day),
        (rf"(?P<which>on|this|last) {_WEEKDAY}", _weekday),
        (r"(?P<which>this|last|past|next|coming) (?P<unit>weekend|week|month|year)", _this),
        (rf"(?:last|past) {_COUNT} {_UNIT}", _past),
        (rf"{_COUNT} {_UNIT} ago", _ago),
        (r"recently|latest", _recently),
    )
)
