"""The installed command on real articles: what works, and what each kind of bad input leads to."""

from __future__ import annotations

import gzip
import http.server
import json
import logging
import os
import pty
import shutil
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from installed import COMMAND, environment, newsqa
from newsqa import cli

QUESTION = "How many people were on board the ferry Lady Corrin?"
SURELY = ("--min-confidence", "0")
"""Takes anything for an answer: what the tests are about is not how sure the reader is."""
STORY = (
    "Ferry fares to rise in Quillan Bay\n\n4 March 2025\n\nThe Quillan Bay ferry company will raise its fares by "
    "nine percent in April, its director Hanna Voss said on Tuesday. Passengers' groups called the decision "
    "hasty. A single crossing will cost 6.50 crowns, up from 5.95. The company carried 2.1 million people last "
    "year and says that fuel has become dearer.\n"
)
SMALL = {"NEWSQA_MAX_DOCUMENT_MB": "2", "NEWSQA_MAX_ARTICLE_MB": "1"}


def document(done: subprocess.CompletedProcess[str]) -> Any:
    """The one JSON document on stdout."""
    assert done.stdout.count("\n") == 1, done.stderr
    return json.loads(done.stdout)


def failed(done: subprocess.CompletedProcess[str], code: int) -> str:
    """Check that a command failed as documented, with one message and no traceback; return it."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.fixture
def own(archive: Path, tmp_path: Path) -> Path:
    """A copy of the example index that a test may damage."""
    return Path(shutil.copytree(archive, tmp_path / "index"))


@pytest.fixture
def calm() -> Iterator[None]:
    """Leave logging as it was: the command sets it up for its whole process."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before
    logging.captureWarnings(False)


# What works


def test_answer_is_quoted_from_the_article_at_the_cited_place(archive: Path, tmp_path: Path) -> None:
    asked = newsqa("ask", QUESTION, *SURELY, "-k", "2", "--json", "--index", archive)
    assert asked.returncode == 0, asked.stderr
    answer = document(asked)
    assert 1 <= len(answer["citations"]) <= 2
    assert answer["text"] == answer["citations"][0]["answer"]
    for citation in answer["citations"]:
        place = ("--start", str(citation["start"]), "--end", str(citation["end"]))
        shown = newsqa("show", citation["article_id"], *place, "--json", "--index", archive)
        article = document(shown)
        assert article["text"][citation["start"] : citation["end"]] == citation["quote"]
        assert article["text"][citation["answer_start"] : citation["answer_end"]] == citation["answer"]
        assert citation["start"] <= citation["answer_start"] < citation["answer_end"] <= citation["end"]
        assert article["marked"]["quote"] == citation["quote"]
        assert article["title"] == citation["title"]
    (tmp_path / "answer.json").write_text(asked.stdout, encoding="utf-8")
    assert newsqa("verify", "--answers", tmp_path / "answer.json", "--index", archive).returncode == 0
    answer["citations"][0]["answer_end"] -= 1
    forged = newsqa("verify", "--answers", "-", "--json", "--index", archive, given=json.dumps(answer))
    assert forged.returncode == 3
    assert [check["name"] for check in document(forged)["checks"] if check["failed"]] == ["answers"]


@pytest.mark.usefixtures("calm")
def test_plain_answer_in_a_pipe_is_unwrapped_and_uncoloured(archive: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ask", QUESTION, *SURELY, "-k", "1", "--index", str(archive)]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert "\x1b" not in out
    answer, quote, source = out.splitlines()[1:4]
    assert answer.startswith("1. ")
    assert quote.startswith("> ")
    assert answer.removeprefix("1. ") in quote
    assert source.startswith("   ")
    assert " · confidence " in source
    assert f"newsqa show --index {archive} " in out


def test_answer_in_a_terminal_is_wrapped_and_coloured(archive: Path) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [COMMAND, "ask", QUESTION, *SURELY, "-k", "1", "--index", archive],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment(COLUMNS="60", TERM="xterm-256color"),
    ) as process:
        os.close(theirs)
        shown = _until_closed(ours)
    assert process.returncode == 0, shown
    assert "│ " in shown
    assert "\x1b[1m" in shown
    assert "Reading" in shown


def _until_closed(terminal: int) -> str:
    read = b""
    try:
        while part := os.read(terminal, 65536):
            read += part
    except OSError:  # how Linux says that the other side was closed
        pass
    finally:
        os.close(terminal)
    return read.decode()


