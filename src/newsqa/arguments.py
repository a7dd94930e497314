"""What options and arguments say, checked before any work is done."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from newsqa.errors import UsageError


def period(since: str | None, until: str | None) -> tuple[date | None, date | None]:
    """Read ``--since`` and ``--until``; raises UsageError for dates that make no sense."""
    first, last = day("--since", since), day("--until", until)
    if first and last and first > last:
        raise UsageError(
            f"--since {first} is later than --until {last}. Example: --since 2016-12-01 --until 2016-12-31"
        )
    return first, last


def day(option: str, value: str | None) -> date | None:
    """Read a date such as ``2016-12-28``; raises UsageError for anything else."""
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise UsageError(f"{option}: '{value}' is not a date. Example: {option} 2016-12-28") from error


def language_codes(names: Sequence[str]) -> tuple[str, ...]:
    """Read ``--language``: ISO 639-1, or what stands for it; raises UsageError for anything else."""
    if not names:
        return ()
    from newsqa import languages  # what it loads is not needed otherwise

    found = {name: languages.code(name) for name in names}
    if unknown := [name for name, code in found.items() if code is None]:
        raise UsageError(f"--language: '{unknown[0]}' is no language. Examples: --language en, de, pt-BR, French")
    return tuple(dict.fromkeys(filter(None, found.values())))


def interval(value: str) -> timedelta:
    """Read ``30s``, ``15m``, ``6h`` or ``1d``; raises UsageError for anything else."""
    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
    match = re.fullmatch(r"([0-9]{1,6})([smhd])", value)
    if match is None or int(match[1]) == 0:
        raise UsageError(f"--every: '{value}' is not a length of time. Examples: --every 30s, 15m, 6h, 1d")
    return timedelta(**{units[match[2]]: int(match[1])})


def mapping(pairs: Sequence[str]) -> dict[str, str]:
    """Read ``--field title=headline``; raises UsageError for anything else."""
    fields = dict(pair.partition("=")[::2] for pair in pairs)
    for pair in pairs:
        name, _, theirs = pair.partition("=")
        if not name or not theirs:
            raise UsageError(f"--field: '{pair}' should look like title=headline (ours=theirs)")
    return fields


def span(start: int | None, end: int | None, length: int) -> tuple[int, int] | None:
    """Read ``--start`` and ``--end``; raises UsageError unless they lie within ``length``."""
    if start is None and end is None:
        return None
    if start is None or end is None or not start < end <= length:
        raise UsageError(f"--start {start} --end {end}: give both, start < end <= {length} (the text's length)")
    return start, end


def answers(place: str) -> list[dict[str, Any]]:
    """Read one answer, a list of them, or one a line; raises UsageError for anything else."""
    try:
        text = sys.stdin.read() if place == "-" else Path(place).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--answers: '{place}' can't be read: {error}") from error
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        found = [_json(place, number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    found = found if isinstance(found, list) else [found]
    if not all(isinstance(answer, dict) for answer in found):
        raise UsageError(f"--answers: '{place}' holds something else than answers of: newsqa ask --json")
    return found


def writable(option: str, path: Path) -> None:
    """Raise UsageError when a file's folder is not there, before long work is done for it."""
    if not path.parent.is_dir():
        raise UsageError(f"{option}: there is no folder '{path.parent}'")


def evaluation(path: Path) -> dict[str, Any]:
    """Read what ``evaluate --json`` wrote; raises UsageError for anything else than one JSON object."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"--compare: '{path}' can't be read: {error}") from error
    if not isinstance(found, dict):
        raise UsageError(f"--compare: '{path}' is not what newsqa evaluate --json writes")
    return found


def _json(place: str, number: int, line: str) -> object:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        raise UsageError(f"--answers: '{place}', line {number}: not JSON: {error}") from error
