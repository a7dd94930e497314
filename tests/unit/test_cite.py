from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from newsqa import cite
from newsqa.types import Citation

QUOTE = "Fares rise by 12% & more, said Tove_Lind."
CITATION = Citation(
    *(1, "a1", 2, QUOTE, 10, 10 + len(QUOTE), "12%", 24, 27),
    *("Ferry {fares} #1", "Radio Ilvesk", "2025-04-12T08:00:00+02:00", "https://ilvesk.example/a_(b)?c={d}"),
    *(QUOTE, 10, 10 + len(QUOTE), 0.9),
)
BARE = replace(CITATION, title="", outlet=None, published=None, url=None)


def test_plain_text_has_the_quote_to_the_letter_and_its_source() -> None:
    assert cite.plain(CITATION) == (
        f"“{QUOTE}”\n— Radio Ilvesk, 12 April 2025, “Ferry {{fares}} #1”, https://ilvesk.example/a_%28b%29?c=%7Bd%7D"
    )
    assert cite.plain(BARE) == f"“{QUOTE}”\n— “Untitled”"


def test_markdown_is_a_block_quote_with_a_link() -> None:
    rendered = MarkdownIt("commonmark").render(cite.markdown(CITATION))
    assert rendered == (
        "<blockquote>\n<p>Fares rise by 12% &amp; more, said Tove_Lind.</p>\n"
        '<p>— <a href="https://ilvesk.example/a_%28b%29?c=%7Bd%7D">Ferry {fares} #1</a>, '
        "Radio Ilvesk, 12 April 2025</p>\n"
        "</blockquote>\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        "<script>x</script>",
        "[a](javascript:b)",
        "![p](//e)",
        "**b** _i_ `c` ~~d~~",
        "a\n\n# b\n- c\n> d",
        "1986. a",
        "a\n===",
    ],
)
def test_foreign_words_stay_words_in_markdown(words: str) -> None:
    foreign = replace(CITATION, quote=words, title=words, outlet=words)
    tokens = MarkdownIt("commonmark").enable("strikethrough").parse(cite.markdown(foreign))
    inline = {child.type for token in tokens for child in token.children or []}
    assert inline <= {"text", "text_special", "softbreak", "link_open", "link_close"}
    assert {token.tag for token in tokens} <= {"blockquote", "p", ""}


def test_bibtex_escapes_what_it_reads_and_keeps_capitals() -> None:
    assert cite.bibtex(CITATION).split("\n") == [
        "@article{radio-ilvesk-ferry-fares-2025-04-12-10,",
        r"  title = {{Ferry \textbraceleft{}fares\textbraceright{} \#1}},",
        "  journal = {Radio Ilvesk},",
        "  year = {2025},",
        "  month = apr,",
        "  day = {12},",
        "  url = {https://ilvesk.example/a_%28b%29?c=%7Bd%7D},",
        r"  note = {“Fares rise by 12\% \& more, said Tove\_Lind.”},",
        "}",
    ]
    assert cite.bibtex(BARE).split("\n")[:2] == ["@article{10,", "  title = {{Untitled}},"]


@given(st.text(), st.text(), st.text())
def test_bibtex_braces_balance_and_an_entry_ends_where_it_should(quote: str, title: str, outlet: str) -> None:
    entry = cite.bibtex(replace(CITATION, quote=quote, title=title, outlet=outlet))
    depths = [0]
    for brace in re.findall("[{}]", entry):
        depths.append(depths[-1] + (1 if brace == "{" else -1))
    assert depths[-1] == 0
    assert 0 not in depths[1:-1]


def test_csl_json_is_one_newspaper_article() -> None:
    assert json.loads(cite.csl(CITATION)) == [
        {
            "id": "radio-ilvesk-ferry-fares-2025-04-12-10",
            "type": "article-newspaper",
            "title": "Ferry {fares} #1",
            "container-title": "Radio Ilvesk",
            "issued": {"date-parts": [[2025, 4, 12]]},
            "URL": "https://ilvesk.example/a_%28b%29?c=%7Bd%7D",
            "note": f"“{QUOTE}”",
        }
    ]
    assert set(json.loads(cite.csl(BARE))[0]) == {"id", "type", "title", "note"}


@pytest.mark.parametrize("url", ["javascript:alert(1)", "ftp://a.example/b", None])
def test_links_that_lead_nowhere_safe_are_left_out(url: str | None) -> None:
    unsafe = replace(CITATION, url=url)
    for form in (cite.plain, cite.markdown, cite.bibtex, cite.csl):
        assert not re.search("(?i)javascript|ftp|url", form(unsafe))
