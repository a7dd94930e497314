"""A draft as its format found it -> final text and metadata of the article.

Cleaning happens once, before anything is measured in offsets. It removes whole
lines and invisible characters and narrows white space; it never rewrites words,
and leaves characters as they came (no Unicode normalisation: quotes stay
verbatim). ``clean(clean(d)) == clean(d)``.

What is not known is derived: the title from a headline-like first line, else
from the first words; the outlet from a ``Source:`` line, else from the url's
registrable domain (``https://eu.usatoday.com/…`` -> ``usatoday.com``; hosts of
blogs such as ``name.blogspot.com`` keep their name); the language from the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from itertools import islice, pairwise
from urllib.parse import urldefrag, urlsplit

import courlan
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from newsqa import languages
from newsqa.boilerplate import is_share_word, without_furniture, without_repeats, without_share_bars
from newsqa.dates import dateline, read_date
from newsqa.errors import FormatError
from newsqa.types import Draft

CLEANER_VERSION = 1
"""Raised whenever the same draft may come out with another text."""
LEAST_LETTERS = 10
TITLE_LENGTH = 80
"""Of a title made from the first words."""
LONGEST_TITLE = 300
HEADLINE_LENGTH = 120
PROSE_LENGTH = 40
HEADER_LINES = 5
"""How many other short lines may stand between the top and a dateline."""
LANGUAGE_SAMPLE = 400

_LINE_END = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_SPACE = re.compile("[\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")
# Joiners (U+200C, U+200D) spell Persian words and emoji, so they stay between letters.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0001\U000e0020-\U000e007f]"
)
_JOINERS = re.compile(
    "(?<![^\x00-\x7f])[\u200c\u200d]+|(?<=[\u200c\u200d])[\u200c\u200d]+|[\u200c\u200d](?=[\x00-\x7f]|$)"
)
_BLANKS = re.compile("[ \t]+")
_LETTER = re.compile(r"[^\W\d_]")
_SOURCE = re.compile(r"[\[(]?source: ?([^\s:/\"“][^:/\"“]{0,60}?)[.\])]*", re.IGNORECASE)
_LINK = re.compile(
    r"[\[(]?(?:link|url|via|source|permalink|original(?: article)?): ?(https?://\S{3,2000})", re.IGNORECASE
)
_NAME = r"[^\W\d_a-z][\w.’'-]*(?: (?:(?:de|van|von|der|bin|al|la|el) ){0,2}[^\W\d_a-z][\w.’'-]*){1,3}"
_BYLINE = re.compile(rf"[Bb]y ({_NAME}(?:(?:, | and |, and ){_NAME}){{0,4}})")
_BETWEEN_NAMES = re.compile(r", and |, | and ")
_URL_TAIL = ".,;)]>"
_NO_HEADLINE = re.compile(
    r"[-–—*•]|(?i:by) [^a-z]|(?i:(?:image|media|photo) (?:copyright|caption|playback|credit)|photos?:|story highlights)"
)
_SENTENCE_END = (".", "!", "?", "…", ":", ";", ",", "。", "！", "？", ".”", '."', ")", "。」")


def clean(draft: Draft) -> Draft:
    """Return the draft with final text and metadata; idempotent.

    Raises FormatError when no article text is left.
    """
    lines = _lines(draft.text)
    if not any(lines):
        raise FormatError("the text is empty")
    lines = without_share_bars(without_repeats(without_furniture(lines)))
    known = replace(
        draft,
        title=_cut(_one_line(draft.title), LONGEST_TITLE),
        url=_web_url(draft.url),
        outlet=_one_line(draft.outlet or "") or None,
        authors=tuple(dict.fromkeys(name for a in draft.authors if (name := _one_line(a)))),
        published=read_date(draft.published) if draft.published else None,
    )
    known, lines = _credits(known, lines)
    known, lines = _header(known, lines)
    text = _joined(lines)
    if len(list(islice(_LETTER.finditer(text), LEAST_LETTERS))) < LEAST_LETTERS:
        raise FormatError("no article text is left after cleaning")
    return replace(
        known,
        text=text,
        title=known.title or _cut(" ".join(text[: 2 * TITLE_LENGTH].split()), TITLE_LENGTH),
        language=_language(draft.language, text),
    )


def article_key(draft: Draft, location: str) -> str:
    """Name the article: its canonical url, else the record in its source, else the source.

    Canonical: host in lower case, no tracking parameters, no fragment.
    """
    if url := _web_url(draft.url):
        return str(courlan.clean_url(urldefrag(url).url) or url)
    return f"{location}#{draft.key}" if draft.key else location


def _lines(text: str) -> list[str]:
    """Split into trimmed lines of visible characters; no two blank ones in a row."""
    text = _INVISIBLE.sub("", _LINE_END.sub("\n", text))
    if not text.isascii():
        text = _SPACE.sub(" ", text)
    if "\u200c" in text or "\u200d" in text:
        text = _JOINERS.sub("", text)
    lines: list[str] = []
    for raw in text.split("\n"):
        line = raw.strip(" \t")
        if line or (lines and lines[-1]):
            lines.append(_narrow(line) if "  " in line or "\t" in line else line)
    return lines


def _narrow(line: str) -> str:
    """Turn a run of blanks into one: a tab if it holds a tab, so that columns stay apart."""
    return _BLANKS.sub(lambda run: "\t" if "\t" in run[0] else " ", line)


def _joined(lines: Sequence[str]) -> str:
    return re.sub("\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def _one_line(value: str) -> str:
    return " ".join(filter(None, _lines(value)))


def _web_url(value: str | None) -> str | None:
    """Return the url if it is http(s) with a host; anything else can't be opened safely."""
    value = (value or "").strip()
    if not value or re.search(r"[\s\x00-\x1f<>\"]", value):
        return None
    try:
        parts = urlsplit(value)
    except ValueError:
        return None
    return value if parts.scheme in ("http", "https") and parts.hostname else None


