"""Figures in words."""

from __future__ import annotations

from datetime import datetime

from babel.core import Locale

from newsqa.types import parse_published

LIKELY = ((0.9, "very likely"), (0.66, "likely"), (0.5, "more likely than not"), (0.0, "uncertain"))
"""The least confidence for each word, as the README says; the bounds are those of the IPCC's guidance note on
uncertainty."""


def when(published: str | None) -> str:
    """Write a date for a person: ``28 December 2016``, with the time and zone where known."""
    if not published:
        return "no date"
    try:
        value = parse_published(published)
    except ValueError:
        return published
    day = f"{value.day} {value:%B %Y}"
    return f"{day}, {value:%H:%M %Z}".rstrip() if isinstance(value, datetime) else day


def count(number: int, singular: str, plural: str | None = None) -> str:
    """Write ``1 article`` or ``14,822 articles``."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def language_name(code: str) -> str:
    """Name a language by its code of ISO 639-1, in English: ``French``."""
    return str(Locale("en").languages.get(code, code))


def likelihood(confidence: float) -> str:
    """Write a confidence as one of the words of `LIKELY`."""
    return next(word for least, word in LIKELY if confidence >= least)
