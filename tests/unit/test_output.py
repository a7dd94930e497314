"""What a person sees in a terminal, what a pipe gets, and what JSON holds."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from rich.text import Text

from newsqa import output
from newsqa.output import Output
from newsqa.types import Answer, Article, Citation, Copy, Progress, Rejection, Report, Source

TEXT = "The bridge at Orrin opened on Monday.\nMayor Ada Brandt cut the ribbon. Rain fell."
QUOTE = "Mayor Ada Brandt cut the ribbon."
START = TEXT.index(QUOTE)
WHO = "Ada Brandt"


def article(**changes: Any) -> Article:
    fields: dict[str, Any] = {
        "id": "a1",
        "revision": 2,
        "title": "Bridge opens",
        "text": TEXT,
        "url": "https://gazette.example/bridge",
        "outlet": "Harbour Gazette",
        "authors": ("J. Lund",),
        "published": "2024-05-06T09:30:00+02:00",
        "language": "en",
        "origin": "/archive/bridge.txt",
        "content_hash": "00",
    }
    return Article(**fields | changes)


def citation(**changes: Any) -> Citation:
    fields: dict[str, Any] = {
        "number": 1,
        "article_id": "a1",
        "revision": 2,
        "quote": QUOTE,
        "start": START,
        "end": START + len(QUOTE),
        "answer": WHO,
        "answer_start": TEXT.index(WHO),
        "answer_end": TEXT.index(WHO) + len(WHO),
        "title": "Bridge opens",
        "outlet": "Harbour Gazette",
        "published": "2024-05-06T09:30:00+02:00",
        "url": "https://gazette.example/bridge",
        "passage": TEXT,
        "passage_start": 0,
        "passage_end": len(TEXT),
        "score": 0.871,
    }
    return Citation(**fields | changes)


def whole(quote: str) -> Citation:
    """A citation whose quote is all answer."""
    return citation(quote=quote, start=0, end=len(quote), answer=quote, answer_start=0, answer_end=len(quote))


def answered(*citations: Citation) -> Answer:
    return Answer("Who cut the ribbon?", citations[0].answer, citations, (), 0.871, None, 40)


def near() -> Citation:
    return citation(answer=None, answer_start=None, answer_end=None)


def abstained(*near: Citation, reason: str | None = "Nothing is sure enough.", searched: int = 40) -> Answer:
    return Answer("Who won?", None, (), near, 0.1, reason, searched)


def pipe() -> Console:
    return Console(file=io.StringIO(), force_terminal=False, width=40)


def terminal(width: int = 40) -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None)


def plain(lines: Iterable[Text]) -> list[str]:
    return [line.plain for line in lines]


def test_answer_in_a_pipe_shows_answer_then_quote_then_source_then_the_command_that_opens_it() -> None:
    assert plain(output.answer_lines(pipe(), answered(citation()), "newsqa show")) == [
        "",
        "1. Ada Brandt",
        "> Mayor Ada Brandt cut the ribbon.",
        "   Harbour Gazette · 2024-05-06 · Bridge opens · confidence 0.87",
        "   https://gazette.example/bridge",
        f"   newsqa show a1 --revision 2 --start {START} --end {START + len(QUOTE)}",
    ]


@pytest.mark.parametrize(
    ("support", "said"), [(1, ""), (2, " · found in 2 articles"), (1204, " · found in 1,204 articles")]
)
def test_an_answer_of_several_articles_says_how_many(support: int, said: str) -> None:
    lines = plain(output.answer_lines(pipe(), answered(citation(support=support)), "newsqa show"))
    assert lines[3] == f"   Harbour Gazette · 2024-05-06 · Bridge opens · confidence 0.87{said}"


def test_answer_and_quote_of_several_lines_keep_each_line_whole_in_a_pipe() -> None:
    quote = "First " * 30 + "line.\n\nThird\tline."
    lines = plain(output.answer_lines(pipe(), answered(whole(quote)), "newsqa show"))
    assert lines[1:7] == [
        "1. " + "First " * 30 + "line.",
        "   ",
        "   Third\tline.",
        "> " + "First " * 30 + "line.",
        "> ",
        "> Third\tline.",
    ]


def test_answer_and_quote_wrap_between_words_in_a_terminal() -> None:
    quote = "The harbour master said that every ferry would leave on time this winter."
    lines = plain(output.answer_lines(terminal(40), answered(whole(quote)), "newsqa show"))
    barred = [line for line in lines if line.startswith("│ ")]
    above = lines[1 : lines.index(barred[0])]
    assert len(above) > 1
    assert len(barred) > 1
    assert max(map(len, above + barred)) <= 40
    assert " ".join(line.removeprefix("│ ").rstrip() for line in barred) == quote
    assert " ".join(line[3:].rstrip() for line in above) == quote


def styles(line: Text) -> list[tuple[str, str]]:
    return [(line.plain[span.start : span.end], str(span.style)) for span in line.spans]


def test_the_answer_alone_is_bold_above_and_inside_its_quote_in_a_terminal() -> None:
    _, above, bar, *_ = output.answer_lines(terminal(80), answered(citation()), "newsqa show")
    assert (above.plain, bar.plain) == (f"1. {WHO}", f"│ {QUOTE}")
    assert (above.style, bar.style) == ("", "")
    assert styles(above) == [(WHO, "bold")]
    assert styles(bar) == [("│ ", "cyan"), (WHO, "bold")]


def test_an_answer_stays_bold_where_its_quote_wraps() -> None:
    quote = "At the harbour Ada Brandt cut the ribbon."
    start = quote.index(WHO)
    wrapped = citation(quote=quote, start=0, end=len(quote), answer_start=start, answer_end=start + len(WHO))
    lines = list(output.answer_lines(terminal(22), answered(wrapped), "newsqa show"))
    bold = [
        words.strip()
        for line in lines
        if line.plain.startswith("│")
        for words, style in styles(line)
        if style == "bold"
    ]
    assert bold == ["Ada", "Brandt"]


def test_missing_outlet_date_title_and_url_leave_no_gaps() -> None:
    bare = citation(outlet=None, published=None, url=None, title="Bridge opens")
    lines = plain(output.answer_lines(pipe(), answered(bare), "newsqa show"))
    assert lines[3] == "   Bridge opens · confidence 0.87"
    assert len(lines) == 5


def test_an_article_without_outlet_date_and_title_is_named_by_its_id() -> None:
    bare = citation(outlet=None, published=None, url=None, title="")
    assert plain(output.answer_lines(pipe(), answered(bare), "newsqa show"))[3] == "   a1 · confidence 0.87"


def test_copies_are_named_and_say_when_they_lack_the_very_quote() -> None:
    copies = (
        Copy("a2", 1, "Ribbon cut", "Valley Post", "2024-05-07", None, verbatim=True),
        Copy("a3", 1, "", None, None, None, verbatim=False),
    )
    lines = plain(output.answer_lines(pipe(), answered(citation(also_in=copies)), "newsqa show"))
    assert lines[-2:] == [
        "   also in: Valley Post, 2024-05-07, Ribbon cut",
        "   also in: a3 (in other words)",
    ]


def test_context_marks_the_quote_inside_its_passage() -> None:
    shifted = citation(passage=TEXT[10:], passage_start=10)
    lines = plain(output.answer_lines(pipe(), answered(shifted), "newsqa show", context=True))
    assert lines[-3:] == [
        "   in context:",
        "> " + TEXT[10 : START - 1],
        f"> >>>{QUOTE}<<< Rain fell.",
    ]


def test_no_answer_gives_count_reason_and_near_passages_marked_as_no_answer() -> None:
    lines = plain(output.answer_lines(pipe(), abstained(near()), "newsqa show --index x"))
    assert lines == [
        "No answer found in 40 articles.",
        "Nothing is sure enough.",
        "\nNear the question, but not an answer:",
        "",
        "> Mayor Ada Brandt cut the ribbon.",
        "1. Harbour Gazette · 2024-05-06 · Bridge opens",
        "   https://gazette.example/bridge",
        f"   newsqa show --index x a1 --revision 2 --start {START} --end {START + len(QUOTE)}",
    ]


def test_no_answer_in_one_article_is_singular() -> None:
    lines = plain(output.answer_lines(pipe(), abstained(searched=1, reason=None), "newsqa show"))
    assert lines == ["No answer found in 1 article."]


def test_control_characters_of_strangers_never_reach_the_terminal() -> None:
    evil = "\x1b]0;owned\x07\x9b31m"
    nasty = replace(whole(f"a{evil}"), title=f"t{evil}", outlet=f"o{evil}", url=f"https://x.example/{evil}")
    shown = "\n".join(plain(output.answer_lines(pipe(), answered(nasty), "newsqa show")))
    shown += "\n".join(plain(output.answer_lines(pipe(), abstained(nasty), "newsqa show")))
    shown += "\n".join(plain(output.article_lines(pipe(), article(title=evil, text=evil), None, ())))
    assert not {"\x1b", "\x07", "\x9b"} & set(shown)
    assert "a␛]0;owned␇\ufffd31m" in shown


def test_article_shows_what_is_known_and_then_its_text_unwrapped_in_a_pipe() -> None:
    other = article(id="b2", outlet="Valley Post", title="Ribbon cut")
    lines = plain(output.article_lines(pipe(), article(), None, [other]))
    assert lines == [
        "Bridge opens",
        "Harbour Gazette · 2024-05-06T09:30:00+02:00 · J. Lund · en",
        "https://gazette.example/bridge",
        "from /archive/bridge.txt",
        "a1, revision 2",
        "also in: Valley Post, Ribbon cut (b2)",
        "",
        TEXT,
    ]


def test_marked_span_is_set_off_in_a_pipe_and_coloured_in_a_terminal() -> None:
    span = (START, START + len(QUOTE))
    in_pipe = plain(output.article_lines(pipe(), article(), span, ()))[-1]
    assert in_pipe == TEXT[:START] + f">>>{QUOTE}<<<" + TEXT[span[1] :]
    wide = list(output.article_lines(terminal(100), article(), span, ()))[-1]
    coloured = [wide.plain[s.start : s.end] for s in wide.spans if "yellow" in str(s.style)]
    assert coloured == [QUOTE]
    assert ">>>" not in wide.plain


def test_rows_have_one_tab_between_cells_in_a_pipe_even_when_titles_hold_tabs() -> None:
    rows = output.article_rows([article(title="Two\tparts\nhere", published=None, copy_of="z9")])
    assert plain(output.table(pipe(), rows)) == ["a1\t-\tHarbour Gazette\tTwo parts here (copy of z9)"]


def test_rows_are_aligned_in_a_terminal() -> None:
    console = terminal(80)
    for grid in output.table(console, output.article_rows([article(), article(id="b234567")])):
        console.print(grid)
    first, second = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert first.index("2024-05-06") == second.index("2024-05-06")


def test_source_row_shows_zero_articles_and_never_refreshed() -> None:
    source = Source(3, "/archive", {}, False, False, None, 0)
    assert plain(output.table(pipe(), output.source_rows([source]))) == ["3\t0\tnever\t/archive"]


def test_status_lines_are_readable() -> None:
    status = {"articles": 14822, "last_published": None, "model": "mini"}
    assert plain(output.status_lines(status)) == ["articles: 14,822", "last published: -", "model: mini"]


def test_report_in_words() -> None:
    report = Report(added=1200, updated=1, unchanged=3, removed=2, copies=7, embedded=4096)
    assert plain(output.report_lines(report)) == [
        "Articles: 1,200 added, 1 updated, 3 unchanged, 2 removed; 7 of them copies of others.",
        "Passages embedded: 4,096.",
    ]


def test_rejections_name_place_line_and_whether_to_try_again() -> None:
    rejected = [Rejection("a.jsonl", "not JSON", line=7), Rejection("https://x.example", "timed out", permanent=False)]
    assert list(output.rejection_lines(rejected)) == [
        "Not indexed (2):",
        "  a.jsonl, line 7: not JSON",
        "  https://x.example: timed out (trying again later may help)",
    ]
    assert list(output.rejection_lines([])) == []


def test_check_lines_list_what_failed() -> None:
    checks = [
        SimpleNamespace(name="revisions", checked=1200, failures=(), failed=0),
        SimpleNamespace(name="answers", checked=40, failures=("answer 1: not the quote",), failed=21),
    ]
    assert plain(output.check_lines(checks)) == [  # type: ignore[arg-type]
        "ok      revisions: 1,200 checked",
        "FAILED  answers: 40 checked, 21 failed",
        "        answer 1: not the quote",
        "        and 20 more",
    ]


def test_listed_article_as_json_has_everything_except_its_text() -> None:
    document = output.article_document(article())
    assert "text" not in document
    assert set(document) == set(Article.__dataclass_fields__) - {"text"}
    assert document["id"] == "a1"


def test_json_is_one_line_in_a_pipe_and_keeps_letters(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=True).result({"quote": "“Čapek”\n"}, [Text("not this")])
    out, err = capsys.readouterr()
    assert out == '{"quote": "“Čapek”\\n"}\n'
    assert err == ""


def test_json_is_valid_where_the_terminal_knows_only_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii", errors="backslashreplace"))
    Output(as_json=True).result({"quote": "“é”"}, ())
    assert json.loads(raw.getvalue()) == {"quote": "“é”"}


def test_lines_in_a_pipe_are_written_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    long = "word\tword " * 40
    Output().result({}, [Text(long, "bold red")])
    assert capsys.readouterr().out == long + "\n"


def test_failure_is_words_on_stderr_and_a_document_with_json(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=True).failure("UsageError", "no \x1b such")
    out, err = capsys.readouterr()
    assert json.loads(out) == {"error": {"type": "UsageError", "message": "no \x1b such"}}
    assert err == "Error: no ␛ such\n"
    Output().failure("UsageError", "no such")
    assert capsys.readouterr() == ("", "Error: no such\n")


def test_quiet_silences_notes_but_no_warning(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(quiet=True)
    out.note("a note")
    out.warning("a warning")
    assert capsys.readouterr().err == "a warning\n"


def test_seconds_are_shown_on_request_alone(capsys: pytest.CaptureFixture[str]) -> None:
    Output().seconds({"embed": 0.5})
    assert capsys.readouterr().err == ""
    Output(verbose=1).seconds({f"step{n}": n / 1000 for n in range(9)})
    assert capsys.readouterr().err == "  ".join(f"step{n} 0.00{n} s" for n in range(9)) + "\n"


def test_no_progress_outside_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with Output().progress() as hook, Output().status("Loading…") as say:
        assert hook is None
        say("Reading…")
    assert capsys.readouterr() == ("", "")


def on_terminal(out: Output) -> io.StringIO:
    stream = io.StringIO()
    out.stderr = Console(file=stream, force_terminal=True, width=100, color_system=None)
    return stream


def test_progress_in_a_terminal_shows_stage_count_and_unit() -> None:
    out = Output()
    stream = on_terminal(out)
    with out.progress() as hook:
        assert hook is not None
        hook(Progress("reading", 3, None, "articles"))
        hook(Progress("embedding", 1200, 4800, "passages"))
    shown = stream.getvalue()
    assert "reading" in shown
    assert "3 articles" in shown
    assert "1,200/4,800 passages" in shown


def test_count_column_shows_the_rate_once_there_is_one() -> None:
    task = SimpleNamespace(completed=1200, total=None, speed=35.5, fields={"unit": "articles"})
    assert output.Count().render(task).plain == "1,200 articles, 35.5/s"  # type: ignore[arg-type]


def test_quiet_hides_progress_in_a_terminal() -> None:
    out = Output(quiet=True)
    stream = on_terminal(out)
    with out.progress() as hook, out.status("Loading…"):
        assert hook is None
    assert stream.getvalue() == ""


def test_status_in_a_terminal_changes_its_words() -> None:
    out = Output()
    stream = on_terminal(out)
    with out.status("Loading…") as say:
        say("Searching 40 articles…")
    assert "Searching 40 articles…" in stream.getvalue()
