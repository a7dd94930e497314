"""The ``newsqa`` command: a thin layer over the conductors.

Each command takes a `Session` and gives an exit code; `options` holds what they
take and share, `output` shows the results.

The conductors are imported inside the commands: with what they bring they take
seconds to load, and neither ``--help`` nor a mistyped date should wait for it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated

import typer

from newsqa import arguments, measuring, options, output, serving
from newsqa.errors import (
    IndexCorruptError,
    IndexMismatchError,
    IndexMissingError,
    ModelError,
    NewsQAError,
    UsageError,
)
from newsqa.options import Languages, Outlets, Session, Shared, Since, Until, command
from newsqa.output import Output
from newsqa.types import Answer, Filters, Report, Stage

if TYPE_CHECKING:
    from newsqa.index import Index
    from newsqa.ingest import Ingest

LONGEST_QUESTION = 100_000
"""Characters read from standard input; `QA` refuses far shorter questions with a reason."""
LASTING = (UsageError, IndexMissingError, IndexCorruptError, IndexMismatchError, ModelError)
"""What no later round of ``watch`` can mend."""
EXIT_CODES = """\b
Exit codes: 0 done or answered, 1 no answer found or below a floor,
2 wrong use, 3 broken or missing index, 4 indexed but some sources were rejected.
"""

app = typer.Typer(name="newsqa", no_args_is_help=True, rich_markup_mode=None)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    output.escape_what_cannot_be_encoded()
    try:
        return app(arguments, prog_name="newsqa", standalone_mode=False) or options.OK
    except typer.TyperException as error:
        wrong = UsageError(f"{error.format_message()} See: newsqa --help")
        return options.fail(Output(as_json="--json" in arguments), wrong)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"newsqa {version('newsqa')}")
        raise typer.Exit


@app.callback(epilog=EXIT_CODES)
def newsqa(
    context: typer.Context,
    index: options.Index = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
    show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Ask your own archive of news articles; every answer is a verbatim quote with its source."""
    context.obj = Shared(index, as_json, quiet, verbose)


@command(
    app,
    "newsqa index ~/saved-articles",
    "newsqa index https://example.org/news/rss.xml --follow",
    "newsqa index export.csv --field title=headline --field text=body",
    "newsqa index    # refresh everything indexed before",
)
def index(
    session: Session,
    *,
    locations: options.Locations,
    field: options.Fields,
    prune: options.Prune = False,
    follow: options.Follow = False,
    allow_private: options.AllowPrivate = False,
    rebuild: options.Rebuild = False,
    restore: options.Restore = False,
) -> int:
    """Index articles, or bring the index up to date.

    Unchanged articles cost next to nothing. Where articles were indexed from is
    remembered: without a location, all of those places are refreshed.
    """
    fields = arguments.mapping(field)
    from newsqa.ingest import Ingest

    with session.output.progress() as progress:
        report = Ingest(session.settings(), progress=progress).index(
            locations,
            fields=fields,
            prune=prune,
            follow=follow,
            allow_private=allow_private,
            rebuild=rebuild,
            restore=restore,
        )
    return _report(session.output, report)


def _report(out: Output, report: Report) -> int:
    """Show what an indexing run did; a rejected source decides the exit code."""
    out.result(asdict(report), () if out.quiet else output.report_lines(report))
    for line in output.rejection_lines(report.rejected):
        out.warning(line)
    out.seconds(report.seconds)
    return options.SOURCE_REJECTED if report.rejected else options.OK


@command(
    app,
    'newsqa ask "Who opened the new bridge?"',
    'newsqa ask "What did the minister promise?" --since 2016-12-01 --outlet "Harbour Gazette"',
    'newsqa ask "Who opened the new bridge this week?" --as-of 2016-12-30',
    'newsqa ask "Who opened the new bridge?" -k 1 --json',
)
def ask(  # noqa: PLR0913  each is an option
    session: Session,
    *,
    question: options.Question,
    k: options.Answers = None,
    since: Since = None,
    until: Until = None,
    outlet: Outlets,
    language: Languages,
    as_of: options.AsOf = None,
    min_confidence: options.MinConfidence = None,
    in_context: options.Context = False,
) -> int:
    """Answer a question with quotes, or say that there is no answer.

    Every answer is quoted word for word from one article and says which.
    """
    filters = Filters(
        *arguments.period(since, until),
        tuple(outlet),
        as_of=arguments.day("--as-of", as_of),
        languages=arguments.language_codes(language),
    )
    settings = session.settings(min_confidence=min_confidence)
    words = sys.stdin.read(LONGEST_QUESTION) if question == "-" else question
    out = session.output
    started = time.perf_counter()
    with out.status("Loading…") as say:
        from newsqa.qa import QA

        answer = _last(QA.open(settings).stream(words, k=k, filters=filters), say)
    show = f"newsqa show{session.same_index}"
    out.result(asdict(answer), output.answer_lines(out.stdout, answer, show, context=in_context))
    out.seconds(answer.seconds | {"total": time.perf_counter() - started})
    return options.NO_ANSWER if answer.text is None else options.OK