def _domain(url: str | None) -> str | None:
    if url is None:
        return None
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    return str(courlan.extract_domain(url) or host)


def _credits(draft: Draft, lines: list[str]) -> tuple[Draft, list[str]]:
    """Take url and outlet from ``Link:`` and ``Source:`` lines and drop these lines.

    A page with links to several articles is a round-up and stays as it is. A
    ``Source:`` line credits the article beside the link, or, in a text without url,
    at its end; elsewhere it credits a figure.
    """
    links = {i: url for i, line in enumerate(lines) if (url := _linked(line))}
    if len(set(links.values())) > 1:
        return draft, lines
    url = draft.url or next(iter(links.values()), None)
    sources = {i: found[1] for i, line in enumerate(lines) if (found := _SOURCE.fullmatch(line))}
    solid = [i for i, line in enumerate(lines) if line]
    beside = {j for a, b in pairwise(solid) for i, j in ((a, b), (b, a)) if i in links}
    paired = [i for i in sources if i in beside]
    trailing = _trailing(solid, sources.keys() | links.keys())
    last = {sources[i] for i in trailing if i in sources}
    outlet = draft.outlet
    if paired:
        outlet = outlet or sources[paired[0]]
    elif len(last) == 1 and not url:
        outlet = outlet or last.pop()
    named = {outlet, _domain(url)}
    drop = links.keys() | set(paired) | {i for i in trailing if sources.get(i) in named}
    return replace(draft, url=url, outlet=outlet), [line for i, line in enumerate(lines) if i not in drop]


def _linked(line: str) -> str | None:
    found = _LINK.fullmatch(line)
    return _web_url(found[1].rstrip(_URL_TAIL)) if found else None


def _trailing(solid: Sequence[int], credit: Iterable[int]) -> list[int]:
    """Return the indices of the credit lines that end the text."""
    credit = set(credit)
    end = len(solid)
    while end and solid[end - 1] in credit:
        end -= 1
    return list(solid[end:])


def _header(draft: Draft, lines: list[str]) -> tuple[Draft, list[str]]:
    """Take title, date, outlet and authors from the short lines above the body, and drop these.

    Nothing is dropped from a text that has no other lines.
    """
    title, published, outlet = draft.title, draft.published, draft.outlet or _domain(draft.url)
    authors = draft.authors
    drop: set[int] = set()
    kept = 0
    for i, line in enumerate(lines):
        if not line:
            continue
        found = _SOURCE.fullmatch(line)
        day = dateline(line)
        if day and (published is None or published[:10] == day[:10]):
            published = published or day
        elif found and outlet in (None, found[1]):
            outlet = found[1]
        elif byline := _BYLINE.fullmatch(line):
            authors = authors or _names(byline[1], outlet)
        elif line == title or (not title and not kept and _is_headline(lines, i)):
            title = line
        elif not is_share_word(line):
            kept += 1
            if kept == HEADER_LINES or _is_prose(line):
                break
            continue
        drop.add(i)
    left = [line for i, line in enumerate(lines) if i not in drop]
    draft = replace(draft, title=title, published=published, outlet=outlet, authors=authors)
    return draft, left if any(left) else lines


def _names(byline: str, outlet: str | None) -> tuple[str, ...]:
    """Split a byline, which often ends in the outlet's own name."""
    return tuple(name for name in _BETWEEN_NAMES.split(byline) if name != outlet)


def _is_headline(lines: Sequence[str], i: int) -> bool:
    """Whether line ``i`` is short, has several words and no full stop, and prose comes soon after."""
    line = lines[i]
    if len(line) > HEADLINE_LENGTH or line.endswith(_SENTENCE_END) or _NO_HEADLINE.match(line):
        return False
    if line.isascii() and line.count(" ") < 2:
        return False
    return any(_is_prose(later) for later in islice(filter(None, lines[i + 1 : i + 9]), 4))


def _is_prose(line: str) -> bool:
    return len(line) > HEADLINE_LENGTH or (len(line) > PROSE_LENGTH and line.endswith(_SENTENCE_END))


def _cut(words: str, length: int) -> str:
    if len(words) <= length:
        return words
    end = words.rfind(" ", length // 2, length)
    return words[: end if end > 0 else length - 1] + "…"


def _language(known: str | None, text: str) -> str | None:
    """ISO 639-1: what the page or record says, else what the text's first words are in."""
    return languages.code(known or "") or str(_identifier().classify(text[:LANGUAGE_SAMPLE])[0])


@cache
def _identifier() -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages([code for code in identifier.labels if len(code) == 2])
    return identifier
