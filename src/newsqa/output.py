"""How the command line shows things: in a terminal, in a pipe, or as JSON.

Results go to stdout, words about the work to stderr. In a pipe nothing is
coloured or wrapped, so a quote can be searched for; in a terminal lines break
between words. With JSON, stdout holds exactly one document, errors included.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.status import Status
from rich.table import Table
from rich.text import Text

from newsqa.answer import parts
from newsqa.types import Answer, Article, Citation, Copy, Progress, ProgressHook, Rejection, Report, Source

if TYPE_CHECKING:  # loads what only `verify` needs
    from newsqa.verify import Check

Line = Text | Table
Row = tuple[object, ...]
WIDEST = 100
"""Columns that running text takes at most; longer lines are hard to read."""

# Saved pages are strangers' text: an escape sequence in a headline must not reach the terminal.
_PICTURES = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\n\t"}
_PICTURES |= {0x7F: "␡"} | {code: "\ufffd" for code in range(0x80, 0xA0)}


def visible(text: str) -> str:
    """Replace control characters by pictures of them; newline and tab stay."""
    return text.translate(_PICTURES)


class Output:
    """Where one command writes."""

    def __init__(self, *, as_json: bool = False, quiet: bool = False, verbose: int = 0) -> None:
        self.as_json = as_json
        self.quiet = quiet
        self.verbose = verbose
        self.stdout = Console(highlight=False, markup=False, emoji=False)
        self.stderr = Console(highlight=False, markup=False, emoji=False, stderr=True)

    def result(self, document: Mapping[str, Any], lines: Iterable[Line]) -> None:
        """Write what was asked for: ``document`` as JSON, or ``lines`` for a person."""
        if self.as_json:
            ascii_only = not self.stdout.encoding.startswith("utf")
            indent = 2 if self.stdout.is_terminal else None
            self.stdout.file.write(json.dumps(document, ensure_ascii=ascii_only, indent=indent) + "\n")
        else:
            self._lines(lines)
        self.stdout.file.flush()

    def _lines(self, lines: Iterable[Line]) -> None:
        for line in lines:
            if self.stdout.is_terminal:
                self.stdout.print(line, no_wrap=True, overflow="ignore", crop=False)
            else:  # rich would turn tabs into spaces
                self.stdout.file.write(f"{line}\n")

    def note(self, message: str) -> None:
        """Say something about the work, unless asked to be quiet."""
        if not self.quiet:
            self.stderr.print(Text(visible(message), "dim"), soft_wrap=True)

    def warning(self, message: str) -> None:
        """Say that something is amiss, also when asked to be quiet."""
        self.stderr.print(Text(visible(message), "yellow"), soft_wrap=True)

    def failure(self, kind: str, message: str) -> None:
        """Say what ended the command, in words, and as a document with JSON."""
        if self.as_json:
            self.result({"error": {"type": kind, "message": message}}, ())
        self.stderr.print(Text(f"Error: {visible(message)}", "red"), soft_wrap=True)

    def seconds(self, seconds: Mapping[str, float]) -> None:
        """Say what took how long, where -v asks for it."""
        if self.verbose:
            took = "  ".join(f"{name} {value:.3f} s" for name, value in seconds.items())
            self.stderr.print(Text(took, "dim"), soft_wrap=True)

    @contextmanager
    def status(self, message: str) -> Iterator[Callable[[str], None]]:
        """Show a changing line while something short runs; nothing outside a terminal."""
        if self.quiet or not self.stderr.is_terminal:
            yield lambda message: None
            return
        with Status(Text(visible(message)), console=self.stderr) as status:
            yield lambda message: status.update(Text(visible(message)))

    @contextmanager
    def progress(self) -> Iterator[ProgressHook | None]:
        """Show bars with rate and time left while something long runs; none outside a terminal."""
        if self.quiet or not self.stderr.is_terminal:
            yield None
            return
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            Count(),
            TimeRemainingColumn(compact=True),
        )
        with Bars(*columns, console=self.stderr, transient=True) as bars:
            tasks: dict[str, TaskID] = {}

            def show(step: Progress) -> None:
                if step.stage not in tasks:
                    tasks[step.stage] = bars.add_task(step.stage, total=step.total, unit=step.unit)
                bars.update(tasks[step.stage], completed=step.done, total=step.total)

            yield show


class Count(ProgressColumn):
    """How many are done, of how many, and how many a second."""

    def render(self, task: Task) -> Text:
        """Draw the column for one task."""
        total = "" if task.total is None else f"/{task.total:,.0f}"
        rate = "" if not task.speed else f", {task.speed:,.1f}/s"
        return Text(f"{task.completed:,.0f}{total} {task.fields['unit']}{rate}", "dim")


def escape_what_cannot_be_encoded() -> None:
    """Keep a name or a letter that the terminal can't encode from ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def answer_lines(console: Console, answer: Answer, show: str, *, context: bool = False) -> Iterator[Text]:
    """Answers, each with the quote that it stands in and its source, or why there is none and the nearest passages.

    The answer has a line of its own also in a terminal, since not everyone sees
    what is bold. ``show`` is the command that opens an article, ``newsqa show``.
    """
    if answer.text is None:
        yield Text(f"No answer found in {_count(answer.searched, 'article')}.", "bold")
        if answer.reason:
            yield Text(visible(answer.reason))
        if answer.near:
            yield Text("\nNear the question, but not an answer:")
    for citation in answer.citations:
        yield Text()
        yield from _quoted(console, citation)
        yield from _place(citation, show)
        if context:
            start, end = citation.start - citation.passage_start, citation.end - citation.passage_start
            yield Text("   in context:", "dim")
            yield from _barred(console, _marked(console, citation.passage, start, end))
    for citation in answer.near:
        yield Text()
        yield from _barred(console, Text(visible(citation.quote), "dim"))
        yield Text(f"{citation.number}. {_told(citation, ' · ')}")
        yield from _place(citation, show)


