from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from installed import ROOT
from newsqa import escape, pages
from newsqa.pages.words import LIKELY
from newsqa.permalink import fingerprint
from newsqa.service import Turn
from newsqa.types import Answer, Article, Citation, Copy, Filters, Passage, Progress, Rejection, Report, Stage

TEXT = "Before.\n\nThe bridge opened on Monday.\nAfter it, a parade."
QUOTE = "The bridge opened on Monday."
START = TEXT.index(QUOTE)
DAY = "on Monday"

ARTICLE = Article(
    id="a1",
    revision=2,
    title="Bridge opens",
    text=TEXT,
    url="https://news.example/bridge?a=1&b=2",
    outlet="Harbour Courier",
    authors=("Ada Moor", "Lin Voss"),
    published="2025-03-04",
    language="en",
    origin="x",
    content_hash="h",
)
CITATION = Citation(
    number=1,
    article_id="a1",
    revision=2,
    quote=QUOTE,
    start=START,
    end=START + len(QUOTE),
    answer=DAY,
    answer_start=TEXT.index(DAY),
    answer_end=TEXT.index(DAY) + len(DAY),
    title=ARTICLE.title,
    outlet=ARTICLE.outlet,
    published=ARTICLE.published,
    url=ARTICLE.url,
    passage=TEXT,
    passage_start=0,
    passage_end=len(TEXT),
    score=0.9,
    also_in=(
        Copy("a2", 1, "Bridge open", "Radio Ilvesk", "2025-03-05", None, verbatim=True),
        Copy("a3", 1, "The bridge", None, None, None, verbatim=False),
    ),
)
NEAR = replace(CITATION, answer=None, answer_start=None, answer_end=None)
ANSWER = Answer("When?", DAY, (CITATION,), (), 0.9, None, 14822)
NO_ANSWER = Answer("Who?", None, (), (NEAR,), 0.1, "No passage answers clearly.", 14822)

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</p></div></section><iframe src=//evil.example>",
    "<style>*{display:none}</style><form action=//evil.example><input name=q>",
    "[click](javascript:alert(1)) ![pixel](https://evil.example/p.png) <https://evil.example>",
    "https://evil.example www.evil.example mail@evil.example",
    "\n\n# Heading\n\n- item\n\n    code\n\n```html\n<b>\n```\n\n| a |\n|---|\n",
    "**bold** _it_ `code` ~~gone~~ \\* [^1]: note",
    "$$\\frac{1}{2}$$ \\(x\\) $x$",
    "${alert(1)} {{value}} {% raw %}",
    "&lt;b&gt; &#60;script&#62; &amp;",
    "abc\u202edcba\u202c \u2066x\u2069",
    "nul\x00 escape\x1b[31m del\x7f c1\x9b cr\r",
    "lone \ud800 surrogate",
]
EVERYTHING = " ".join(HOSTILE)


