"""The command line against fakes: what it passes on, prints, and exits with."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import re
import shlex
import signal
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from itertools import dropwhile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from newsqa import arguments, cli, errors, options
from newsqa.evaluate import run
from newsqa.evaluate.outcomes import document
from newsqa.server import app as server
from newsqa.server import tools
from newsqa.server.app import Options
from newsqa.types import Answer, Article, Citation, Filters, Rejection, Report, Source, Stage
from outcomes import WHOLE

TEXT = "The bridge at Orrin opened on Monday. Mayor Ada Brandt cut the ribbon."
QUOTE = "Mayor Ada Brandt cut the ribbon."
START = TEXT.index(QUOTE)
ARTICLE = Article(
    "a1", 2, "Bridge opens", TEXT, "https://gazette.example/1", "Harbour Gazette", ("J. Lund",), "2024-05-06", "en",
    "/archive/1.txt", "00",
)  # fmt: skip
COPY = Article("b2", 1, "Ribbon cut", TEXT, None, "Valley Post", (), None, "en", "/archive/2.txt", "00", "a1")
CITATION = Citation(
    1, "a1", 2, QUOTE, START, len(TEXT), QUOTE, START, len(TEXT), "Bridge opens", "Harbour Gazette", "2024-05-06",
    "https://gazette.example/1", TEXT, 0, len(TEXT), 0.9,
)  # fmt: skip
FOUND = Answer("Who cut it?", QUOTE, (CITATION,), (), 0.9, None, 2, {"embed": 0.25})
NOT_FOUND = Answer("Who won?", None, (), (CITATION,), 0.1, "Nothing is sure enough.", 2)
SOURCE = Source(1, "/archive", {"title": "headline"}, False, False, "2024-05-07T10:00:00+00:00", 2)


@dataclass(frozen=True)
class SimpleCheck:
    """What `verify` gives."""

    name: str
    checked: int
    failures: tuple[str, ...] = ()
    failed: int = 0


class Fakes:
    """Stands in for conductors and index at once; ``calls`` records what reached them.

    ``error`` is what they raise.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.settings: Any = None
        self.error: BaseException | None = None
        self.found = FOUND
        self.report = Report(added=2, embedded=3, seconds={"read": 0.5})
        self.checks = [SimpleCheck("revisions", 2)]

    def modules(self) -> dict[str, SimpleNamespace]:
        return {
            "ingest": SimpleNamespace(Ingest=self.using),
            "qa": SimpleNamespace(QA=SimpleNamespace(open=self.using)),
            "index": SimpleNamespace(Index=SimpleNamespace(open=self.open)),
            "embed": SimpleNamespace(model_id=lambda settings: "mini"),
            "verify": SimpleNamespace(verify=self.verify),
        }

    def using(self, settings: Any, *, progress: Any = None, aside: bool = False) -> Fakes:
        self.settings = settings
        return self

    def called(self, name: str, /, *arguments: Any, **keywords: Any) -> None:
        self.calls.append((name, *arguments, keywords))
        if self.error is not None:
            raise self.error

    # Ingest

    def index(self, locations: Sequence[str], **keywords: Any) -> Report:
        self.called("index", list(locations), **keywords)
        return self.report

    def remove(self, ids: Sequence[str]) -> Report:
        self.called("remove", list(ids))
        return Report(removed=len(ids))

    def forget(self, location: str) -> Report:
        self.called("forget", location)
        return Report(removed=2)

    # QA

    def stream(self, question: str, **keywords: Any) -> Iterator[Stage | Answer]:
        self.called("ask", question, **keywords)
        yield Stage("search", "Searching 2 articles…")
        yield self.found

    # Index

    def open(self, settings: Any, model_id: str) -> Fakes:
        self.called("open", model_id)
        return self.using(settings)

    def articles(self, filters: Filters, *, limit: int | None) -> Iterator[Article]:
        self.called("articles", filters, limit=limit)
        yield from [ARTICLE, COPY][:limit]

    def count(self, filters: Filters) -> int:
        return 2

    def article(self, article_id: str, revision: int | None) -> Article:
        self.called("article", article_id, revision)
        return ARTICLE

    def copies(self, article_id: str) -> list[Article]:
        return [COPY]

    def revisions(self, article_id: str) -> list[int]:
        return [1, 2]

    def sources(self) -> list[Source]:
        return [SOURCE]

    def status(self) -> dict[str, Any]:
        return {"articles": 14822, "model": "mini"}

    # verify, server

    def verify(self, settings: Any, answers: Any) -> list[SimpleCheck]:
        self.using(settings).called("verify", list(answers))
        return self.checks

    def serve(self, settings: Any, chosen: Options, **keywords: Any) -> None:
        self.using(settings).called("serve", chosen, **keywords)

    def create_service(self, settings: Any, *, read_only: bool) -> Fakes:
        self.using(settings).called("create_service", read_only=read_only)
        return self

    def warm(self) -> None:
        """Nothing to load."""

    def create_server(self, service: Fakes, links: str | None) -> Fakes:
        self.called("create_server", links)
        return self

    def run(self, *served: Any) -> None:
        self.called("run", *served[1:3])


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> Fakes:
    fakes = Fakes()
    for name, module in fakes.modules().items():
        monkeypatch.setitem(sys.modules, f"newsqa.{name}", module)
    for name in ("serve", "create_service", "run"):
        monkeypatch.setattr(server, name, getattr(fakes, name))
    monkeypatch.setattr(tools, "create_server", fakes.create_server)
    monkeypatch.setattr(tools, "create_app", lambda *_: None)
    return fakes


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No settings of the machine, and logging left as it was."""
    monkeypatch.chdir(tmp_path)
    for name in ("NEWSQA_INDEX", "NEWSQA_CONFIG", "NEWSQA_DEBUG", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before
    logging.captureWarnings(False)


def out(capsys: pytest.CaptureFixture[str]) -> Any:
    """What was written to stdout, as the one JSON document it must be."""
    return json.loads(capsys.readouterr().out)


# ask


def test_ask_answers_with_exit_code_0(fakes: Fakes, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ask", "Who cut it?"]) == 0
    shown, words = capsys.readouterr()
    assert f"> {QUOTE}\n" in shown
    assert f"newsqa show a1 --revision 2 --start {START} --end {len(TEXT)}\n" in shown
    assert words == ""
    assert fakes.calls == [("ask", "Who cut it?", {"k": None, "filters": Filters()})]


def test_ask_without_an_answer_exits_1(fakes: Fakes, capsys: pytest.CaptureFixture[str]) -> None:
    fakes.found = NOT_FOUND
    assert cli.main(["ask", "Who won?"]) == 1
    assert capsys.readouterr().out.startswith("No answer found in 2 articles.\nNothing is sure enough.\n")


def test_ask_passes_filters_count_and_confidence_on(fakes: Fakes) -> None:
    given = "ask Who? -k 2 --since 2024-05-01 --until 2024-05-31 --outlet A --outlet B --as-of 2024-06-01"
    given += " --min-confidence 0.25 --language en-GB --language German --language eng"
    assert cli.main(given.split()) == 0
    days = date(2024, 5, 1), date(2024, 5, 31)
    filters = Filters(*days, ("A", "B"), as_of=date(2024, 6, 1), languages=("en", "de"))
    assert fakes.calls == [("ask", "Who?", {"k": 2, "filters": filters})]
    assert fakes.settings.min_confidence == 0.25


def test_a_language_that_there_is_not_is_wrong_use(fakes: Fakes, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ask", "Who?", "--language", "en", "--language", "xx"]) == 2
    assert "--language: 'xx' is no language. Examples: --language en" in capsys.readouterr().err
    assert fakes.calls == []


def test_ask_json_is_the_answer(fakes: Fakes, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ask", "Who cut it?", "--json"]) == 0
    assert out(capsys) == json.loads(json.dumps(asdict(FOUND)))


def test_ask_reads_the_question_from_standard_input(fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("Who\ncut it?"))
    assert cli.main(["ask", "-"]) == 0
    assert fakes.calls[0][1] == "Who\ncut it?"


def test_ask_reads_no_more_of_standard_input_than_any_question_needs(
    fakes: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("x" * 5_000_000))
    cli.main(["ask", "-"])
    assert len(fakes.calls[0][1]) == cli.LONGEST_QUESTION


def test_ask_suggests_a_command_for_the_same_index(fakes: Fakes, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ask", "Who?", "--index", "my index"]) == 0
    assert "newsqa show --index 'my index' a1 " in capsys.readouterr().out


def test_ask_context_shows_the_passage(fakes: Fakes, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["ask", "Who?", "--context"])
    assert f">>>{QUOTE}<<<" in capsys.readouterr().out


def test_verbose_tells_the_seconds_on_stderr(fakes: Fakes, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["ask", "Who?", "-v"])
    assert re.fullmatch(r"embed 0\.250 s  total \d+\.\d{3} s\n", capsys.readouterr().err)


# Options and their mistakes


@pytest.mark.parametrize("given", [["--json", "ask", "Who?"], ["ask", "Who?", "--json"], ["ask", "--json", "Who?"]])
def test_shared_options_stand_before_or_after_the_command(
    fakes: Fakes, capsys: pytest.CaptureFixture[str], given: list[str]
) -> None:
    assert cli.main(given) == 0
    assert out(capsys)["text"] == QUOTE


def test_index_folder_comes_from_flag_else_environment(fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSQA_INDEX", "from-environment")
    cli.main(["status"])
    assert fakes.settings.index == Path("from-environment")
    cli.main(["--index", "outer", "status"])
    assert fakes.settings.index == Path("outer")
    cli.main(["--index", "outer", "status", "--index", "inner"])
    assert fakes.settings.index == Path("inner")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("ask Who? --since 2024-02-31", "--since: '2024-02-31' is not a date. Example: --since 2016-12-28"),
        ("ask Who? --until tomorrow", "--until: 'tomorrow' is not a date. Example: --until 2016-12-28"),
        (
            "ask Who? --since 2024-02-02 --until 2024-02-01",
            "--since 2024-02-02 is later than --until 2024-02-01. Example: --since 2016-12-01 --until 2016-12-31",
        ),
        ("articles --since 1/2/2024", "--since: '1/2/2024' is not a date. Example: --since 2016-12-28"),
        ("index x --field headline", "--field: 'headline' should look like title=headline (ours=theirs)"),
        ("index x --field =headline", "--field: '=headline' should look like title=headline (ours=theirs)"),
        ("watch --every soon", "--every: 'soon' is not a length of time. Examples: --every 30s, 15m, 6h, 1d"),
        ("watch --every 0m", "--every: '0m' is not a length of time. Examples: --every 30s, 15m, 6h, 1d"),
        ("show a1 --start 5", f"--start 5 --end None: give both, start < end <= {len(TEXT)} (the text's length)"),
        ("show a1 --start 5 --end 5", f"--start 5 --end 5: give both, start < end <= {len(TEXT)} (the text's length)"),
        ("show a1 --start 0 --end 999", f"--start 0 --end 999: give both, start < end <= {len(TEXT)} (the text's"),
        ("ask", "QUESTION"),
        ("ask Who? -k 0", "-k"),
        ("ask Who? -k many", "-k"),
        ("ask Who? --min-confidence 2", "--min-confidence"),
        ("ask Who? --colour", "--colour"),
        ("chat --port 99999", "--port"),
        ("tell Who?", "tell"),
    ],
)
def test_wrong_use_exits_2_and_says_what_is_wrong(
    fakes: Fakes, capsys: pytest.CaptureFixture[str], given: str, said: str
) -> None:
    assert cli.main(given.split()) == 2
    shown, words = capsys.readouterr()
    assert shown == ""
    assert words.startswith("Error: ")
    assert words.count("\n") == 1
    assert said in words
    assert not any(call[0] in ("ask", "index", "articles") for call in fakes.calls)


def test_wrong_use_is_a_document_too(fakes: Fakes, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ask", "Who?", "--colour", "--json"]) == 2
    error = out(capsys)["error"]
    assert error["type"] == "UsageError"
    assert "--colour" in error["message"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError("m"), 2),
        (errors.ArticleNotFoundError("m"), 2),
        (errors.IndexMissingError("m"), 3),
        (errors.IndexCorruptError("m"), 3),
        (errors.IndexMismatchError("m"), 3),
        (errors.IndexLockedError("m"), 3),
        (errors.ModelError("m"), 3),
        (errors.CitationError("m"), 3),
        (errors.SourceError("m"), 4),
        (errors.FormatError("m"), 4),
        (OSError(28, "No space left on device", "index/newsqa.db"), 3),
        (ZeroDivisionError("m"), 70),
    ],
)
def test_each_error_has_its_exit_code_and_no_traceback(
    fakes: Fakes, capsys: pytest.CaptureFixture[str], error: Exception, code: int
) -> None:
    fakes.error = error
    assert cli.main(["index", "x", "--json"]) == code
    shown, words = capsys.readouterr()
    assert json.loads(shown)["error"]["type"] == type(error).__name__
    assert words.startswith("Error: ")
    assert words.count("\n") == 1


def test_every_error_of_the_tree_has_a_code() -> None:
    for kind in errors.NewsQAError.__subclasses__():
        assert options.exit_code(kind("m")) in (2, 3, 4), kind


def test_errors_of_the_system_name_the_file(fakes: Fakes, capsys: pytest.CaptureFixture[str]) -> None:
    fakes.error = OSError(28, "No space left on device", "index/newsqa.db")
    cli.main(["index", "x"])
    assert capsys.readouterr().err == "Error: No space left on device: 'index/newsqa.db'\n"


@pytest.mark.parametrize("how", ["-vv", "NEWSQA_DEBUG"])
def test_tracebacks_are_for_those_who_ask(
    fakes: Fakes, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    fakes.error = ZeroDivisionError("m")
    if how == "NEWSQA_DEBUG":
        monkeypatch.setenv(how, "1")
    assert cli.main(["status", *([how] if how == "-vv" else [])]) == 70
    words = capsys.readouterr().err
    assert "Traceback (most recent call last)" in words
    assert words.splitlines()[-1].startswith("Error: ZeroDivisionError: m.")


def test_interrupting_exits_130(fakes: Fakes, capsys: pytest.CaptureFixture[str]) -> None:
    fakes.error = KeyboardInterrupt()
    assert cli.main(["index", "x"]) == 130
    assert capsys.readouterr().err == "Interrupted.\n"


def test_unknown_setting_in_the_file_is_wrong_use(fakes: Fakes, capsys: pytest.CaptureFixture[str]) -> None:
    Path("newsqa.toml").write_text("colour = 1\n", encoding="utf-8")
    assert cli.main(["status"]) == 2
    assert "unknown setting 'colour'" in capsys.readouterr().err


# index, remove, forget


def test_index_passes_everything_on(fakes: Fakes) -> None:
    given = "index a b --field title=headline --field text=body --prune --follow --allow-private --rebuild --restore"
    assert cli.main(given.split()) == 0
    flags = dict.fromkeys(("prune", "follow", "allow_private", "rebuild", "restore"), True)
    assert fakes.calls == [("index", ["a", "b"], {"fields": {"title": "headline", "text": "body"}, **flags})]


def test_index_without_locations_refreshes(fakes: Fakes, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["index"]) == 0
    flags = dict.fromkeys(("prune", "follow", "allow_private", "rebuild", "restore"), False)
    assert fakes.calls == [("index", [], {"fields": {}, **flags})]
    assert capsys.readouterr().out.startswith("Articles: 2 added, 0 updated, 0 unchanged, 0 removed;")


def test_rejected_sources_are_listed_on_stderr_and_exit_4(fakes: Fakes, capsys: pytest.CaptureFixture[str]) -> None:
    fakes.report = Report(added=1, rejected=(Rejection("bad.jsonl", "not JSON", 3),))
    assert cli.main(["index", "x", "--quiet"]) == 4
    shown, words = capsys.readouterr()
    assert shown == ""
    assert words == "Not indexed (1):\n  bad.jsonl, line 3: not JSON\n"


def test_index_json_is_the_report(fakes: Fakes, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["index", "x", "--json"])
    assert out(capsys) == json.loads(json.dumps(asdict(fakes.report)))


def test_remove_and_forget(fakes: Fakes, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["remove", "a1", "b2"]) == 0
    assert cli.main(["forget", "/archive"]) == 0
    assert fakes.calls == [("remove", ["a1", "b2"], {}), ("forget", "/archive", {})]
    assert capsys.readouterr().out.count("2 removed") == 2


# articles, show, status, sources, chat


def test_articles_lists_rows_and_says_when_there_are_more(fakes: Fakes, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["articles", "--outlet", "A", "--since", "2024-05-01", "--language", "pt-BR", "--limit", "1"]) == 0
    shown, words = capsys.readouterr()
    assert shown == "a1\t2024-05-06\tHarbour Gazette\tBridge opens\n"
    assert words == "1 of 2 shown; --limit 0 lists all.\n"
    assert fakes.calls == [
        ("open", "mini", {}),
        ("articles", Filters(date(2024, 5, 1), None, ("A",), languages=("pt",)), {"limit": 1}),
    ]


@pytest.mark.parametrize(
    "given",
    ["show a1 --revision", "show a1 --end 9 --start", "show a1 --start 0 --end", "articles --limit", "ask Who? -k"],
)
def test_a_number_that_nothing_could_count_is_wrong_use(
    fakes: Fakes, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    assert cli.main([*given.split(), "99999999999999999999", "--json"]) == 2
    assert "should be less than or equal to 2147483647" in out(capsys)["error"]["message"]
    assert fakes.calls == []


def test_articles_limit_0_lists_all(fakes: Fakes, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["articles", "--limit", "0", "--json"])
    assert fakes.calls[1][2] == {"limit": None}
    document = out(capsys)
    assert document["total"] == 2
    assert [article["id"] for article in document["articles"]] == ["a1", "b2"]
    assert "text" not in document["articles"][0]


def test_show_marks_the_quote(fakes: Fakes, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["show", "a1", "--revision", "2", "--start", str(START), "--end", str(len(TEXT))]) == 0
    assert capsys.readouterr().out.endswith(f"\n\n{TEXT[:START]}>>>{QUOTE}<<<\n")
    assert fakes.calls[1] == ("article", "a1", 2, {})


def test_show_json(fakes: Fakes, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["show", "a1", "--start", str(START), "--end", str(len(TEXT)), "--json"])
    document = out(capsys)
    assert document["text"] == TEXT
    assert document["marked"] == {"start": START, "end": len(TEXT), "quote": QUOTE}
    assert document["revisions"] == [1, 2]
    assert [copy["id"] for copy in document["copies"]] == ["b2"]


def test_show_json_without_a_marked_part(fakes: Fakes, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["show", "a1", "--json"])
    assert out(capsys)["marked"] is None


def test_status_and_sources(fakes: Fakes, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status"]) == 0
    assert capsys.readouterr().out == "articles: 14,822\nmodel: mini\n"
    assert cli.main(["sources"]) == 0
    assert capsys.readouterr().out == "1\t2\t2024-05-07T10:00:00+00:00\t/archive\n"
    cli.main(["sources", "--json"])
    assert out(capsys) == {"sources": [asdict(SOURCE)]}


def test_chat_listens_where_it_is_told(fakes: Fakes) -> None:
    assert cli.main(["chat", "--port", "8000", "--open", "--index", "x"]) == 0
    assert fakes.calls == [("serve", Options(port=8000), {"name": "chat", "open_browser": True})]
    assert fakes.settings.index == Path("x")


def test_serve_takes_tokens_from_the_environment(fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSQA_TOKEN", "long enough")
    assert cli.main(["serve", "--host", "0.0.0.0", "--allow-host", "a.example", "--read-only"]) == 0
    chosen = Options("0.0.0.0", token="long enough", allow_hosts=("a.example",), read_only=True)
    assert fakes.calls == [("serve", chosen, {})]


# verify


def test_verify_is_sound(fakes: Fakes, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["verify"]) == 0
    assert capsys.readouterr().out == "ok      revisions: 2 checked\n"
    assert fakes.calls == [("verify", [], {})]


def test_verify_exits_3_when_anything_fails(fakes: Fakes, capsys: pytest.CaptureFixture[str]) -> None:
    fakes.checks = [SimpleCheck("revisions", 2), SimpleCheck("offsets", 2, ("passage 7",), 1)]
    assert cli.main(["verify", "--json"]) == 3
    document = out(capsys)
    assert document["ok"] is False
    assert document["checks"][1] == {"name": "offsets", "checked": 2, "failures": ["passage 7"], "failed": 1}


@pytest.mark.parametrize(
    "given", ['{"a": 1}', '[{"a": 1}]', '{\n "a": 1\n}', '{"a": 1}\n\n'], ids=["one", "list", "indented", "line"]
)
def test_verify_reads_answers_from_a_file(fakes: Fakes, given: str) -> None:
    Path("answers.json").write_text(given, encoding="utf-8")
    assert cli.main(["verify", "--answers", "answers.json"]) == 0
    assert fakes.calls == [("verify", [{"a": 1}], {})]


def test_verify_reads_answers_a_line_each_from_standard_input(fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"a": 1}\n{"a": 2}\n'))
    assert cli.main(["verify", "--answers", "-"]) == 0
    assert fakes.calls == [("verify", [{"a": 1}, {"a": 2}], {})]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b'{"a": 1}\n{"a"', "'answers.json', line 2: not JSON"),
        (b"[1]", "'answers.json' holds something else than answers"),
        (b"\xff", "'answers.json' can't be read"),
        (None, "'answers.json' can't be read"),
    ],
)
def test_verify_refuses_what_is_no_answer(
    fakes: Fakes, capsys: pytest.CaptureFixture[str], given: bytes | None, said: str
) -> None:
    if given is not None:
        Path("answers.json").write_bytes(given)
    assert cli.main(["verify", "--answers", "answers.json"]) == 2
    assert said in capsys.readouterr().err
    assert fakes.calls == []


# watch


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Pauses pass at once; in each third a signal asks to end.

    Only that event's: other threads of this process (progress bars have one) wait for events of their own.
    """
    slept: list[float] = []
    asked_to_stop = options.asked_to_stop

    def wait(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) % 3 == 0:
            signal.raise_signal(signal.SIGTERM)

    def impatient() -> threading.Event:
        event = asked_to_stop()
        monkeypatch.setattr(event, "wait", wait)
        return event

    monkeypatch.setattr(options, "asked_to_stop", impatient)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield slept
    for number, handler in before.items():
        signal.signal(number, handler)