def _last(steps: Iterator[Stage | Answer], say: Callable[[str], None]) -> Answer:
    for step in steps:
        if isinstance(step, Answer):
            return step
        say(step.message)
    raise RuntimeError("QA.stream ended without an Answer")


serving.register(app)


@command(app, 'newsqa articles --outlet "Harbour Gazette" --since 2016-12-01', "newsqa articles --limit 0 --json")
def articles(
    session: Session,
    *,
    outlet: Outlets,
    language: Languages,
    since: Since = None,
    until: Until = None,
    limit: options.Limit = 50,
) -> int:
    """List articles, newest first: id, date, outlet, headline."""
    filters = Filters(*arguments.period(since, until), tuple(outlet), languages=arguments.language_codes(language))
    archive = _open(session)
    found = list(archive.articles(filters, limit=limit or None))
    out = session.output
    total = archive.count(filters)
    document = {"articles": [output.article_document(article) for article in found], "total": total}
    out.result(document, output.table(out.stdout, output.article_rows(found)))
    if len(found) < total:
        out.note(f"{len(found):,} of {total:,} shown; --limit 0 lists all.")
    return options.OK


def _open(session: Session) -> Index:
    from newsqa.embed import model_id
    from newsqa.index import Index

    settings = session.settings()
    return Index.open(settings, model_id(settings))


@command(app, "newsqa show 3f9c2a7d5be81046", "newsqa show 3f9c2a7d5be81046 --revision 1 --start 120 --end 245")
def show(
    session: Session,
    article_id: options.ArticleId,
    revision: options.Revision = None,
    start: options.Start = None,
    end: options.End = None,
) -> int:
    """Show one article, with a part of it marked if asked for."""
    archive = _open(session)
    article, copies = archive.article(article_id, revision), archive.copies(article_id)
    span = arguments.span(start, end, len(article.text))
    out = session.output
    document = asdict(article) | {
        "revisions": archive.revisions(article_id),
        "copies": [output.article_document(copy) for copy in copies],
        "marked": span and {"start": span[0], "end": span[1], "quote": article.text[slice(*span)]},
    }
    out.result(document, output.article_lines(out.stdout, article, span, copies))
    return options.OK


@command(app, "newsqa remove 3f9c2a7d5be81046", "newsqa remove 3f9c2a7d5be81046 81b0e55c92f4a3d7")
def remove(session: Session, article_ids: options.ArticleIds) -> int:
    """Remove articles from answers, at once.

    Indexing their source again doesn't bring them back; newsqa index --restore does.
    """
    from newsqa.ingest import Ingest

    return _report(session.output, Ingest(session.settings()).remove(article_ids))


@command(app, "newsqa forget ~/saved-articles", "newsqa forget https://example.org/news/rss.xml")
def forget(session: Session, location: options.Location) -> int:
    """Forget a source, and remove the articles that only it brought."""
    from newsqa.ingest import Ingest

    return _report(session.output, Ingest(session.settings()).forget(location))


@command(app, "newsqa status", "newsqa status --json")
def status(session: Session) -> int:
    """Show what the index holds."""
    state = _open(session).status()
    session.output.result(state, output.status_lines(state))
    return options.OK


@command(app, "newsqa verify", "newsqa ask QUESTION --json | newsqa verify --answers -")
def verify(session: Session, answers: options.AnswersFile = None) -> int:
    """Recheck what is stored, and answers given earlier.

    Every revision's hash, every passage's offsets, the vectors against the
    database, and the quotes of the given answers.
    """
    given = [] if answers is None else arguments.answers(answers)
    with session.output.status("Checking…"):
        from newsqa.verify import verify as check

        checks = check(session.settings(), given)
    sound = not any(c.failed for c in checks)
    session.output.result({"ok": sound, "checks": [asdict(c) for c in checks]}, output.check_lines(checks))
    return options.OK if sound else options.BROKEN_INDEX


measuring.register(app)


@command(app, "newsqa sources")
def sources(session: Session) -> int:
    """List where articles were indexed from.

    A line each: number, articles, last refresh, file, folder, feed or URL.
    """
    found = _open(session).sources()
    out = session.output
    document = {"sources": [asdict(source) for source in found]}
    out.result(document, output.table(out.stdout, output.source_rows(found)))
    return options.OK


@command(app, "newsqa watch", "newsqa watch --every 6h --quiet")
def watch(session: Session, every: options.Every = "15m") -> int:
    """Refresh everything indexed before, again and again.

    Goes on after errors that pass, such as a feed that can't be reached; Ctrl-C stops it.
    """
    pause = arguments.interval(every).total_seconds()
    from newsqa.ingest import Ingest

    stop = options.asked_to_stop()
    try:
        while not stop.is_set():
            _refresh(session.output, Ingest(session.settings(), aside=True))
            stop.wait(pause)
    except KeyboardInterrupt:
        pass
    session.output.note("Stopped.")
    return options.OK


def _refresh(out: Output, ingest: Ingest) -> None:
    try:
        _report(out, ingest.index([]))
    except LASTING:
        raise
    except (NewsQAError, OSError) as error:
        options.fail(out, error)