def _quoted(console: Console, citation: Citation) -> Iterator[Text]:
    before, words, after = map(visible, parts(citation))
    number = f"{citation.number}. "
    yield from _hung(console, (number, ""), (" " * len(number), ""), Text(words, "bold"))
    yield from _barred(console, Text.assemble(before, (words, "bold"), after))
    sure = f" · confidence {citation.score:.2f}"
    found = f" · found in {_count(citation.support, 'article')}" if citation.support > 1 else ""
    yield Text.assemble(f"   {_told(citation, ' · ')}", (sure + found, "dim"))


def _place(citation: Citation, show: str) -> Iterator[Text]:
    if citation.url:
        yield Text(f"   {visible(citation.url)}", "blue")
    place = f"--revision {citation.revision} --start {citation.start} --end {citation.end}"
    yield Text(f"   {show} {citation.article_id} {place}", "dim")
    yield from (Text(f"   also in: {_copy(copy)}", "dim") for copy in citation.also_in)


def _told(source: Citation | Copy, between: str) -> str:
    told = between.join(part for part in (source.outlet, _day(source.published), source.title) if part)
    return visible(told or source.article_id)


def _copy(copy: Copy) -> str:
    return f"{_told(copy, ', ')}{'' if copy.verbatim else ' (in other words)'}"


def _barred(console: Console, text: Text) -> Iterator[Text]:
    """Set text off: beside a bar in a terminal, behind ``>`` in a pipe."""
    bar = "│ " if console.is_terminal else "> "
    yield from _hung(console, (bar, "cyan"), (bar, "cyan"), text)


def _hung(console: Console, first: tuple[str, str], rest: tuple[str, str], text: Text) -> Iterator[Text]:
    """Put something, with its style, before each line of a text, which is wrapped in a terminal alone."""
    width = max(20, min(console.width, WIDEST) - len(first[0]))
    lines = text.wrap(console, width) if console.is_terminal else text.split("\n", allow_blank=True)
    for number, line in enumerate(lines):
        yield Text.assemble(rest if number else first, line)


def _marked(console: Console, text: str, start: int, end: int) -> Text:
    """Mark ``text[start:end]``: by colour in a terminal, else between ``>>>`` and ``<<<``."""
    before, quote, after = (visible(part) for part in (text[:start], text[start:end], text[end:]))
    if console.is_terminal:
        return Text.assemble(before, (quote, "bold black on yellow"), after)
    return Text(f"{before}>>>{quote}<<<{after}")