def test_watch_refreshes_until_interrupted(
    fakes: Fakes, sleeps: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["watch", "--every", "15m", "--json"]) == 0
    assert sleeps == [900.0] * 3
    assert [call[:2] for call in fakes.calls] == [("index", [])] * 3
    shown, words = capsys.readouterr()
    assert [json.loads(line)["added"] for line in shown.splitlines()] == [2, 2, 2]
    assert words == "Stopped.\n"


@pytest.mark.parametrize("error", [errors.SourceError("m"), errors.IndexLockedError("m"), OSError(28, "No space")])
def test_watch_goes_on_after_errors_that_pass(fakes: Fakes, sleeps: list[float], error: Exception) -> None:
    fakes.error = error
    assert cli.main(["watch", "--every", "30s"]) == 0
    assert sleeps == [30.0] * 3


@pytest.mark.parametrize(
    ("error", "code"), [(errors.IndexMissingError("m"), 3), (errors.IndexMismatchError("m"), 3), (KeyError("m"), 70)]
)
def test_watch_ends_with_errors_that_last(fakes: Fakes, sleeps: list[float], error: Exception, code: int) -> None:
    fakes.error = error
    assert cli.main(["watch"]) == code
    assert sleeps == []


def test_watch_ends_also_when_the_interruption_is_swallowed(
    fakes: Fakes, sleeps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def swallow(locations: Sequence[str]) -> Report:
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        return Report()

    monkeypatch.setattr(fakes, "index", swallow)
    assert cli.main(["watch"]) == 0
    assert len(sleeps) <= 1


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("30s", timedelta(seconds=30)),
        ("15m", timedelta(minutes=15)),
        ("6h", timedelta(hours=6)),
        ("1d", timedelta(days=1)),
    ],
)
def test_interval(given: str, expected: timedelta) -> None:
    assert arguments.interval(given) == expected


