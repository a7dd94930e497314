"""What every command shares: its options, its exit codes, and how it fails.

Options such as ``--json`` are taken before and after the command's name, so
``newsqa --json ask …`` and ``newsqa ask … --json`` are the same.
"""

from __future__ import annotations

import inspect
import logging
import os
import shlex
import signal
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from newsqa.errors import ArticleNotFoundError, FormatError, NewsQAError, SourceError, UsageError
from newsqa.output import Output
from newsqa.settings import Settings

OK, NO_ANSWER, WRONG_USE, BROKEN_INDEX, SOURCE_REJECTED, INTERRUPTED, DEFECT = 0, 1, 2, 3, 4, 130, 70
BELOW_FLOOR = NO_ANSWER

LARGEST = 2**31 - 1
"""Of a number that is counted with; far above any that means something, and whole in SQLite and FAISS."""

Index = Annotated[
    Path | None, typer.Option("--index", metavar="PATH", help="Folder of the index; else NEWSQA_INDEX, else index/.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON document (docs/json.md).")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only results and errors.")]
Verbose = Annotated[
    int,
    typer.Option(
        "--verbose", "-v", count=True, show_default=False, help="Tell what took how long; -vv: logs and tracebacks too."
    ),
]
Outlets = Annotated[
    list[str],
    typer.Option(
        "--outlet", metavar="NAME", default_factory=list, show_default=False, help="Only from this outlet; repeatable."
    ),
]
Languages = Annotated[
    list[str],
    typer.Option(
        "--language", metavar="CODE", default_factory=list, show_default=False, help="Only in this: en; repeatable."
    ),
]
Since = Annotated[str | None, typer.Option(metavar="DATE", help="Published on this day or later: 2016-12-28.")]
Until = Annotated[str | None, typer.Option(metavar="DATE", help="Published on this day or earlier.")]
AsOf = Annotated[
    str | None,
    typer.Option(metavar="DATE", help="Ask as on this day: prefer the news of its time, leave none out; else today."),
]
AsOfQuestionDate = Annotated[bool, typer.Option(help="Ask each question as on its own date, where it has one.")]
Locations = Annotated[
    list[str],
    typer.Argument(
        metavar="LOCATION",
        default_factory=list,
        show_default=False,
        help="Files, folders, URLs, feeds; - is standard input.",
    ),
]
Fields = Annotated[
    list[str],
    typer.Option(
        "--field",
        default_factory=list,
        show_default=False,
        metavar="OURS=THEIRS",
        help="Which column or key is what; repeatable.",
    ),
]
Prune = Annotated[bool, typer.Option("--prune", help="Remove articles that are gone from their source.")]
Follow = Annotated[bool, typer.Option("--follow", help="Fetch the pages that a feed links to.")]
AllowPrivate = Annotated[bool, typer.Option("--allow-private", help="Allow URLs on private and loopback addresses.")]
Rebuild = Annotated[bool, typer.Option("--rebuild", help="Embed every stored article again, after a change of model.")]
Restore = Annotated[bool, typer.Option("--restore", help="Let articles come back that were removed by hand.")]
Location = Annotated[str, typer.Argument(metavar="LOCATION", help="As sources shows it.")]
Question = Annotated[str, typer.Argument(metavar="QUESTION", help="In quotes; - reads it from standard input.")]
Answers = Annotated[
    int | None, typer.Option("-k", metavar="N", min=1, max=LARGEST, help="How many different answers at most.")
]
MinConfidence = Annotated[
    float | None, typer.Option(metavar="P", min=0, max=1, help="Show no answer that is less sure than this.")
]
Context = Annotated[bool, typer.Option("--context", help="Show the passage around each quote.")]
Limit = Annotated[int, typer.Option(metavar="N", min=0, max=LARGEST, help="How many at most; 0 for all.")]
ArticleId = Annotated[str, typer.Argument(metavar="ID", help="As articles and ask show it.")]
ArticleIds = Annotated[list[str], typer.Argument(metavar="ID", help="As articles and ask show them.")]
Revision = Annotated[
    int | None, typer.Option(metavar="N", min=1, max=LARGEST, help="An earlier revision; else the current one.")
]
Start = Annotated[int | None, typer.Option(metavar="N", min=0, max=LARGEST, help="Where the marked part begins.")]
End = Annotated[int | None, typer.Option(metavar="N", min=0, max=LARGEST, help="Where the marked part ends.")]
AnswersFile = Annotated[
    str | None, typer.Option("--answers", metavar="FILE", help="Check what ask --json gave, too; - is standard input.")
]
QuestionsFile = Annotated[
    Path | None, typer.Argument(metavar="QUESTIONS", help="JSON Lines of questions with answers; may be gzipped.")
]
ReportFile = Annotated[
    Path | None, typer.Option("--report", metavar="FILE", help="Write an HTML page with plots and what went wrong.")
]
Given = Annotated[
    bool, typer.Option("--given", help="Search only the articles that each question comes with, not the whole index.")
]
WithoutArticles = Annotated[
    bool,
    typer.Option("--without-articles", help="Ask again with the articles that hold the answer left out of the search."),
]
Half = Annotated[
    Literal["even", "odd"] | None, typer.Option(help="Every second question only: tune on one half, report the other.")
]
Sample = Annotated[
    int | None, typer.Option("--limit", metavar="N", min=1, max=LARGEST, help="So many, evenly spread over the file.")
]
Compare = Annotated[
    tuple[Path, Path] | None,
    typer.Option(metavar="A B", help="Compare two results of --json instead, by paired bootstrap."),
]
FloorsFile = Annotated[
    Path | None, typer.Option("--floors", metavar="FILE", help="Fail if a figure is below its floor.")
]
WriteFloors = Annotated[bool, typer.Option("--write-floors", help="Write FILE from this run; floors only rise.")]
AllowLower = Annotated[str | None, typer.Option(metavar="WHY", help="Let floors fall; WHY goes into the CHANGELOG.")]
Every = Annotated[str, typer.Option(metavar="TIME", help="30s, 15m, 6h or 1d.")]


@dataclass(frozen=True, slots=True)
class Session:
    """One run of one command."""

    output: Output
    index: Path | None

    def settings(self, **flags: object) -> Settings:
        """Settings under the flags given on the command line."""
        return Settings.load({"index": self.index, **flags})

    @property
    def same_index(self) -> str:
        """The option that names the same index, for a command that is suggested."""
        return "" if self.index is None else f" --index {shlex.quote(str(self.index))}"


@dataclass(frozen=True, slots=True)
class Shared:
    """The options that every command takes."""

    index: Path | None = None
    as_json: bool = False
    quiet: bool = False
    verbose: int = 0

    def under(self, outer: Shared) -> Shared:
        """Merge with what stood before the command's name."""
        return Shared(
            self.index or outer.index,
            self.as_json or outer.as_json,
            self.quiet or outer.quiet,
            self.verbose + outer.verbose,
        )


def shared_options(index: Index = None, as_json: AsJson = False, quiet: Quiet = False, verbose: Verbose = 0) -> Shared:
    """Collect them; its signature is what each command's is extended by."""
    return Shared(index, as_json, quiet, verbose)


def command(app: typer.Typer, *examples: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Register ``function(session, …) -> exit code`` with the shared options and examples in its help."""

    def register(function: Callable[..., int]) -> Callable[..., int]:
        def run(context: typer.Context, **arguments: Any) -> int:  # noqa: ANN401  each command's own
            shared = shared_options(**{name: arguments.pop(name) for name in common})
            return _guarded(function, shared.under(context.obj), arguments)

        common = inspect.signature(shared_options, eval_str=True).parameters
        _, *own = inspect.signature(function, eval_str=True).parameters.values()
        context = inspect.signature(run, eval_str=True).parameters["context"]
        keywords = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in (*own, *common.values())]
        run.__signature__ = inspect.Signature([context, *keywords])  # type: ignore[attr-defined]
        epilog = "\b\nExamples:\n" + "\n".join(f"  {example}" for example in examples)
        app.command(function.__name__, help=inspect.getdoc(function), epilog=epilog)(run)
        return function

    return register


def _guarded(function: Callable[..., int], shared: Shared, arguments: Mapping[str, Any]) -> int:
    """Run a command; turn what ends it early into a message and an exit code."""
    output = Output(as_json=shared.as_json, quiet=shared.quiet, verbose=shared.verbose)
    debug = shared.verbose > 1 or bool(os.environ.get("NEWSQA_DEBUG"))
    _configure_logging(debug)
    try:
        return function(Session(output, shared.index), **arguments)
    except KeyboardInterrupt:
        output.warning("Interrupted.")
        return INTERRUPTED
    except BrokenPipeError:
        raise  # the reader of a pipe left; typer ends the command quietly
    except Exception as error:  # noqa: BLE001  the last place before a traceback
        if debug:
            traceback.print_exc()
        return fail(output, error)


def fail(output: Output, error: Exception) -> int:
    """Report what ended a command and give its exit code."""
    message = str(error)
    if isinstance(error, OSError):
        message = f"{error.strerror or error}" + (f": '{error.filename}'" if error.filename else "")
    elif not isinstance(error, NewsQAError | typer.TyperException):
        message = f"{type(error).__name__}: {error}. This is a defect in newsqa; NEWSQA_DEBUG=1 shows where."
    output.failure(type(error).__name__, message)
    return exit_code(error)


def exit_code(error: Exception) -> int:
    """The documented code for an error that ended a command."""
    match error:
        case UsageError() | ArticleNotFoundError() | typer.TyperException():
            return WRONG_USE
        case SourceError() | FormatError():
            return SOURCE_REJECTED
        case NewsQAError() | OSError():
            return BROKEN_INDEX
    return DEFECT


def _configure_logging(debug: bool) -> None:
    """Keep libraries' logs and warnings off stderr, where only newsqa's own words belong."""
    logging.captureWarnings(True)
    handler = logging.StreamHandler() if debug else logging.NullHandler()
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def asked_to_stop() -> threading.Event:
    """Set when a signal asks to end, and interrupt what runs: libraries may swallow the interruption."""
    stop = threading.Event()

    def end(*_: object) -> None:
        stop.set()
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    return stop
