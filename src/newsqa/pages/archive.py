"""What the archive holds, and how adding to it goes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from markupsafe import Markup

from newsqa.escape import text
from newsqa.pages.words import count
from newsqa.types import Progress, Rejection, Report

SHOWN_REJECTIONS = 20


def header(status: str, *, writable: bool) -> str:
    """Render the line above the chat; where nothing may be written, the sheet hides what would write."""
    more = "" if writable else Markup('<p class="nq-reading">read-only</p>')
    return str(Markup('<div class="nq-header"><h1>newsqa</h1><p>{}</p>{}</div>').format(text(status), more))


def notice(message: str) -> str:
    """Render one line about adding files."""
    return str(Markup('<div class="nq-state" role="status">{}</div>').format(text(message)))


def progress(step: Progress) -> str:
    """Render how far indexing is."""
    of = f" of {step.total:,}" if step.total is not None else ""
    return notice(f"{step.stage}: {step.done:,}{of} {step.unit}…")


def report(done: Report) -> str:
    """Render what an indexing run did, with what it rejected and why."""
    counts = [f"{done.added:,} added", f"{done.updated:,} updated", f"{done.unchanged:,} unchanged"]
    if done.copies:
        counts.append(count(done.copies, "near copy", "near copies"))
    return str(
        Markup('<div class="nq-report" role="status"><p>Articles: {}.</p>{}</div>').format(
            text(", ".join(counts)), _rejections(done.rejected)
        )
    )


def _rejections(rejected: Sequence[Rejection]) -> Markup:
    if not rejected:
        return Markup("")
    items = [_rejection(rejection) for rejection in rejected[:SHOWN_REJECTIONS]]
    if more := len(rejected) - SHOWN_REJECTIONS > 0 and len(rejected) - SHOWN_REJECTIONS:
        items.append(Markup("<li>and {:,} more</li>").format(more))
    return Markup("<p>{} rejected:</p><ul>{}</ul>").format(len(rejected), Markup("").join(items))


def _rejection(rejection: Rejection) -> Markup:
    line = "" if rejection.line is None else f", line {rejection.line:,}"
    name = PurePath(rejection.location).name + line
    return Markup("<li><bdi>{}</bdi>: {}</li>").format(text(name), text(rejection.reason))