def article_lines(
    console: Console, article: Article, span: tuple[int, int] | None, copies: Sequence[Article]
) -> Iterator[Text]:
    """One article: what is known of it, then its text, with ``span`` marked."""
    yield Text(visible(article.title or "(no headline)"), "bold")
    about = (article.outlet, article.published, ", ".join(article.authors), article.language)
    yield Text(visible(" · ".join(part for part in about if part)))
    yield from (Text(visible(place), "dim") for place in (article.url, f"from {article.origin}") if place)
    copy = f", a copy of {article.copy_of}" if article.copy_of else ""
    yield Text(f"{article.id}, revision {article.revision}{copy}", "dim")
    for other in copies:
        yield Text(visible(f"also in: {other.outlet or '-'}, {other.title} ({other.id})"), "dim")
    yield Text()
    text = _marked(console, article.text, *span) if span else Text(visible(article.text))
    if console.is_terminal:
        yield from text.wrap(console, min(console.width, WIDEST))
    else:
        yield text


def article_rows(articles: Iterable[Article]) -> Iterator[Row]:
    """A row an article: id, date, outlet, headline."""
    for article in articles:
        copy = f" (copy of {article.copy_of})" if article.copy_of else ""
        yield article.id, _day(article.published), article.outlet, f"{article.title}{copy}"


def source_rows(sources: Iterable[Source]) -> Iterator[Row]:
    """A row a source: number, articles, last refresh, place."""
    for source in sources:
        yield source.id, source.articles, source.refreshed_at or "never", source.location


def table(console: Console, rows: Iterable[Row]) -> Iterator[Line]:
    """Align rows in a terminal; in a pipe put one tab between cells."""
    cells = ([" ".join(visible("-" if cell in (None, "") else str(cell)).split()) for cell in row] for row in rows)
    if not console.is_terminal:
        yield from (Text("\t".join(row)) for row in cells)
        return
    grid = Table.grid(padding=(0, 2))
    for row in cells:
        grid.add_row(*(Text(cell) for cell in row))
    yield grid


def status_lines(status: Mapping[str, Any]) -> Iterator[Text]:
    """A line a figure."""
    for name, value in status.items():
        shown = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else value
        yield Text(visible(f"{name.replace('_', ' ')}: {'-' if shown is None else shown}"))


def report_lines(report: Report) -> Iterator[Text]:
    """What an indexing run did, in a sentence."""
    counts = ("added", "updated", "unchanged", "removed")
    said = ", ".join(f"{getattr(report, name):,} {name}" for name in counts)
    yield Text(f"Articles: {said}; {report.copies:,} of them copies of others.")
    yield Text(f"Passages embedded: {report.embedded:,}.")


def check_lines(checks: Iterable[Check]) -> Iterator[Text]:
    """A line a check, and one for each thing that failed it, the first ones."""
    for check in checks:
        failed = f", {check.failed:,} failed" if check.failed else ""
        yield Text(f"{'FAILED' if check.failed else 'ok':6}  {check.name}: {check.checked:,} checked{failed}")
        yield from (Text(visible(f"        {failure}")) for failure in check.failures)
        if len(check.failures) < check.failed:
            yield Text(f"        and {check.failed - len(check.failures):,} more")


def rejection_lines(rejected: Sequence[Rejection]) -> Iterator[str]:
    """What was not indexed and why, a line each."""
    if rejected:
        yield f"Not indexed ({len(rejected):,}):"
    for rejection in rejected:
        line = "" if rejection.line is None else f", line {rejection.line}"
        again = "" if rejection.permanent else " (trying again later may help)"
        yield f"  {rejection.location}{line}: {rejection.reason}{again}"


def article_document(article: Article) -> dict[str, Any]:
    """An article of a list as JSON: everything except its text, which ``show`` gives."""
    document = asdict(replace(article, text=""))
    del document["text"]
    return document


def _day(published: str | None) -> str | None:
    return published and published[:10]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
