"""JSON Lines, JSON arrays, CSV: columns, and rows that can't be used."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from documents import draft, parsed, rejection
from newsqa.errors import UsageError
from newsqa.settings import Settings
from newsqa.types import Draft, Rejection

TEXT = "The ferry to Sund sails again from Monday."
LATER = "Nobody had asked the islanders, said Ines Harrow."
SMALL = Settings(max_article_mb=1)


def plain(text: str = TEXT, title: str = "") -> Draft:
    """What a record of a text and a title becomes: its key is the title, else a digest of the text."""
    return Draft(text=text, title=title, key=title or hashlib.sha256(text.encode()).hexdigest()[:16])


def lines(*records: object) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def test_every_field_is_read() -> None:
    record = {
        "title": "Ferry sails",
        "text": TEXT,
        "url": "https://e.org/ferry",
        "outlet": "The Sund Post",
        "authors": ["Ines Harrow", "Bo Ray"],
        "published": "2021-03-04T05:06:07+01:00",
        "language": "en",
        "id": 17,
    }
    assert draft(lines(record)) == Draft(
        text=TEXT,
        title="Ferry sails",
        url="https://e.org/ferry",
        outlet="The Sund Post",
        authors=("Ines Harrow", "Bo Ray"),
        published="2021-03-04T05:06:07+01:00",
        language="en",
        key="17",
    )


@pytest.mark.parametrize(
    ("field", "column", "value", "expected"),
    [
        ("title", "Headline", "Ferry", "Ferry"),
        ("title", "NAME", "Ferry", "Ferry"),
        ("text", "articleBody", TEXT, TEXT),
        ("text", "Main Text", TEXT, TEXT),
        ("text", "content", ["One.", "Two."], "One.\n\nTwo."),
        ("url", "permalink", "https://e.org/", "https://e.org/"),
        ("outlet", "source_domain", "e.org", "e.org"),
        ("outlet", "publisher", {"@type": "Organization", "name": "Post"}, "Post"),
        ("published", "date_publish", "2020/01/02", "2020/01/02"),
        ("published", "pubDate", "Thu, 02 Jan 2020", "Thu, 02 Jan 2020"),
        ("published", "created_at", 1577934245, "2020-01-02T03:04:05+00:00"),
        ("published", "created_at", 1577934245000, "2020-01-02T03:04:05+00:00"),
        ("published", "date", 1e300, "1e+300"),
        ("language", "lang", "de", "de"),
        ("authors", "byline", "By Ann Lee, Bo Ray and Cy Fox", ("Ann Lee", "Bo Ray", "Cy Fox")),
        ("authors", "author", "Lee, Ann", ("Lee, Ann",)),
        ("authors", "author", "Ann Lee; Bo Ray", ("Ann Lee", "Bo Ray")),
        ("authors", "author", '["Ann Lee", "Bo Ray"]', ("Ann Lee", "Bo Ray")),
        ("authors", "author", "[Staff]", ("[Staff]",)),
        ("authors", "author", [{"name": "Ann Lee"}, None, 3.5], ("Ann Lee", "3.5")),
        ("authors", "author", None, ()),
    ],
)
def test_columns_are_guessed(field: str, column: str, value: object, expected: object) -> None:
    record = {"text": TEXT, column: value} if field != "text" else {column: value}
    assert getattr(draft(lines(record)), field) == expected


def test_a_column_that_is_empty_gives_way_to_the_next_guess() -> None:
    assert draft(lines({"text": "", "body": TEXT, "title": None, "headline": "H"})) == plain(title="H")


def test_a_mapping_overrides_the_guess() -> None:
    record = {"title": "no", "slug_line": "yes", "text": "no", "Story Body": TEXT}
    assert parsed(lines(record), fields={"title": "Slug-Line", "text": "story body"}) == [plain(title="yes")]


@pytest.mark.parametrize("content", [lines({"text": TEXT, "kicker": "K"}), f"text,kicker\n{TEXT},K\n"])
def test_a_mapped_column_that_is_not_there_is_refused_with_those_that_are(content: str) -> None:
    reason = "no column 'headline' for field 'title'; found: 'text', 'kicker'"
    assert parsed(content, fields={"title": "headline"}) == [Rejection("file", reason)]


def test_a_mapped_column_may_be_missing_from_some_records() -> None:
    found = parsed(lines({"text": TEXT}, {"text": TEXT, "kicker": "K"}), fields={"title": "kicker"})
    assert [each.title for each in found if isinstance(each, Draft)] == ["", "K"]


@pytest.mark.parametrize("content", [lines({"text": TEXT}), f"text,kicker\n{TEXT},K\n"])
def test_a_mapping_of_an_unknown_field_is_wrong_use(content: str) -> None:
    with pytest.raises(UsageError, match=r"unknown field 'titel'. Fields are: title, text, url"):
        parsed(content, fields={"titel": "kicker"})


def test_a_bad_line_is_rejected_with_its_number_and_the_rest_goes_on() -> None:
    good = lines({"text": TEXT})
    bad = '{"text": oops}\n' + "\n" + "[1, 2]\n" + '{"title": "x", "text": " "}\n' + '{"kicker": "x"}\n'
    content = good + bad + lines({"text": LATER})
    assert parsed(content) == [
        plain(),
        Rejection("file", "not valid JSON: Expecting value at column 10", 2),
        Rejection("file", "not a JSON object", 4),
        Rejection("file", "no text: 'text' is empty", 5),
        Rejection("file", "no text: none of the columns 'kicker' holds it (--field text=COLUMN)", 6),
        plain(LATER),
    ]


def test_a_named_file_may_begin_with_a_bad_line() -> None:
    content = "not json\n" + lines({"text": TEXT})
    assert parsed(content, "a.jsonl") == [
        Rejection("a.jsonl", "not valid JSON: Expecting value at column 1", 1),
        plain(),
    ]


def test_a_line_over_the_limit_is_rejected_and_the_rest_goes_on() -> None:
    long = json.dumps({"text": "x" * 1_500_000}) + "\n"
    found = parsed(lines({"text": TEXT}) + long + lines({"text": LATER}), settings=SMALL)
    reason = "record longer than the limit of 1 MB (max_article_mb)"
    assert found == [plain(), Rejection("file", reason, 2), plain(LATER)]


@pytest.mark.parametrize(
    "deep", ['{"text": ' + "[" * 100_000, '{"text": ' + '{"a":' * 100_000, '{"text": ' + "9" * 5000 + "}"]
)
def test_json_that_python_refuses_is_rejected(deep: str) -> None:
    (found,) = parsed(deep + "\n", "a.jsonl")
    assert isinstance(found, Rejection)
    assert found.reason.startswith(("not usable JSON", "not valid JSON"))
    assert found.line == 1


def test_damaged_utf_8_is_rejected_by_line() -> None:
    content = '{"text": "Grün"}\n'.encode() + b'{"text": "Gr\xfcn"}\n' + '{"text": "Blüte"}\n'.encode()
    rejected = Rejection("file", "not valid UTF-8 at byte 12 of the record", 2)
    assert parsed(content) == [plain("Grün"), rejected, plain("Blüte")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_records_in_other_encodings(encoding: str) -> None:
    rows = [{"title": "Brücke über die Öre", "text": f"Grüße aus Kößlin, früher, {n}."} for n in range(3)]
    content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    table = "title,text\n" + "".join(f'"{row["title"]}","{row["text"]}"\n' for row in rows)
    expected = [plain(**row) for row in rows[:1]] + [
        replace(plain(**row), key=f"{row['title']} ({n})") for n, row in enumerate(rows[1:], start=2)
    ]
    assert parsed(content.encode(encoding)) == expected
    assert parsed(table.encode(encoding)) == expected


def test_another_encoding_that_breaks_off_is_rejected() -> None:
    content = lines({"text": TEXT}).encode("utf-16") + b"\x00\xd8"
    found = parsed(content)
    assert found[0] == plain()
    assert found[1] == Rejection("file", "begins as utf-16 but does not go on so; save it as UTF-8", 2)


def test_characters_that_no_database_takes_are_replaced() -> None:
    assert draft(r'{"text": "a\ud800b\u0000c and more"}').text == "a\ufffdb\ufffdc and more"


@pytest.mark.parametrize(
    "content",
    [
        json.dumps([{"text": TEXT, "title": "1"}, {"text": TEXT, "title": "2"}]),
        json.dumps([{"text": TEXT, "title": "1"}, {"text": TEXT, "title": "2"}], indent=2),
        json.dumps({"text": TEXT, "title": "1"}, indent=1) + "\n" + json.dumps({"text": TEXT, "title": "2"}, indent=1),
        json.dumps({"text": TEXT, "title": "1"}) + "\n" + json.dumps({"text": TEXT, "title": "2"}),
    ],
)
def test_arrays_and_objects_over_several_lines(content: str) -> None:
    assert parsed(content) == [plain(title="1"), plain(title="2")]


def test_braces_quotes_and_backslashes_in_strings_do_not_end_an_object() -> None:
    texts = ["a } b { c", 'say "}" and', "back\\", '\\"}', "{" * 70_000, "\\" * 70_001]
    content = json.dumps([{"text": text, "inner": {"a": [{}]}} for text in texts])
    assert [each.text for each in parsed(content) if isinstance(each, Draft)] == texts


def test_a_bad_member_of_an_array_is_rejected_with_its_line() -> None:
    content = '[\n{"text": "One two."},\n{"text": oops},\n{"text": "Three four."},\n{"text": "cut of'
    assert parsed(content) == [
        plain("One two."),
        Rejection("file", "not valid JSON: Expecting value at column 10", 3),
        plain("Three four."),
        Rejection("file", "not valid JSON: Unterminated string starting at at column 10", 5),
    ]


def test_a_member_over_the_limit_is_rejected() -> None:
    content = json.dumps([{"text": TEXT}, {"text": "x" * 1_500_000}, {"text": LATER}])
    found = parsed(content, settings=SMALL)
    assert (found[0], found[2]) == (plain(), plain(LATER))
    assert found[1] == Rejection("file", "record longer than the limit of 1 MB (max_article_mb)", 1)


def test_an_array_without_objects_holds_no_records() -> None:
    assert rejection("[]") == Rejection("file", "holds no records")


def test_markup_in_a_text_becomes_lines() -> None:
    html = "<p>One &amp; <b>two</b>.</p><h2>Head</h2><ul><li>a</li><li>b</li></ul><script>no()</script>x<br>y"
    assert draft(lines({"text": html})).text == "One & two.\nHead\na\nb\nx\ny"


@pytest.mark.parametrize("text", ["3 < 5 and 7 > 2", "AT&amp;T stays", "see <https://e.org>", "a <- b"])
def test_text_that_only_looks_a_little_like_markup_stays(text: str) -> None:
    assert draft(lines({"text": text})).text == text


def test_markup_nested_too_deeply_is_rejected_alone() -> None:
    found = parsed(lines({"text": "<div>" * 50_000 + "</div>"}, {"text": TEXT}))
    assert found[0] == Rejection("file", "HTML over a limit of libxml2: Excessive depth in document: 256", 1)
    assert found[1] == plain()


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_tables_by_content(delimiter: str) -> None:
    rows = [
        ["headline", "body", "date"],
        ["Ferry", f"{TEXT}", "2020-01-02"],
        ["Mill", "It, too; burned|down\tonce", ""],
    ]
    content = "\r\n".join(delimiter.join(f'"{value}"' for value in row) for row in rows)
    assert parsed(content) == [
        replace(plain(title="Ferry"), published="2020-01-02"),
        plain("It, too; burned|down\tonce", title="Mill"),
    ]


def test_quoted_newlines_and_quotes_stay_in_the_text() -> None:
    assert draft('title,text\r\nFerry,"One ""two"".\nThree, four."\r\n').text == 'One "two".\nThree, four.'


def test_records_without_url_and_id_never_share_a_key() -> None:
    same = [{"title": "Letters", "text": TEXT}, {"title": "Letters", "text": LATER}, {"text": TEXT}, {"text": TEXT}]
    keys = [each.key for each in parsed(lines(*same)) if isinstance(each, Draft)]
    assert keys == ["Letters", "Letters (2)", plain().key, f"{plain().key} (2)"]


def test_a_record_with_a_url_needs_no_key() -> None:
    urls = [{"url": f"https://e.org/{n}", "text": TEXT} for n in range(2)]
    assert [each.key for each in parsed(lines(*urls)) if isinstance(each, Draft)] == [None, None]


def test_bad_rows_are_rejected_with_the_line_they_begin_on() -> None:
    content = b'title,text\na,"one\ntwo"\nb\n\nc,d,e\nd,"x"y\nGr\xfcn,words\nf,fine words\n'
    assert parsed("title,text\nä,ö\n".encode() + content[11:]) == [
        plain("ö", title="ä"),
        plain("one\ntwo", title="a"),
        Rejection("file", "has 1 columns where the header has 2", 5),
        Rejection("file", "has 3 columns where the header has 2", 7),
        Rejection("file", "not valid CSV: ',' expected after '\"'", 8),
        Rejection("file", "not valid UTF-8", 9),
        plain("fine words", title="f"),
    ]


def test_a_quote_that_is_never_closed_is_rejected_where_it_begins() -> None:
    found = parsed('title,text\na,one two\nb,"three\nc,four\n')
    assert found == [plain("one two", title="a"), Rejection("file", "not valid CSV: unexpected end of data", 3)]


def test_a_row_over_the_limit_ends_the_table() -> None:
    content = 'title,text\na,one two\nb,"' + "words and words\n" * 100_000
    reason = "row longer than the limit of 1 MB (max_article_mb): is a quote unclosed? The rest was not read"
    assert parsed(content, settings=SMALL) == [plain("one two", title="a"), Rejection("file", reason, 3)]


def test_a_line_over_the_limit_in_a_table_is_rejected_and_the_rest_goes_on() -> None:
    content = "title,text\na," + "x" * 1_500_000 + "\nb,fine words\n"
    rejected = Rejection("file", "line longer than the limit of 1 MB (max_article_mb)", 2)
    assert parsed(content, settings=SMALL) == [rejected, plain("fine words", title="b")]


def test_a_long_field_within_the_limit_is_read() -> None:
    text = "word " * 40_000
    assert draft(f'title,text\na,"{text}"\n').text == text.strip()


def test_a_table_with_one_column_is_known_by_its_name() -> None:
    assert draft("text\nAll of it.\n", "a.csv").text == "All of it."
