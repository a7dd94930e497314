"""Web pages: body, metadata, pages without an article, hostile ones."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from documents import draft, parsed, rejection
from newsqa.errors import FormatError
from newsqa.formats import html
from newsqa.formats.markup import MAX_ATTRIBUTES, MAX_ELEMENTS, fragment_text, html_tree
from newsqa.settings import Settings
from newsqa.types import Rejection

DATA = Path(os.environ.get("NEWSQA_DATA", Path(__file__).parents[2] / "../shared/data"))
FIRST = (
    "The council of Arnholt voted on Tuesday to rebuild the mill that burned down in March, after a debate of six "
    "hours in which forty people spoke."
)
SECOND = (
    "“It is the first thing that anyone sees of this town,” said mayor Jonas Feld, who had promised the vote in his "
    "campaign and who now has to find four million crowns."
)
THIRD = "The insurance pays for a third of it, the district for another, and nobody has said who pays for the rest."
BODY = f"""<article><h1>Arnholt rebuilds its mill</h1><p>{FIRST}</p><h2>The money</h2><p>{SECOND}</p>
<ul><li>One third comes from the insurance of the mill</li><li>One third comes from the district of Arnholt</li></ul>
<blockquote><p>{THIRD}</p></blockquote></article>"""
HEAD = """<title>Arnholt rebuilds its mill | The Arnholt Courier</title>
<link rel="canonical" href="https://courier.example.org/2021/mill">
<meta property="og:title" content="Arnholt rebuilds its mill">
<meta property="og:site_name" content="The Arnholt Courier">
<meta name="author" content="Lena Brandt">
<meta property="article:published_time" content="2021-05-04T18:30:00+02:00">"""
NAVIGATION = "<nav><ul>" + "<li><a href='/a'>Section</a></li>" * 12 + "</ul></nav>"
FOOTER = "<footer><p>Copyright 2021 The Arnholt Courier. All rights reserved.</p></footer>"


def page(body: str = BODY, head: str = HEAD) -> str:
    return f'<!DOCTYPE html><html lang="en-GB"><head>{head}</head><body>{NAVIGATION}{body}{FOOTER}</body></html>'


def test_body_and_metadata() -> None:
    found = draft(page())
    assert found.title == "Arnholt rebuilds its mill"
    assert found.url == "https://courier.example.org/2021/mill"
    assert found.outlet == "The Arnholt Courier"
    assert found.authors == ("Lena Brandt",)
    assert found.published == "2021-05-04T18:30:00+02:00"
    assert found.language == "en"
    assert found.key is None


def test_headings_items_and_paragraphs_are_lines_of_their_own() -> None:
    assert draft(page()).text.splitlines() == [
        "Arnholt rebuilds its mill",
        FIRST,
        "The money",
        SECOND,
        "One third comes from the insurance of the mill",
        "One third comes from the district of Arnholt",
        THIRD,
    ]


def test_rows_of_a_table_are_lines_with_tabs_between_cells() -> None:
    table = "<table><tr><th>Payer</th><th>Crowns</th></tr><tr><td>District</td><td>1.3 million</td></tr></table>"
    lines = draft(page(BODY.replace("</article>", f"{table}</article>"))).text.splitlines()
    assert lines[-2:] == ["Payer\tCrowns", "District\t1.3 million"]


@pytest.mark.parametrize(
    ("moment", "published"),
    [
        ("2021-05-04T18:30:00+02:00", "2021-05-04T18:30:00+02:00"),
        ("2021-05-04T18:30:00Z", "2021-05-04T18:30:00+00:00"),
        ("2021-05-04T18:30:00", "2021-05-04"),
        ("2021-05-04", "2021-05-04"),
    ],
)
def test_the_time_is_kept_only_with_its_zone(moment: str, published: str) -> None:
    assert draft(page(head=HEAD.replace("2021-05-04T18:30:00+02:00", moment))).published == published


def test_a_page_without_metadata_has_none() -> None:
    found = draft(f"<html><body>{BODY}</body></html>")
    assert (found.url, found.outlet, found.authors, found.published, found.language) == (None, None, (), None, None)


@pytest.mark.parametrize("canonical", ["https://courier.example.org/", "https://courier.example.org"])
def test_the_front_page_is_no_address_of_an_article(canonical: str) -> None:
    content = page(head=HEAD.replace("https://courier.example.org/2021/mill", canonical))
    assert draft(content).url is None
    assert draft(content, "https://courier.example.org/fetched").url == "https://courier.example.org/fetched"


def test_the_address_that_was_fetched_stands_in_for_a_missing_one() -> None:
    assert draft(f"<html><body>{BODY}</body></html>", "https://e.org/mill?x=1").url == "https://e.org/mill?x=1"


@pytest.mark.parametrize(("encoding", "meta"), [("utf-8", "utf-8"), ("iso-8859-1", "iso-8859-1"), ("utf-16", "x")])
def test_encodings_of_pages(encoding: str, meta: str) -> None:
    content = page(BODY.replace("Feld", "Größ").replace("“", "").replace("”", ""), f'<meta charset="{meta}">')
    assert "mayor Jonas Größ" in draft(content.encode(encoding)).text


def test_a_broken_letter_costs_that_letter_alone() -> None:
    content = page().encode().replace(b"Jonas", b"Jon\xffs")
    assert "mayor Jon\ufffds Feld" in draft(content).text


LOGIN = """<main><h1>Log in</h1><form><label>Name</label><input><label>Password</label><input type=password>
<button>Log in</button></form><p>Forgot your password?</p><p>Not a subscriber yet? Subscribe now.</p></main>"""
PAYWALL = """<main><h1>Arnholt rebuilds its mill</h1><div><p>This article is for subscribers.</p>
<p>Already a subscriber? Log in</p><a href="/subscribe">Subscribe from 1 crown a week</a></div></main>"""
CONSENT = "<div><h2>We value your privacy</h2><button>Accept all</button><button>Reject all</button></div>"


@pytest.mark.parametrize(
    "body", ["", "<p></p>", LOGIN, PAYWALL, CONSENT, "<div id='root'></div><script>run()</script>"]
)
def test_a_page_without_an_article_is_rejected(body: str) -> None:
    assert rejection(page(body)) == Rejection("file", "no article found on the page")


def test_markup_without_content_is_refused() -> None:
    with pytest.raises(FormatError, match="no article found: the page is empty"):
        html_tree("<!-- nothing -->")


def test_what_trafilatura_does_not_expect_becomes_a_rejection(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr(html.trafilatura, "bare_extraction", fail)
    assert rejection(page()).reason == "no article could be extracted: RecursionError: too deep"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            "<div>" * 50_000 + FIRST + "</div>" * 50_000,
            "HTML over a limit of libxml2: Excessive depth in document: 256",
        ),
        ("<i>" * 400_000, "HTML over a limit of libxml2: Excessive depth in document: 256"),
        ("<p>x</p>" * (MAX_ELEMENTS + 1), "HTML of more than 50,000 elements"),
        ("<p " + " ".join(f"a{n}=b" for n in range(MAX_ATTRIBUTES + 1)) + ">", "more than 1,000 attributes in a tag"),
        ("<p " + "a='>' " * 30_000 + ">", "more than 1,000 attributes in a tag"),
    ],
    ids=["deep", "unclosed", "many elements", "many attributes", "quoted attributes"],
)
def test_hostile_pages_are_refused_with_the_limit_named(body: str, reason: str) -> None:
    assert rejection(page(body)).reason == reason


@pytest.mark.parametrize(
    "noise",
    [
        "<script>" + "if (a <b " + "c d " * 5000 + ") x</script>",
        "<style>" + "<p " + "a b " * 5000 + "></style>",
        "<!-- <p " + "a b " * 5000 + "-->",
        "<img alt='" + "word " * 5000 + "' src=x>",
        "<!-->",
        "<p " + " ".join(f"a{n}=b" for n in range(MAX_ATTRIBUTES - 1)) + "></p>",
    ],
    ids=["script", "style", "comment", "long attribute", "empty comment", "many attributes"],
)
def test_what_only_looks_hostile_is_read(noise: str) -> None:
    assert SECOND in draft(page(noise + BODY)).text


def test_a_page_over_the_limit_is_refused_with_the_limit_named() -> None:
    found = rejection(page("<p>" + "word " * 300_000), settings=Settings(max_article_mb=1))
    assert found.reason == "larger than the limit of 1 MB (max_article_mb)"


@pytest.mark.parametrize("character", ["&#0;", "&#1;", "&#xFFFF;", "&#xD800;", "\x0b", "\ufffe"])
def test_characters_that_xml_forbids(character: str) -> None:
    assert "mayor" in draft(page(BODY.replace("mayor", f"{character}mayor"))).text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("plain", "plain"),
        ("a<br>b", "a\nb"),
        ("<p>a\n  b</p> <p>c</p>", "a b\nc"),
        ("a<b>b</b>c <i>d</i>", "abc d"),
        ("<div>a<div>b</div>c</div>", "a\nb\nc"),
        ("a<script>x</script>b<style>y</style>c", "abc"),
        ("<table><tr><td>a</td><td></td><td>b c</td></tr><tr><td>d</td></tr></table>", "a\tb c\nd"),
        ("a &lt;b&gt; &amp; c", "a <b> & c"),
        ("a<!-- b -->c<?d?>", "ac"),
        ("<script>only</script>", ""),
    ],
)
def test_fragment_text(markup: str, text: str) -> None:
    assert fragment_text(markup) == text


def test_nothing_is_logged_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    parsed(page(""))
    assert capsys.readouterr().err == ""


@pytest.mark.data
def test_extraction_is_no_worse_than_measured() -> None:
    """The floor is below what `benchmarks/extraction.py` reports, above the published 0.958."""
    folder = DATA / "html_pages"
    if not folder.is_dir():
        pytest.skip(f"no evaluation data at {DATA} (NEWSQA_DATA)")
    sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
    try:
        import extraction
    finally:
        sys.path.pop(0)
    assert extraction.measure(html.body_text, extraction.load(folder)).f1 >= 0.965
