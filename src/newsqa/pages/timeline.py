"""When the articles behind an answer appeared: a picture whose points are links, and the same as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from markupsafe import Markup

from newsqa.escape import article_href, text
from newsqa.pages.parts import href, short
from newsqa.pages.words import when
from newsqa.permalink import fingerprint
from newsqa.types import Citation, Copy, Passage, parse_published

MARGIN = 4
"""Per cent of the width that stays free on each side."""
ROWS = 4
"""Rows that points too close to each other are spread over."""
CLOSE = 4
"""Per cent of the width that points in a row keep from each other."""


@dataclass(frozen=True, slots=True)
class Point:
    """An article on its day."""

    day: date
    published: str
    outlet: str
    title: str
    link: Markup
    quoted: bool


def timeline(cited: Sequence[Citation], around: Sequence[Citation | Passage] = ()) -> Markup:
    """Render articles by day: those cited, their near copies, and those of the passages around.

    Nothing when fewer than two have a date. The picture's coordinates are per cent, for the sanitizer
    drops an SVG's viewBox.
    """
    points = _points(cited, around)
    if len(points) < 2:
        return Markup("")
    key = Markup('<b class="nq-quoted">●</b> quoted <b>○</b> near it, or a copy') if cited else "What is near, by date."
    return Markup(
        '<section class="nq-time"><h2>Timeline</h2><p class="nq-hint">{}</p>{}<details class="nq-table">'
        '<summary>As a table</summary><table><thead><tr><th scope="col">Date</th><th scope="col">Outlet</th>'
        '<th scope="col">Article</th></tr></thead><tbody>{}</tbody></table></details></section>'
    ).format(key, _picture(points), Markup("").join(map(_row, points)))


def _points(cited: Sequence[Citation], around: Sequence[Citation | Passage]) -> list[Point]:
    """Make one point an article; what is cited comes first."""
    copies = [copy for citation in cited for copy in citation.also_in]
    found: dict[str, Point] = {}
    for item in (*cited, *copies, *around):
        if (day := _day(item)) and item.article_id not in found:
            about = (item.published or "", item.outlet or "unknown outlet", item.title or "Untitled")
            found[item.article_id] = Point(day, *about, _link(item), item in cited)
    return sorted(found.values(), key=lambda point: (point.day, point.published))


def _link(item: Citation | Copy | Passage) -> Markup:
    if isinstance(item, Citation):
        return href(item)
    if isinstance(item, Copy):
        return text(article_href(item.article_id, item.revision))
    return text(article_href(item.article_id, item.revision, item.start, item.end, fingerprint(item.text)))


def _day(item: Citation | Copy | Passage) -> date | None:
    try:
        found = parse_published(item.published or "")
    except ValueError:
        return None
    return found.date() if isinstance(found, datetime) else found


def _picture(points: Sequence[Point]) -> Markup:
    first, last = points[0].day, points[-1].day
    span = max(1, (last - first).days)
    ends = [-CLOSE] * ROWS
    marks = []
    for point in points:
        at = MARGIN + (100 - 2 * MARGIN) * (point.day - first).days / span if last > first else 50
        row = min(range(ROWS), key=lambda row: (at - ends[row] < CLOSE, ends[row] if at - ends[row] < CLOSE else row))
        ends[row] = round(at)
        marks.append(
            Markup('<a href="{}"><title>{}</title><circle class="{}" cx="{:.1f}%" cy="{}" r="6"></circle></a>').format(
                point.link,
                short(f"{when(point.published)}, {point.outlet}: {point.title}"),
                "nq-point" if point.quoted else "nq-point nq-elsewhere",
                at,
                58 - 15 * row,
            )
        )
    days = [first, last] if last > first else [first]
    return Markup(
        '<svg class="nq-line"><line x1="0" x2="100%" y1="68" y2="68"></line>{}</svg><p class="nq-ends">{}</p>'
    ).format(
        Markup("").join(marks),
        Markup("").join(Markup("<span>{}</span>").format(text(when(day.isoformat()))) for day in days),
    )


def _row(point: Point) -> Markup:
    return Markup('<tr><td>{}</td><td><bdi>{}</bdi></td><td><a href="{}"><bdi>{}</bdi></a></td></tr>').format(
        text(when(point.published)), short(point.outlet), point.link, short(point.title)
    )
