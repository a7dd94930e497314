"""Whatever a document holds, it is read whole or refused with a reason."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from documents import parsed
from newsqa.formats import jsonl, lines
from newsqa.formats.content import decode
from newsqa.formats.markup import fragment_text, is_markup
from newsqa.types import Draft, Rejection

NAMES = st.sampled_from(["a", "a.txt", "a.html", "a.json", "a.jsonl", "a.csv", "a.tsv", "a.xml", "https://e.org/a"])
STARTS = st.sampled_from(
    [
        *(b"", b"<html>", b"<!doctype html><p>", b"<rss><channel><item>", b"<?xml"),
        *(b"{", b'{"text": "', b'[{"text":', b"title,text\n", b"title\ttext\n", b'title,text\na,"'),
        *(b"\xef\xbb\xbf", b"\xff\xfe", b"\x1f\x8b"),
    ]
)
TEXTS = (
    st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1)
    .map(str.strip)
    .filter(lambda text: text and not is_markup(text))
)
RECORDS = st.lists(st.fixed_dictionaries({"url": st.just("https://e.org/"), "title": TEXTS, "text": TEXTS}), min_size=1)


def drafts(records: list[dict[str, str]]) -> list[Draft]:
    return [Draft(key=record["title"], **record) for record in records]


def as_table(records: list[dict[str, str]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, ["url", "title", "text"])
    writer.writeheader()
    writer.writerows(records)
    return out.getvalue()


@settings(deadline=None)
@given(STARTS, st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace")), NAMES)
def test_anything_is_read_or_rejected(start: bytes, rest: bytes, name: str) -> None:
    for found in parsed(start + rest, name):
        if isinstance(found, Draft):
            assert found.text.encode().decode() == found.text
        else:
            assert isinstance(found, Rejection)
            assert found.reason


@settings(deadline=None)
@given(RECORDS, st.sampled_from([None, 1]), st.booleans())
def test_arrays_of_records_come_back_whole(records: list[dict[str, str]], indent: int | None, ascii_only: bool) -> None:
    assert parsed(json.dumps(records, indent=indent, ensure_ascii=ascii_only)) == drafts(records)


@settings(deadline=None)
@given(RECORDS, st.sampled_from(["\n", "\r\n", "\n\n"]), st.booleans())
def test_lines_of_records_come_back_whole(records: list[dict[str, str]], end: str, ascii_only: bool) -> None:
    content = end.join(json.dumps(record, ensure_ascii=ascii_only) for record in records)
    assert parsed(content) == drafts(records)


@settings(deadline=None)
@given(RECORDS)
def test_rows_come_back_whole(records: list[dict[str, str]]) -> None:
    assert parsed(as_table(records)) == drafts(records)


@settings(deadline=None)
@given(RECORDS, st.integers(1, 40), st.sampled_from(["utf-8", "utf-16", "utf-32"]))
def test_where_a_chunk_ends_does_not_matter(records: list[dict[str, str]], size: int, encoding: str) -> None:
    array, table = json.dumps(records, ensure_ascii=False).encode(encoding), as_table(records).encode(encoding)
    with mock.patch.object(jsonl, "_CHUNK", size), mock.patch.object(lines, "_CHUNK", size):
        assert parsed(array) == parsed(table) == drafts(records)


@settings(deadline=None)
@given(st.text(min_size=1), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
def test_text_is_decoded_as_it_was_encoded(text: str, encoding: str) -> None:
    clean = text.encode("utf-8", "ignore").decode()
    clean = "words " + "".join(letter for letter in clean if letter.isprintable())
    assert decode(clean.encode(encoding)) == clean


def _tree(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    tags = st.sampled_from(["p", "div", "b", "li", "td", "script", "unknown"])
    return st.builds(lambda tag, inner: f"<{tag}>{inner}</{tag}>", tags, st.lists(children, max_size=4).map("".join))


@settings(deadline=None)
@given(
    st.recursive(st.sampled_from(["word", " ", "\n", "&amp;", "<br>", "<!-- c -->", "<", "\x0c"]), _tree, max_leaves=20)
)
def test_the_text_of_a_fragment_has_tidy_lines(markup: str) -> None:
    def untidy() -> Iterator[str]:
        for line in fragment_text(markup).split("\n"):
            if line != line.strip() or "  " in line:
                yield line

    assert list(untidy()) == []
