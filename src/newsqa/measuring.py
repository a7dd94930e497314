"""The command that measures: ``evaluate``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import typer
from rich.text import Text

from newsqa import arguments, options, output
from newsqa.errors import UsageError
from newsqa.options import Session, command
from newsqa.output import Line, Output, Row


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(
        app,
        "newsqa evaluate examples/questions.jsonl --report report.html",
        "newsqa evaluate questions.jsonl --without-articles --json > before.json",
        "newsqa evaluate --compare before.json after.json",
        "newsqa evaluate squad-dev.json.gz --limit 500",
    )(evaluate)


def evaluate(  # noqa: PLR0913  each is an option
    session: Session,
    questions: options.QuestionsFile = None,
    report: options.ReportFile = None,
    given: options.Given = False,
    without_articles: options.WithoutArticles = False,
    half: options.Half = None,
    limit: options.Sample = None,
    as_of: options.AsOf = None,
    as_of_question_date: options.AsOfQuestionDate = False,
    compare: options.Compare = None,
    floors: options.FloorsFile = None,
    write_floors: options.WriteFloors = False,
    allow_lower: options.AllowLower = None,
) -> int:
    """Measure newsqa on questions with known answers.

    Read are lines of {"question", "answers", "articles"} (articles: URLs that hold
    an answer; no answers: there is none), SQuAD, whose contexts are asked without an
    index, and quizzes with "articles_with_answer". Citations must verify, all of them.
    """
    out = session.output
    if compare:
        return _compare(out, *map(arguments.evaluation, compare))
    if questions is None:
        raise UsageError("Name a file of questions, or two results: newsqa evaluate --compare A.json B.json")
    if write_floors and not floors:
        raise UsageError("--write-floors needs --floors FILE")
    if allow_lower and not write_floors:
        raise UsageError("--allow-lower needs --write-floors")
    day = arguments.day("--as-of", as_of)
    from newsqa.evaluate import floors as gate
    from newsqa.evaluate import outcomes, plots, run, summary

    kept = gate.read(floors, new=write_floors) if floors else None
    if report:
        plots.check_installed()
        arguments.writable("--report", report)
    with out.progress() as progress:
        way = outcomes.Way(given, without_articles, half, limit, day.isoformat() if day else None, as_of_question_date)
        found = run.evaluate(session.settings(), questions, way, progress=progress)
    missed = []
    if floors and kept:
        missed = gate.write(found, floors, kept, allow_lower) if write_floors else gate.check(found, kept)
    if report:
        from newsqa.evaluate.report import page

        report.write_text(page(found), encoding="utf-8")
    out.result(outcomes.document(found) | {"missed": missed}, _tables(out, summary.tables(found)))
    for line in missed:
        out.warning(line)
    if unverified := sum(outcome.unverified for outcome in found.outcomes):
        out.warning(f"{unverified:,} citations don't verify. This is a defect in newsqa.")
        return options.BROKEN_INDEX
    return options.BELOW_FLOOR if missed else options.OK


def _compare(out: Output, first: Mapping[str, Any], second: Mapping[str, Any]) -> int:
    """Show how two results of ``evaluate --json`` differ."""
    from newsqa.evaluate import outcomes, summary
    from newsqa.evaluate.compare import compare, document

    with out.status("Comparing…"):
        asked, differences = compare(outcomes.load(first).outcomes, outcomes.load(second).outcomes)
    out.result(document(asked, differences), _tables(out, summary.comparison(asked, differences)))
    return options.OK


def _tables(out: Output, tables: Iterable[list[Row]]) -> Iterator[Line]:
    for number, rows in enumerate(tables):
        if number:
            yield Text()
        yield from output.table(out.stdout, rows)