class Elements(HTMLParser):
    """Collects tags with their attributes, the text that is seen, and the text that is hidden for copying."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.hidden: list[str] = []
        self._in_hidden = False
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_hidden = ("class", "nq-words") in attrs

    def handle_endtag(self, tag: str) -> None:
        self._in_hidden = False

    def handle_data(self, data: str) -> None:
        (self.hidden if self._in_hidden else self.words).append(data)

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self) -> str:
        return "".join(self.words)


def shape(markup: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(tag, tuple(attributes)) for tag, attributes in Elements(markup).tags]


def turned(value: str) -> dict[str, str]:
    """Everything that can be rendered, with ``value`` in each foreign field."""
    copy = Copy(value, 1, value, value, value, value, verbatim=True)
    dated = replace(copy, article_id=f"{value}2", published="2025-03-05")
    citation = replace(CITATION, article_id=value, title=value, outlet=value, url=value, also_in=(copy, dated))
    body = f"{value}\n{value}"
    quoted = replace(citation, quote=body, start=0, end=len(body), passage=body, passage_end=len(body))
    answered = replace(quoted, answer=value, answer_start=0, answer_end=len(value))
    long = f"{body} {'word ' * 200}"  # folded, however long the value is
    near = replace(quoted, quote=long, end=len(long), passage=long, answer=None, answer_start=None, answer_end=None)
    answer = replace(ANSWER, question=value, text=value, citations=(answered,))
    none = replace(NO_ANSWER, question=value, reason=value, near=(near,))
    article = replace(
        ARTICLE,
        id=value,
        title=value,
        text=body,
        url=value,
        outlet=value,
        authors=(value, value),
        published=value,
        language=value,
    )
    filters = Filters(date(2025, 1, 2), date(2025, 2, 3), (value, value), as_of=date(2025, 3, 4), languages=(value,))
    around = Passage(7, f"{value}3", 2, 0, len(value), value, value, value, "2025-03-06")
    return {
        "answer": pages.conversation([Turn(value, answer, filters, value), Turn(value, answer, filters)]),
        "examples": pages.conversation([], [value]),
        "kept": pages.kept(value),
        "file": pages.file(value, value),
        "no answer": pages.conversation([Turn(value, none)]),
        "stage": pages.conversation([Turn(value, Stage("search", value))]),
        "problem": pages.conversation([Turn(value, value)]),
        "sources": pages.sources([Turn(value, answer)], [around]),
        "near": pages.sources([Turn(value, none)]),
        "header": pages.header(value, writable=False),
        "notice": pages.notice(value),
        "progress": pages.progress(Progress(value, 1, 2, value)),
        "report": pages.report(Report(rejected=(Rejection(value, value, 1),))),
        "article": pages.article_page(article, start=0, end=len(value), copies=[article]),
        "problem page": pages.problem_page(value, value),
    }


NAMES = sorted(turned("x"))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [*HOSTILE, EVERYTHING])
def test_foreign_text_adds_no_element_and_no_attribute(name: str, value: str) -> None:
    # Line ends make paragraphs on an article page; nothing else of a text may show in the structure.
    if name == "article":
        value = value.replace("\n", " ")
    assert shape(turned(value)[name]) == shape(turned("harmless")[name])


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_to_this_server_only(name: str) -> None:
    for value in (*HOSTILE, "javascript:alert(1)", "data:text/html,<script>", "//evil.example"):
        for attributes in Elements(turned(value)[name]).attributes("a"):
            assert re.match(r"articles/|\./$|\?q=|#nq-(source|answer)-\d+$", attributes["href"] or "")


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"article", "problem page"}))
def test_markdown_leaves_what_gradio_is_given_as_it_is(name: str) -> None:
    given = turned(EVERYTHING)[name]
    assert "\n" not in given
    assert MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(given) == given


@pytest.mark.parametrize("value", HOSTILE)
def test_escaped_text_is_nothing_but_text_to_markdown(value: str) -> None:
    paragraph = MarkdownIt("commonmark", {"html": True}).enable("strikethrough").parse(f"x{escape.text(value)}")
    assert [token.type for token in paragraph] == ["paragraph_open", "inline", "paragraph_close"]
    assert {child.type for child in paragraph[1].children or []} <= {"text", "text_special"}


@pytest.mark.parametrize("value", HOSTILE)
def test_escaped_text_has_no_character_that_means_something(value: str) -> None:
    assert re.search(r"[<>\"'`$*_{}\\\[\]()!|~@:/\n]", str(escape.text(value))) is None


def test_text_keeps_its_words_and_drops_only_what_is_not_text() -> None:
    assert (
        html.unescape(escape.text("a <b> & “c” № 5\n\té 日本 👩‍🚒 \u200f")) == "a <b> & “c” № 5\n\té 日本 👩‍🚒 \u200f"
    )
    assert html.unescape(escape.text("a\u202eb\u202cc\x00d\x1be\ud800f\u2066g\u2069")) == "abcdefg"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://news.example/a?b=1", "https://news.example/a?b=1"),
        (" http://news.example ", "http://news.example"),
        ("HTTPS://NEWS.example/", "https://NEWS.example/"),
        ("javascript:alert(1)", None),
        ("java\nscript:alert(1)", None),
        ("\x01javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("ftp://news.example/", None),
        ("//news.example/", None),
        ("https://news.example/a b", None),
        ("/articles/1", None),
        ("https://", None),
        ("https://[bad", None),
        ("", None),
        (None, None),
    ],
)
def test_only_http_urls_become_links(url: str | None, expected: str | None) -> None:
    assert escape.safe_url(url) == expected


def test_article_href_carries_revision_offsets_and_fingerprint() -> None:
    assert escape.article_href("a/1?", 2, 3, 9) == "articles/a%2F1%3F?revision=2&start=3&end=9#quote"
    assert escape.article_href("a", 2, 3, 9, "ab12") == "articles/a?revision=2&start=3&end=9&mark=ab12#quote"
    assert escape.article_href("a", 2) == "articles/a?revision=2"


@pytest.mark.parametrize(
    ("published", "expected"),
    [
        ("2016-12-28", "28 December 2016"),
        ("2016-12-28T08:05:00+00:00", "28 December 2016, 08:05 UTC"),
        ("2016-12-28T08:05:00+02:00", "28 December 2016, 08:05 UTC+02:00"),
        ("2016-12-28T08:05:00", "28 December 2016, 08:05"),
        (None, "no date"),
        ("in spring", "in spring"),
    ],
)
def test_dates_are_written_for_people(published: str | None, expected: str) -> None:
    assert pages.when(published) == expected


PERMALINK = f"articles/a1?revision=2&start={START}&end={START + len(QUOTE)}&mark={fingerprint(QUOTE)}#quote"


def test_an_answer_shows_quote_number_outlet_date_headline_and_how_likely() -> None:
    start = TEXT.index("After")
    second = replace(CITATION, number=2, quote=TEXT[start:], start=start, end=len(TEXT), answer=TEXT[start:])
    second = replace(second, answer_start=start, answer_end=len(TEXT), score=0.55, also_in=())
    chat = pages.conversation([Turn("When?", replace(ANSWER, citations=(CITATION, second)))])
    seen = Elements(chat)
    assert seen.text == (
        f"When?{QUOTE}[1] Harbour Courier · 4 March 2025 · Bridge opens · very likely"
        "Also in 2 othersRadio Ilvesk, 5 March 2025The bridge, no date (in other words)"
        "Further answersAfter it, a parade.[2] Harbour Courier · 4 March 2025 · Bridge opens · more likely than not"
        "Ask again Copy link"
    )
    titles = [attributes["title"] for attributes in seen.attributes("span")]
    assert titles == ["confidence 0.90", "confidence 0.55"]
    assert marks(chat) == [DAY, "After it, a parade."]


def test_answers_in_the_same_words_are_shown_in_them_once() -> None:
    start = QUOTE.index("bridge") + START
    second = replace(CITATION, number=2, answer="bridge", answer_start=start, answer_end=start + 6, score=0.55)
    third = replace(CITATION, number=3, article_id="a9")
    turns = [Turn("When?", replace(ANSWER, citations=(CITATION, second, third)))]
    seen = Elements(pages.conversation(turns))
    assert seen.text.startswith(
        f"When?{QUOTE}[1] Harbour Courier · 4 March 2025 · Bridge opens · "
        f"{DAY}: very likely; bridge: more likely than notAlso in"
    )
    assert f"Further answers{QUOTE}[2] Harbour Courier" in seen.text
    assert marks(pages.conversation(turns)) == ["bridge", DAY, DAY]
    cards = pages.sources(turns)
    assert [card["id"] for card in Elements(cards).attributes("article")] == ["nq-source-1", "nq-source-2"]
    assert cards.count("<mark>The <strong>bridge</strong> opened <strong>on Monday</strong>&#46;</mark>") == 1


def test_forged_answers_that_overlap_leave_the_quote_as_it_is() -> None:
    whole = replace(CITATION, answer=QUOTE, answer_start=START, answer_end=START + len(QUOTE))
    most = replace(whole, answer_end=START + len(QUOTE) - 2)
    for cited in ((CITATION, whole), (CITATION, CITATION), (CITATION, most)):
        (quote,) = re.findall(
            "<blockquote[^>]*>(.*?)</blockquote>", pages.conversation([Turn("?", replace(ANSWER, citations=cited))])
        )
        assert Elements(quote).text == QUOTE


def test_numbers_lead_to_the_cards_of_the_last_answer_and_else_to_the_article() -> None:
    seen = Elements(pages.conversation([Turn("When?", ANSWER), Turn("When?", ANSWER)]))
    numbers = [a for a in seen.attributes("a") if "title" in a]
    assert [a["href"] for a in numbers] == [PERMALINK, "#nq-source-1"]
    card = Elements(pages.sources([Turn("When?", ANSWER)]))
    assert {"class": "nq-card", "id": "nq-source-1", "tabindex": "-1"} in card.attributes("article")
    assert "#nq-answer-1" in [a["href"] for a in card.attributes("a")]
    assert numbers[1]["id"] == "nq-answer-1"


@pytest.mark.parametrize(
    ("confidence", "word"),
    [
        (1.0, "very likely"),
        (0.9, "very likely"),
        (0.8999, "likely"),
        (0.66, "likely"),
        (0.5, "more likely than not"),
        (0.4999, "uncertain"),
        (0.0, "uncertain"),
    ],
)
def test_confidence_in_words(confidence: float, word: str) -> None:
    assert pages.likelihood(confidence) == word


def test_the_readme_says_the_same_words() -> None:
    said = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    *named, (_, last) = LIKELY
    words = ", ".join(f'"{word}" from {least:g}' for least, word in named)
    assert f'{words}, else "{last}".' in said


@pytest.mark.parametrize(
    ("support", "said"), [(1, ""), (3, " · found in 3 articles"), (1204, " · found in 1,204 articles")]
)
def test_an_answer_of_several_articles_says_how_many(support: int, said: str) -> None:
    answer = replace(ANSWER, citations=(replace(CITATION, support=support),))
    assert f"Bridge opens{said} · very likely" in Elements(pages.conversation([Turn("When?", answer)])).text


def test_no_answer_says_what_was_searched_and_why() -> None:
    assert Elements(pages.conversation([Turn("Who?", NO_ANSWER)])).text == (
        "Who?No answer found in 14,822 articles.Searched: every article. No passage answers clearly. "
        "The nearest passages are shown as sources; they are not answers.Ask again Copy link"
    )
    filtered = Turn("Who?", NO_ANSWER, Filters(since=date(2025, 1, 2), outlets=("Radio Ilvesk",)))
    assert "Searched: only Radio Ilvesk, from 2 January 2025." in Elements(pages.conversation([filtered])).text


def test_turns_are_shown_in_order_with_their_state_and_problems() -> None:
    turns = [Turn("a?", Stage("search", "Searching…")), Turn("b?", "It broke.")]
    assert Elements(pages.conversation(turns)).text == "a?Searching…b?It broke.Ask again Copy link"


def test_each_filter_is_a_chip_that_asks_without_it() -> None:
    filters = Filters(date(2025, 1, 2), None, ("Harbour Courier", "Radio Ilvesk"), as_of=date(2025, 3, 4))
    seen = Elements(pages.conversation([Turn("c?", "Stopped.", filters)]))
    assert seen.text == (
        "c?only Harbour Courier ×only Radio Ilvesk ×from 2 January 2025 ×as of 4 March 2025 ×"
        "Stopped.Ask again Copy link"
    )
    harbour, radio = "&outlet=Harbour+Courier", "&outlet=Radio+Ilvesk"
    assert [a["href"] for a in seen.attributes("a")] == [
        f"?q=c%3F{radio}&from=2025-01-02&asof=2025-03-04",
        f"?q=c%3F{harbour}&from=2025-01-02&asof=2025-03-04",
        f"?q=c%3F{harbour}{radio}&asof=2025-03-04",
        f"?q=c%3F{harbour}{radio}&from=2025-01-02",
        f"?q=c%3F{harbour}{radio}&from=2025-01-02&asof=2025-03-04",
    ]


def test_a_follow_up_says_how_it_was_understood_and_asks_that_again() -> None:
    seen = Elements(pages.conversation([Turn("When?", "Stopped.", asked="When did it open?")]))
    assert seen.text == "When?Asked as: When did it open? Correct itStopped.Ask again Copy link"
    assert [a["href"] for a in seen.attributes("a")] == ["?q=When+did+it+open%3F"]


def test_a_card_marks_the_quote_in_its_passage_and_stresses_the_answer_in_it() -> None:
    card = pages.sources([Turn("When?", ANSWER)])
    assert "<mark>The bridge opened <strong>on Monday</strong>&#46;</mark>" in card
    seen = Elements(card)
    assert seen.text.startswith(
        "Sources[1] Bridge opensHarbour Courier · 4 March 2025Before.\n"
        f"{QUOTE}\nAfter it, a parade.Open article at the quote · Back to the answer"
        "Also in 2 othersRadio Ilvesk, 5 March 2025The bridge, no date (in other words)"
        "Copy Quote Link Markdown BibTeX CSL-JSON"
    )
    assert seen.attributes("a")[0]["href"] == PERMALINK
    assert [len(words) > len(QUOTE) and QUOTE in words for words in seen.hidden] == [True] * 4


def test_the_timeline_shows_each_dated_article_once_as_a_link_and_as_a_row() -> None:
    same = replace(CITATION, number=2)
    late = replace(CITATION, number=3, article_id="a9", published="2025-05-04T08:00:00+02:00", title="", also_in=())
    cited = [Passage(n, "a1", 2, 0, 4, "Text", "Bridge opens", "Harbour Courier", "2025-03-04") for n in (1, 2)]
    near = Passage(3, "a5", 1, 0, 4, "Text", "A near one", None, "2025-03-20")
    undated = Passage(4, "a6", 1, 0, 4, "Text", "Undated", None, None)
    turns = [Turn("When?", replace(ANSWER, citations=(late, CITATION, same)))]
    panel = pages.sources(turns, [*cited, near, undated])
    picture = re.findall(r"<svg.*</svg>", panel)[0]
    assert Elements(picture).text.split(":") == [
        "4 March 2025, Harbour Courier",
        " Bridge opens5 March 2025, Radio Ilvesk",
        " Bridge open20 March 2025, unknown outlet",
        " A near one4 May 2025, 08",
        "00 UTC+02",
        "00, Harbour Courier",
        " Untitled",
    ]
    kinds = [circle["class"] for circle in Elements(picture).attributes("circle")]
    assert kinds == ["nq-point", "nq-point nq-elsewhere", "nq-point nq-elsewhere", "nq-point"]
    places = [float((circle["cx"] or "").rstrip("%")) for circle in Elements(picture).attributes("circle")]
    assert places == sorted(places)
    assert places[0] == 4
    assert places[-1] == 96
    links = [link["href"] for link in Elements(picture).attributes("a")]
    assert links[0] == PERMALINK
    assert links[1] == "articles/a2?revision=1"
    assert links[2] == f"articles/a5?revision=1&start=0&end=4&mark={fingerprint('Text')}#quote"
    rows = re.findall(r"<tbody>.*</tbody>", panel)[0]
    assert [a["href"] for a in Elements(rows).attributes("a")] == links


def test_names_that_nobody_would_read_are_cut() -> None:
    huge = replace(CITATION, title="t" * 100_000, outlet="o" * 100_000, also_in=())
    turns = [Turn("When?", replace(ANSWER, citations=(huge,)))]
    assert "t" * 400 + "…" in Elements(pages.conversation(turns)).text
    assert len(Elements(pages.conversation(turns)).text) < 1500
    assert len(Elements(pages.sources(turns)).text) < 1500


def test_there_is_no_timeline_of_a_single_day_or_article() -> None:
    alone = replace(CITATION, also_in=())
    undated = replace(alone, number=2, article_id="a2", published=None)
    assert "<svg" not in pages.sources([Turn("When?", replace(ANSWER, citations=(alone, undated)))])


def test_long_passages_are_cut_around_the_quote_at_words() -> None:
    passage = "word " * 200 + QUOTE + " word" * 200
    start = passage.index(QUOTE)
    answer = passage.index(DAY)
    long = replace(CITATION, passage=passage, start=start, end=start + len(QUOTE), also_in=())
    long = replace(long, answer_start=answer, answer_end=answer + len(DAY))
    shown = Elements(pages.sources([Turn("When?", replace(ANSWER, citations=(long,)))])).text
    context, _, whole = shown.partition("2025")[2].partition("More context")
    assert whole.startswith(passage)
    before, quote, after = context.partition(QUOTE)
    assert quote == QUOTE
    assert before.startswith("…word word")
    assert before.endswith(" word ")
    assert len(before) <= pages.CONTEXT + 1
    assert after.startswith(" word word")
    assert after.endswith(" word…")
    assert len(after) <= pages.CONTEXT + 1


def test_near_passages_are_marked_as_no_answer() -> None:
    panel = pages.sources([Turn("Who?", NO_ANSWER)])
    assert Elements(panel).text.startswith("Not an answer, but nearBridge opens")
    assert {"mark", "strong"} & {tag for tag, _ in Elements(panel).tags} == set()


def test_a_long_near_passage_is_cut_at_a_word_and_can_be_unfolded() -> None:
    passage = "word " * 200 + "end."
    near = replace(NO_ANSWER.near[0], quote=passage, start=0, end=len(passage), passage=passage)
    shown = Elements(pages.sources([Turn("Who?", replace(NO_ANSWER, near=(near,)))])).text
    cut, _, whole = shown.partition("2025")[2].partition("Whole passage")
    assert cut.endswith(" word…")
    assert len(cut) <= pages.CONTEXT + 1
    assert whole.startswith(passage)
    unspaced = replace(NO_ANSWER, near=(replace(near, quote="火" * 2000),))
    assert "火" * 250 in Elements(pages.sources([Turn("Who?", unspaced)])).text.partition("…")[0]


def test_a_language_is_a_chip_by_its_name() -> None:
    seen = Elements(pages.conversation([Turn("c?", "Stopped.", Filters(languages=("fr", "el")))]))
    assert "c?in French ×in Greek ×" in seen.text
    assert [a["href"] for a in seen.attributes("a")] == [
        "?q=c%3F&lang=el",
        "?q=c%3F&lang=fr",
        "?q=c%3F&lang=fr&lang=el",
    ]


def test_the_timeline_of_near_passages_quotes_none() -> None:
    other = replace(NO_ANSWER.near[0], article_id="a2", published="2025-03-20")
    panel = pages.sources([Turn("Who?", replace(NO_ANSWER, near=(NO_ANSWER.near[0], other)))])
    assert [circle["class"] for circle in Elements(panel).attributes("circle")] == ["nq-point nq-elsewhere"] * 2


def test_the_header_says_where_nothing_may_be_written() -> None:
    assert Elements(pages.header("61 articles", writable=True)).text == "newsqa61 articles"
    assert Elements(pages.header("61 articles", writable=False)).text == "newsqa61 articlesread-only"


def test_sources_are_those_of_the_last_turn() -> None:
    waiting = pages.sources([Turn("When?", ANSWER), Turn("And?", Stage("search", "Searching…"))])
    assert Elements(waiting).attributes("article") == []
    assert waiting == pages.sources([])


def test_report_counts_and_names_what_was_rejected() -> None:
    rejected = (Rejection("/x/y/upload.pdf", "binary content"), Rejection("/x/lines.jsonl", "not JSON", 1204))
    seen = Elements(pages.report(Report(added=1204, updated=1, copies=2, rejected=rejected)))
    assert seen.text == (
        "Articles: 1,204 added, 1 updated, 0 unchanged, 2 near copies."
        "2 rejected:upload.pdf: binary contentlines.jsonl, line 1,204: not JSON"
    )


def test_a_long_list_of_rejections_is_cut_and_says_so() -> None:
    rejected = tuple(Rejection(f"f{n}", "empty") for n in range(pages.SHOWN_REJECTIONS + 3))
    seen = Elements(pages.report(Report(rejected=rejected)))
    assert len(seen.attributes("li")) == pages.SHOWN_REJECTIONS + 1
    assert seen.text.endswith("and 3 more")


@pytest.mark.parametrize(
    ("total", "expected"), [(200, "embed: 1,150 of 200 passages…"), (None, "embed: 1,150 passages…")]
)
def test_progress_in_words(total: int | None, expected: str) -> None:
    assert Elements(pages.progress(Progress("embed", 1150, total, "passages"))).text == expected


def marks(page: str) -> list[str]:
    return [html.unescape(found) for found in re.findall(r"<mark[^>]*>(.*?)</mark>", page)]


def test_article_page_marks_the_quote_and_keeps_the_text() -> None:
    page = pages.article_page(ARTICLE, start=START, end=START + len(QUOTE))
    assert marks(page) == [QUOTE]
    assert page.count('id="quote"') == 1
    paragraphs = re.findall(r'<p dir="auto">(.*?)</p>', page)
    assert [html.unescape(re.sub("<[^>]*>", "", p)) for p in paragraphs] == TEXT.replace("\n\n", "\n").split("\n")


def test_a_quote_over_several_lines_is_marked_in_each_and_found_at_the_first() -> None:
    page = pages.article_page(ARTICLE, start=3, end=len(TEXT) - 8)
    assert marks(page) == ["ore.", QUOTE, "After it, a"]
    assert re.findall(r'<mark id="quote">ore', page) == ['<mark id="quote">ore']
    assert page.count('id="quote"') == 1


def test_article_page_without_offsets_marks_nothing() -> None:
    assert marks(pages.article_page(ARTICLE)) == []
    assert "Revision 2" in Elements(pages.article_page(ARTICLE)).text


def test_article_page_shows_metadata_link_copies_and_newer_revision() -> None:
    copy = replace(ARTICLE, id="a2", outlet="Radio Ilvesk", revision=1)
    seen = Elements(pages.article_page(ARTICLE, current=3, copies=[copy]))
    assert "By Ada Moor, Lin Voss" in seen.text
    assert "Revision 2" in seen.text
    assert "This is revision 2 as it was cited. Revision 3 is newer." in seen.text
    assert [link["href"] for link in seen.attributes("a")] == [
        "./",
        "https://news.example/bridge?a=1&b=2",
        "articles/a2?revision=1",
        "articles/a1?revision=3",
    ]
    assert "newer" not in pages.article_page(ARTICLE, current=2)
    assert Elements(pages.article_page(replace(ARTICLE, url="javascript:alert(1)"))).attributes("a") == [{"href": "./"}]


@pytest.mark.parametrize(
    ("now", "said", "place"),
    [
        (None, "Revision 3 is newer and no longer has the quote in these words.", ""),
        (40, "Revision 3 is newer and still has the quote, word for word.", f"&start=40&end={40 + len(QUOTE)}"),
    ],
)
def test_a_quote_page_gives_its_permalink_and_says_what_became_of_the_quote(
    now: int | None, said: str, place: str
) -> None:
    page = pages.article_page(ARTICLE, current=3, start=START, end=START + len(QUOTE), start_now=now)
    seen = Elements(page)
    assert said in seen.text
    permalink, newer = [link["href"] or "" for link in seen.attributes("a")][2:]
    assert permalink == PERMALINK
    assert newer == f"articles/a1?revision=3{place}" + (f"&mark={fingerprint(QUOTE)}#quote" if place else "")
