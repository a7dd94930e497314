"""What pages and people call a language -> ISO 639-1."""

from __future__ import annotations

import re
from functools import cache

from babel.core import Locale, get_global


def code(name: str) -> str | None:
    """Return the ISO 639-1 code of ``en-GB``, ``ENG`` or ``English``, None for what names no language that has one."""
    word = name.strip().casefold()
    return _codes().get(word) or _codes().get(re.split("[-_]", word, maxsplit=1)[0])


@cache
def _codes() -> dict[str, str]:
    """Return the code for each code of ISO 639, those withdrawn included, and for each English name."""
    names = {one: name for one, name in Locale("en").languages.items() if len(one) == 2}
    aliases = {old: new.partition("_")[0] for old, new in get_global("language_aliases").items()}
    known = {old: new for old, new in aliases.items() if new in names}
    return known | {one: one for one in names} | {name.casefold(): one for one, name in names.items()}
