"""Which format a document is read as, and plain text."""

from __future__ import annotations

import gzip
import json

import pytest

from documents import document, draft, parsed, rejection
from newsqa import formats
from newsqa.settings import Settings
from newsqa.types import Draft, Rejection

STORY = "The mill at Arnholt burned down on Friday night. Nobody was hurt, said fire chief Lena Brandt."
PAGE = f"<html><body><article><h1>Mill burns</h1><p>{STORY}</p><p>{STORY} Again.</p></article></body></html>"
ITEM = f"<item><title>T</title><description>{STORY}</description></item>"
FEED = f"<rss version='2.0'><channel><title>F</title>{ITEM}</channel></rss>"
RECORD = json.dumps({"title": "Mill burns", "text": STORY})


@pytest.mark.parametrize("location", ["story", "story.txt", "story.html", "story.csv.bak", "https://e.org/story"])
def test_text_is_read_as_text_whatever_its_name(location: str) -> None:
    assert draft(STORY, location) == Draft(text=STORY)


@pytest.mark.parametrize("location", ["a", "a.txt", "a.json", "a.html", "a.jsonl.gz", "https://e.org/a?b=c"])
@pytest.mark.parametrize(
    ("content", "title"),
    [(PAGE, "Mill burns"), (FEED, "T"), (RECORD, "Mill burns"), (f'title,text\nMill burns,"{STORY}"', "Mill burns")],
)
def test_content_decides_over_the_name(content: str, title: str, location: str) -> None:
    assert draft(content, location).title == title


@pytest.mark.parametrize("prefix", ["\ufeff", "\n\n  ", "<!-- saved from url=(0014)about:internet -->\n"])
def test_what_stands_before_the_first_tag_does_not_matter(prefix: str) -> None:
    assert "fire chief" in draft(prefix + PAGE).text
    assert draft(prefix + FEED).text == STORY


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b" \n\t\n", "empty"),
        (b"%PDF-1.7 text", "looks like a PDF, which newsqa can't read"),
        (b"PK\x03\x04rest", "looks like a zip archive or office document, which newsqa can't read"),
        (gzip.compress(STORY.encode()), "looks like gzip inside gzip, which newsqa can't read"),
        (b"words\x00\x01\x02 and more", "looks like binary data"),
        (b"\x01\x02\x03\x04" * 50, "looks like binary data"),
    ],
)
def test_what_is_not_text_is_rejected_with_its_reason(content: bytes, reason: str) -> None:
    assert rejection(content) == Rejection("file", reason)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_encodings_of_text(encoding: str) -> None:
    story = "Der Bürgermeister von Kößlin schloß die Brücke über die Öre. „Früher war mehr Lärm“, sagte er."
    assert draft(story.encode(encoding)).text == story


@pytest.mark.parametrize(
    ("encoding", "story"),
    [
        ("koi8-r", "Мост через реку закрыт до весны, сообщила мэрия города."),
        ("shift_jis", "橋は春まで閉鎖されると市は発表した。"),
    ],
)
def test_the_declared_charset_is_used(encoding: str, story: str) -> None:
    assert draft(story.encode(encoding), content_type=f"text/plain; charset={encoding}").text == story


def test_utf_8_with_a_broken_letter_is_rejected_rather_than_garbled() -> None:
    broken = "Bürgermeister\nKößlin schlo".encode() + b"\xff" + "ß die Brücke".encode()
    assert rejection(broken) == Rejection("file", "damaged UTF-8 at byte 29", line=2)


def test_an_unknown_declared_charset_is_passed_over() -> None:
    assert draft(
        "Ein grüner Hügel, sagte er, früher.".encode("cp1252"), content_type="text/plain; charset=nonsense"
    ).text == ("Ein grüner Hügel, sagte er, früher.")


def test_line_ends_become_newlines() -> None:
    assert draft("one two\r\nthree\rfour\n").text == "one two\nthree\nfour\n"


def test_a_file_over_the_limit_is_refused_with_the_limit_named() -> None:
    found = rejection(b"word " * 300_000, settings=Settings(max_article_mb=1))
    assert found.reason == "larger than the limit of 1 MB (max_article_mb)"


def test_an_article_that_grew_over_the_limit_is_refused_and_the_rest_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    grown = [Draft("a" * 2**20), Draft("a" * 2**20, title="b"), Draft("a", title="b" * 2**20), Draft("c")]
    monkeypatch.setattr(formats, "_FORMATS", [formats._Format(lambda *_: True, lambda *_: iter(grown))])
    refused = Rejection("file", "article longer than the limit of 1 MB (max_article_mb)")
    assert parsed(STORY, settings=Settings(max_article_mb=1)) == [grown[0], refused, refused, grown[3]]


def test_a_file_that_can_not_be_opened_is_rejected() -> None:
    def refuse() -> None:
        raise PermissionError(13, "Permission denied")

    given = document("").__class__("locked", refuse, "digest")  # type: ignore[arg-type]
    assert list(formats.parse(given, {}, Settings())) == [Rejection("locked", "can't be read: Permission denied")]
    assert not formats.is_feed(given)
    assert list(formats.links(given, Settings())) == [Rejection("locked", "can't be read: Permission denied")]


@pytest.mark.parametrize(
    ("content", "feed"), [(FEED, True), (PAGE, False), (STORY, False), (RECORD, False), ("", False)]
)
def test_is_feed(content: str, feed: bool) -> None:
    assert formats.is_feed(document(content)) is feed


def test_text_that_begins_with_a_bracket_is_text() -> None:
    assert draft("[Updated] The mill burned down. {Really}").text == "[Updated] The mill burned down. {Really}"


def test_prose_with_commas_is_not_a_table() -> None:
    story = "On Friday, the mill, text and all, burned\nto the ground, said the chief, and more"
    assert draft(story).text == story


def test_old_line_ends_are_no_table() -> None:
    assert draft("title,text\rOne, two\r").text == "title,text\nOne, two\n"
    found = rejection("title,text\rOne, two\r", "a.csv")
    assert found.reason.startswith("header not valid CSV: new-line character")
    assert found.line == 1


def test_nothing_is_yielded_twice() -> None:
    assert len(parsed(RECORD + "\n" + RECORD)) == 2