# Help and start-up


def commands() -> list[str]:
    return [command.name or "" for command in cli.app.registered_commands]


def test_commands_are_those_documented() -> None:
    assert commands() == [
        "index", "ask", "chat", "serve", "mcp", "articles", "show", "remove", "forget", "status", "verify", "evaluate",
        "sources", "watch",
    ]  # fmt: skip


@pytest.mark.parametrize("name", commands())
def test_help_shows_examples_that_parse(
    fakes: Fakes,
    sleeps: list[float],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "stdin", io.StringIO("{}"))
    Path("answers.json").write_text("{}", encoding="utf-8")
    monkeypatch.setattr(run, "evaluate", lambda *_, **__: WHOLE)
    for result in ("before.json", "after.json"):
        Path(result).write_text(json.dumps(document(WHOLE)), encoding="utf-8")
    assert cli.main([name, "--help"]) == 0
    examples = [line.strip() for line in capsys.readouterr().out.split("Examples:")[1].splitlines() if line.strip()]
    assert examples
    for example in examples:
        for part in re.split(r" [#>] ", example)[0].split("|"):
            words = list(dropwhile(lambda word: "=" in word, shlex.split(part)))  # NAME=value comes first
            assert words[0] == "newsqa"
            # The fake article is shorter than the one in the example.
            assert cli.main(words[1:]) == (2 if "--start" in words else 0), part


def test_help_of_the_whole_lists_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    assert "Exit codes: 0 done or answered, 1 no answer found or below a floor,\n" in capsys.readouterr().out


def test_without_arguments_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    shown, words = capsys.readouterr()
    assert "Commands:" in shown + words


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert capsys.readouterr().out == f"newsqa {project['version']}\n"


def test_start_up_loads_no_model_library() -> None:
    heavy = "torch gradio sentence_transformers transformers faiss trafilatura fastapi sentencex babel py3langid"
    code = f"import sys, newsqa.cli; print([m for m in '{heavy}'.split() if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_shell_completion_is_offered(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_NEWSQA_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "newsqa so")
    monkeypatch.setenv("COMP_CWORD", "1")
    with pytest.raises(SystemExit) as ended:
        cli.main([])
    assert ended.value.code == 0
    assert capsys.readouterr().out.split() == ["sources"]
