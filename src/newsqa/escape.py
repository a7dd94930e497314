"""The only module that escapes: foreign text and links -> what HTML and Markdown can hold.

Every ASCII punctuation character of foreign text becomes a numeric entity, so
neither Markdown, LaTeX nor a template finds anything to act on.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlencode, urlsplit

from markupsafe import Markup

_ACTIVE = re.compile(r"[!-/:-@\[-`{-~\t\n]")
# Control characters, bidirectional embeddings, overrides and isolates, lone surrogates:
# none is text, and each can make a line read as something else or break the encoding.
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def text(value: str) -> Markup:
    """Escape foreign text for HTML, attributes and Markdown alike; its words stay as they are."""
    visible = _HIDDEN.sub("", value)
    return Markup(_ACTIVE.sub(lambda found: f"&#{ord(found[0])};", visible))


def safe_url(url: str | None) -> str | None:
    """Return the url if it is http or https with a host and no space, else None."""
    cleaned = _HIDDEN.sub("", url or "").strip()
    try:
        parts = urlsplit(cleaned)
    except ValueError:
        return None
    ok = parts.scheme in ("http", "https") and parts.hostname and not re.search(r"\s", cleaned)
    return parts.geturl() if ok else None


def article_href(
    article_id: str, revision: int, start: int | None = None, end: int | None = None, mark: str | None = None
) -> str:
    """Path of an article's page, seen from the chat's, scrolled to [start, end) when given.

    ``mark`` is the fingerprint of the quote there (`newsqa.permalink`). The path doesn't begin with a slash,
    since a proxy may serve all this under a path of its own.
    """
    path = f"articles/{quote(article_id, safe='', errors='replace')}?"
    if start is None or end is None:
        return path + urlencode({"revision": revision})
    place: dict[str, int | str] = {"revision": revision, "start": start, "end": end}
    return path + urlencode(place | ({"mark": mark} if mark else {})) + "#quote"