@pytest.mark.usefixtures("calm")
def test_no_answer_exits_1_and_says_that_what_is_near_is_none(archive: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ask", QUESTION, "--min-confidence", "1", "--index", str(archive)]) == 1
    out, _ = capfd.readouterr()
    assert out.startswith("No answer found in ")
    assert "Near the question, but not an answer:" in out


@pytest.mark.usefixtures("calm")
def test_filters_leave_articles_out(archive: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ask", QUESTION, "--outlet", "No Such Paper", "--json", "--index", str(archive)]) == 1
    assert json.loads(capfd.readouterr().out)["searched"] == 0


def test_listing_filters_by_date_and_outlet(archive: Path) -> None:
    everything = document(newsqa("articles", "--limit", "0", "--json", "--index", archive))
    assert everything["total"] == len(everything["articles"]) > 40
    february = [a for a in everything["articles"] if (a["published"] or "").startswith("2025-02")]
    outlet = next(article["outlet"] for article in february if article["outlet"])
    args = ("--outlet", outlet, "--since", "2025-02-01", "--until", "2025-02-28", "--limit", "0")
    some = document(newsqa("articles", *args, "--json", "--index", archive))
    expected = {article["id"] for article in february if article["outlet"] == outlet}
    assert 0 < len(expected) < len(february)
    assert {article["id"] for article in some["articles"]} == expected


def test_reader_of_a_pipe_may_leave_early(archive: Path) -> None:
    command = f"'{COMMAND}' articles --limit 0 --index '{archive}' | head -n 1"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, env=environment(), timeout=60, check=True
    )
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_article_comes_goes_and_comes_back(tmp_path: Path) -> None:
    story, index = tmp_path / "story.txt", tmp_path / "index"
    story.write_text(STORY, encoding="utf-8")
    first = document(newsqa("index", story, "--json", "--index", index))
    assert (first["added"], first["embedded"] > 0) == (1, True)
    again = document(newsqa("index", "--json", "--index", index))
    assert (again["added"], again["unchanged"], again["embedded"]) == (0, 1, 0)
    listed = document(newsqa("articles", "--json", "--index", index))["articles"]
    assert [article["published"] for article in listed] == ["2025-03-04"]
    assert newsqa("remove", listed[0]["id"], "--index", index).returncode == 0
    assert document(newsqa("articles", "--json", "--index", index))["total"] == 0
    assert "No article" in failed(newsqa("show", listed[0]["id"], "--index", index), 2)
    assert document(newsqa("index", "--restore", "--json", "--index", index))["added"] == 1
    assert newsqa("forget", story, "--index", index).returncode == 0
    assert document(newsqa("sources", "--json", "--index", index)) == {"sources": []}


def test_standard_input_is_indexed(tmp_path: Path) -> None:
    done = newsqa("index", "-", "--json", "--index", tmp_path / "index", given=STORY)
    assert document(done)["added"] == 1


def test_watch_takes_in_what_is_new_and_ends_when_asked_to(tmp_path: Path) -> None:
    folder, index = tmp_path / "folder", tmp_path / "index"
    folder.mkdir()
    (folder / "one.txt").write_text(STORY, encoding="utf-8")
    assert newsqa("index", folder, "--index", index).returncode == 0
    with subprocess.Popen(
        [COMMAND, "watch", "--every", "1s", "--json", "--index", index],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["unchanged"] == 1
        (folder / "two.txt").write_text(STORY.replace("Quillan", "Verrow").replace("nine", "four"), encoding="utf-8")
        while json.loads(process.stdout.readline())["added"] == 0:
            pass
        process.send_signal(signal.SIGTERM)
        words = process.stderr.read()
    assert process.returncode == 0
    assert words == "Stopped.\n"


# Sources that can't be used


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One good article among everything that goes wrong."""
    folder = tmp_path_factory.mktemp("bad")
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    contents: dict[str, bytes] = {
        "good.txt": STORY.encode(),
        "empty.txt": b"",
        "binary.bin": bytes(range(256)) * 40,
        "truncated.txt.gz": gzip.compress(STORY.encode() * 50)[:-60],
        "damaged.txt.gz": b"\x1f\x8b\x08\x00" + STORY.encode(),
        "long.jsonl": b'{"title": "x", "text": "' + b"word " * 300_000 + b'"}\n',
        "lines.jsonl": json.dumps({"title": "Other", "text": STORY.replace("Quillan", "Verrow")}).encode()
        + b'\n{"title": broken\n',
        "feed.xml": b'<?xml version="1.0"?><rss version="2.0"><channel><title>x</title><item><title>broken</item>',
        "page.html": b"<html><body><nav><a href='/'>Home</a></nav></body></html>",
        "entities.xml": f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY l0 "lol">{entities}]>'
        '<rss version="2.0"><channel><title>&l9;</title></channel></rss>'.encode(),
        "bomb.txt.gz": gzip.compress(b"a" * 20_000_000),
        "deep.html": b"<html><body>" + b"<div>" * 50_000 + STORY.encode() + b"</div>" * 50_000,
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    (folder / "dangling.txt").symlink_to(folder / "nowhere")
    return folder


@pytest.fixture(scope="module")
def indexed(bad: Path, tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    index = tmp_path_factory.mktemp("bad-index")
    return newsqa("index", bad, "--json", "--index", index, **SMALL)


def test_rest_is_indexed_and_exit_code_says_that_something_was_not(
    indexed: subprocess.CompletedProcess[str],
) -> None:
    assert indexed.returncode == 4
    assert document(indexed)["added"] == 2
    assert "Traceback" not in indexed.stderr


@pytest.mark.parametrize(
    ("name", "line", "reason"),
    [
        ("empty.txt", None, "empty"),
        ("binary.bin", None, "binary"),
        ("truncated.txt.gz", None, "truncated gzip"),
        ("damaged.txt.gz", None, "gzip"),
        ("long.jsonl", 1, "limit of 1 MB (max_article_mb)"),
        ("lines.jsonl", 2, "not valid JSON"),
        ("feed.xml", None, "no text"),
        ("page.html", None, "no article"),
        ("entities.xml", None, "entit"),
        ("bomb.txt.gz", None, "limit of"),
        ("deep.html", None, "limit"),
        ("dangling.txt", None, "no file"),
    ],
)
def test_bad_source_is_reported_with_line_and_reason(
    bad: Path, indexed: subprocess.CompletedProcess[str], name: str, line: int | None, reason: str
) -> None:
    rejected = {r["location"]: r for r in document(indexed)["rejected"]}
    rejection = rejected[str(bad / name)]
    if line is not None:
        assert rejection["line"] == line
    assert reason in rejection["reason"]
    assert f"  {bad / name}" in indexed.stderr


def test_missing_source_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    done = newsqa("index", tmp_path / "nowhere", "--index", tmp_path / "index")
    assert done.returncode == 4
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("fields", ["headline", "=headline", "title="])
def test_mistaken_field_is_wrong_use(tmp_path: Path, fields: str) -> None:
    done = newsqa("index", tmp_path, "--field", fields, "--index", tmp_path / "index")
    assert "should look like title=headline" in failed(done, 2)


class Pages(http.server.BaseHTTPRequestHandler):
    """Serves an article, and an address that leads to it."""

    def do_GET(self) -> None:
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/story")
            self.end_headers()
            return
        body = "".join(f"<p>{part}</p>" for part in STORY.split("\n\n")[2:] * 2)
        page = f"<html><head><title>Ferry fares</title></head><body><article>{body}</article></body></html>".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_private_addresses_are_refused_unless_allowed(tmp_path: Path, server: str) -> None:
    index = tmp_path / "index"
    refused = newsqa("index", f"{server}/moved", "--index", index)
    assert refused.returncode == 4
    assert "--allow-private" in refused.stderr
    allowed = newsqa("index", f"{server}/moved", "--allow-private", "--json", "--index", index)
    assert allowed.returncode == 0, allowed.stderr
    assert document(allowed)["added"] == 1


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://example.org/x", "http://"])
def test_other_schemes_are_refused(tmp_path: Path, url: str) -> None:
    done = newsqa("index", url, "--index", tmp_path / "index")
    assert done.returncode == 4
    assert "Traceback" not in done.stderr
    assert url.split(":")[0] in done.stderr


# An index that can't be used

READING = (
    ["ask", "Who?"],
    ["articles"],
    ["show", "x"],
    ["status"],
    ["sources"],
    ["verify"],
    ["remove", "x"],
    ["index"],
)


@pytest.mark.parametrize("command", READING, ids=lambda command: command[0])
def test_without_an_index_each_command_says_how_to_build_one(tmp_path: Path, command: list[str]) -> None:
    message = failed(newsqa(*command, "--index", tmp_path / "none"), 3)
    assert f"No index at '{tmp_path / 'none'}'" in message
    assert "newsqa index" in message
    assert not (tmp_path / "none").exists()


def test_database_that_is_none_is_reported_and_never_overwritten(own: Path) -> None:
    database = next(own.glob("*.sqlite"))
    for file in own.glob("*.sqlite-*"):
        file.unlink()
    database.write_bytes(b"not a database" * 1000)
    before = database.read_bytes()
    for command in (["status"], ["ask", "Who?"], ["index", own.parent]):
        message = failed(newsqa(*command, "--index", own), 3)
        assert str(own) in message
    assert database.read_bytes() == before


def test_damaged_snapshot_is_noticed_and_mended(own: Path) -> None:
    snapshots = [file for file in own.iterdir() if "sqlite" not in file.name and file.stat().st_size > 10_000]
    assert snapshots
    for snapshot in snapshots:
        content = bytearray(snapshot.read_bytes())
        content[len(content) // 2] ^= 0xFF
        snapshot.write_bytes(content)
    assert newsqa("verify", "--index", own).returncode == 3
    assert newsqa("ask", QUESTION, *SURELY, "--index", own).returncode == 0
    assert newsqa("index", "--index", own).returncode == 0
    assert newsqa("verify", "--index", own).returncode == 0


def test_other_model_names_the_command_that_rebuilds(own: Path) -> None:
    connection = sqlite3.connect(next(own.glob("*.sqlite")))
    with connection:
        connection.execute("UPDATE meta SET value = 'another@123' WHERE key = 'model'")
    connection.close()
    message = failed(newsqa("ask", "Who?", "--index", own), 3)
    assert "another@123" in message
    assert "newsqa index --rebuild" in message


def test_other_schema_is_refused(own: Path) -> None:
    connection = sqlite3.connect(next(own.glob("*.sqlite")))
    with connection:
        connection.execute("UPDATE meta SET value = '999' WHERE key = 'schema'")
    connection.close()
    assert "999" in failed(newsqa("status", "--index", own), 3)


# Questions and dates


@pytest.mark.usefixtures("calm")
@pytest.mark.parametrize(
    ("question", "codes"),
    [
        ("", {2}),
        ("   \n\t ", {2}),
        ("?!…", {2}),
        ("x" * 100_000, {2}),
        ("Who\x00 mediated\x1b[31m\x07?", {0, 1}),
        ("\ud800 who\udfff?", {0, 1, 2}),
        ('" OR NEAR(a b) NOT text:x* AND (', {0, 1}),
        ("'; DROP TABLE articles; --", {0, 1}),
        ("Quién medió entre los estibadores y la empresa?", {0, 1}),
        ("Ποιος μεσολάβησε;", {0, 1}),
        ("誰が調停しましたか", {0, 1}),
        ("👩‍👩‍👧 🚢?", {0, 1, 2}),
        ("the of and a", {0, 1}),
    ],
    ids=range(13),
)
def test_odd_question_is_answered_or_refused_with_a_reason(
    archive: Path, capfd: pytest.CaptureFixture[str], question: str, codes: set[int]
) -> None:
    code = cli.main(["ask", "--json", "--index", str(archive), "--", question])
    out, err = capfd.readouterr()
    assert code in codes, err
    assert ("error" in json.loads(out)) == (code == 2)
    assert "Traceback" not in err


def test_question_of_5_mb_is_refused(archive: Path) -> None:
    done = newsqa("ask", "-", "--index", archive, given="who " * 1_250_000)
    assert "the limit is" in failed(done, 2)


@pytest.mark.parametrize(
    ("dates", "example"),
    [
        (["--since", "2025-02-30"], "Example: --since 2016-12-28"),
        (["--until", "1.2.2025"], "Example: --until 2016-12-28"),
        (["--since", "2025-03-01", "--until", "2025-02-01"], "Example: --since 2016-12-01 --until 2016-12-31"),
    ],
)
def test_dates_that_make_no_sense_exit_2_with_an_example(archive: Path, dates: list[str], example: str) -> None:
    for command in (["ask", "Who?"], ["articles"]):
        assert example in failed(newsqa(*command, *dates, "--index", archive), 2)
