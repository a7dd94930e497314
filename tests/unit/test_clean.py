"""What cleaning makes of whole drafts: text, title, date, outlet, url, language, key."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from newsqa.clean import article_key, clean
from newsqa.errors import FormatError
from newsqa.types import Draft

DATA = Path(os.environ.get("NEWSQA_DATA", Path(__file__).parents[2] / "../shared/data"))
BODY = (
    "The harbour board of Veltmark voted on Tuesday to close the old ferry pier, three years after the storm that "
    "tore its planks away and left the island of Sund with one boat a day."
)
SECOND = (
    "“We have waited long enough,” said Ines Harrow, who has run the ticket office since 1998, and who will now move "
    "her desk to the new terminal."
)


def text_of(*lines: str, **known: str) -> list[str]:
    return clean(Draft("\n".join(lines), **{"title": "Pier closes", **known})).text.split("\n")  # type: ignore[arg-type]


def test_white_space_is_narrowed_and_invisible_characters_go() -> None:
    raw = "\ufeffThe\u00a0 pier \u200bof\u202e Sund\x00 is  closed.\r\n\r\n \r\n\r\n"
    raw += "Fares\t \t40 cents\x85 Co\u00adwork.\ud800"
    assert clean(Draft(raw, title="Pier closes")).text == "The pier of Sund is closed.\n\nFares\t40 cents\nCowork."


def test_letters_keep_their_form() -> None:
    raw = "Cafe\u0301 “Møwe” sells ½ l of Ångström … "
    raw += "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \U0001f469\u200d\U0001f692"
    assert clean(Draft(raw, title="Pier closes")).text == raw


def test_a_pasted_blog_page_becomes_one_article() -> None:
    heading = "What the board says"
    page = ["Wednesday 28 December 2016", BODY, heading, SECOND, "Yes.", "Source: Veltmark Courier."]
    link = "Link: http://www.courier.example/pier-1017."
    tail = ["No comments:", "Post a Comment", "Note: Only a member of this blog may post a comment."]
    cleaned = clean(Draft("\n".join([*page, link, BODY, heading, SECOND, page[-1], link, *tail])))
    assert cleaned == Draft(
        text="\n".join([BODY, heading, SECOND, "Yes."]),
        title="The harbour board of Veltmark voted on Tuesday to close the old ferry pier,…",
        url="http://www.courier.example/pier-1017",
        outlet="Veltmark Courier",
        published="2016-12-28",
        language="en",
    )


@pytest.mark.data
def test_the_seed_page_becomes_one_article() -> None:
    page = DATA / "seed_page.txt"
    if not page.is_file():
        pytest.skip(f"{page} is not there; set NEWSQA_DATA")
    cleaned = clean(Draft(page.read_text(encoding="utf-8")))
    assert (cleaned.published, cleaned.outlet) == ("2016-12-28", "Middle East Eye")
    assert cleaned.url == (
        "http://www.middleeasteye.net/news/"
        "after-aleppo-s-fall-hamas-finds-itself-resisting-tehran-well-tel-aviv-1017030317"
    )
    lines = cleaned.text.split("\n")
    assert cleaned.text.startswith("The fall of Aleppo")
    for heading in ("Hamas' support for Aleppo", "Hamas-Iran tensions", "Islamic Jihad moves closer to Iran"):
        assert lines.count(heading) == 1
    assert len(lines) == len(set(lines))
    assert not [line for line in lines if line.startswith(("Source:", "Link:", "No comments", "Post a", "Note:"))]


def test_paragraphs_are_kept_once_with_the_short_lines_around_them() -> None:
    assert text_of("Fares", BODY, "", "Yes.", SECOND, "Fares", BODY, "Yes.", "New line.") == [
        "Fares",
        BODY,
        "",
        "Yes.",
        SECOND,
        "New line.",
    ]


def test_short_lines_may_repeat() -> None:
    lines = ["Café Kai", "Inspected March 28. Violations: 4", "Mill Inn", "Inspected March 28. Violations: 4"]
    assert text_of(BODY, *lines) == [BODY, *lines]


class TestTitle:
    def test_headline_like_first_line_becomes_the_title(self) -> None:
        cleaned = clean(Draft(f"Ferry pier to close after three years\n\n{BODY}"))
        assert (cleaned.title, cleaned.text) == ("Ferry pier to close after three years", BODY)

    @pytest.mark.parametrize(
        ("line", "authors"),
        [
            ("By Ada Quill", ("Ada Quill",)),
            ("By Ada Quill, Bo de la Roe and Cy Fox-Hale", ("Ada Quill", "Bo de la Roe", "Cy Fox-Hale")),
        ],
    )
    def test_a_byline_names_the_authors(self, line: str, authors: tuple[str, ...]) -> None:
        cleaned = clean(Draft(f"{line}\n{BODY}"))
        assert (cleaned.text, cleaned.authors) == (BODY, authors)
        assert clean(Draft(f"{line}\n{BODY}", authors=("Di Orr",))).authors == ("Di Orr",)

    def test_a_sentence_that_begins_with_by_is_no_byline(self) -> None:
        text = f"By Monday evening nine ships lay at anchor.\n{BODY}"
        assert clean(Draft(text)).text == text

    @pytest.mark.parametrize(
        "first",
        ["The pier closes in May.", "Fares up", "- the pier of Sund", "The old pier (Courier)", SECOND],
    )
    def test_other_first_lines_stay(self, first: str) -> None:
        assert clean(Draft(f"{first}\n{BODY}")).text == f"{first}\n{BODY}"

    def test_a_heading_further_down_is_no_title(self) -> None:
        cleaned = clean(Draft(f"{BODY}\nWhat the board says\n{SECOND}"))
        assert cleaned.title.startswith("The harbour board")
        assert cleaned.text == f"{BODY}\nWhat the board says\n{SECOND}"

    def test_first_words_are_cut_at_a_word(self) -> None:
        title = clean(Draft(BODY)).title
        assert title == "The harbour board of Veltmark voted on Tuesday to close the old ferry pier,…"
        assert clean(Draft("a" * 300)).title == "a" * 79 + "…"
        assert clean(Draft("The pier is closed.")).title == "The pier is closed."

    def test_an_endless_title_is_cut(self) -> None:
        assert clean(Draft(BODY, title="Pier " * 1000)).title == "Pier " * 59 + "Pier…"

    def test_title_on_top_of_the_text_is_dropped(self) -> None:
        assert text_of("Pier closes", BODY) == [BODY]
        assert text_of("Pier closes again", BODY) == ["Pier closes again", BODY]

    def test_a_text_that_is_its_title_stays(self) -> None:
        assert text_of("Pier closes", "Pier closes") == ["Pier closes", "Pier closes"]


class TestPublished:
    @pytest.mark.parametrize("line", ["28 December 2016", "Published: Dec. 28, 2016", "2016-12-28"])
    def test_dateline_below_the_title_dates_the_article(self, line: str) -> None:
        cleaned = clean(Draft(f"Ferry pier to close after three years\n{line}\n{BODY}"))
        assert (cleaned.published, cleaned.text) == ("2016-12-28", BODY)

    def test_a_known_date_is_not_overwritten(self) -> None:
        cleaned = clean(Draft(f"28 December 2016\n{BODY}", title="Pier closes", published="2017/01/05"))
        assert (cleaned.published, cleaned.text) == ("2017-01-05", f"28 December 2016\n{BODY}")

    def test_dateline_that_repeats_the_known_date_goes(self) -> None:
        assert text_of("Dec. 28, 2016 Updated Dec. 29, 2016, 4:02 p.m. ET", BODY, published="2016/12/28") == [BODY]

    def test_a_date_inside_the_article_stays(self) -> None:
        assert text_of(BODY, "28 December 2016", SECOND) == [BODY, "28 December 2016", SECOND]

    def test_nonsense_is_dropped(self) -> None:
        assert clean(Draft(BODY, published="the other day")).published is None


class TestCredits:
    def test_source_beside_the_link_wins_over_the_host(self) -> None:
        cleaned = clean(Draft(f"{BODY}\nSource: Veltmark Courier\nURL: https://blog.example/a).", title="Pier closes"))
        assert (cleaned.outlet, cleaned.url, cleaned.text) == ("Veltmark Courier", "https://blog.example/a", BODY)

    def test_a_source_at_the_end_names_the_outlet_of_a_text_without_url(self) -> None:
        cleaned = clean(Draft(f"{BODY}\n(Source: Veltmark Courier.)", title="Pier closes"))
        assert (cleaned.outlet, cleaned.text) == ("Veltmark Courier", BODY)

    @pytest.mark.parametrize(
        "lines",
        [
            [BODY, "Source: Harbour Board", SECOND],
            [BODY, "Source: Harbour Board", SECOND, "Source: Bureau of Tides", SECOND + " Then she left."],
            [BODY, "Source: Harbour Board", "Source: Bureau of Tides"],
        ],
    )
    def test_credits_of_figures_stay(self, lines: list[str]) -> None:
        assert clean(Draft("\n".join(lines), title="Pier closes")).outlet is None
        assert text_of(*lines) == lines

    def test_a_known_outlet_is_not_overwritten(self) -> None:
        cleaned = clean(Draft(f"{BODY}\nSource: Harbour Board", title="Pier closes", outlet="Courier"))
        assert (cleaned.outlet, cleaned.text) == ("Courier", f"{BODY}\nSource: Harbour Board")

    def test_data_credit_below_an_article_with_url_stays(self) -> None:
        cleaned = clean(Draft(f"{BODY}\nSource: Harbour Board", title="P", url="https://www.courier.example/a"))
        assert (cleaned.outlet, cleaned.text) == ("courier.example", f"{BODY}\nSource: Harbour Board")

    def test_a_known_url_is_not_overwritten(self) -> None:
        cleaned = clean(Draft(f"{BODY}\nLink: https://other.example/b", title="P", url="https://courier.example/a"))
        assert (cleaned.url, cleaned.text) == ("https://courier.example/a", BODY)

    def test_a_round_up_of_links_stays(self) -> None:
        lines = [BODY, "Link: https://a.example/1", SECOND, "Link: https://b.example/2"]
        assert clean(Draft("\n".join(lines), title="Round-up")).url is None
        assert text_of(*lines) == lines


@pytest.mark.parametrize(
    ("url", "outlet"),
    [
        ("https://www.usatoday.com/story/1", "usatoday.com"),
        ("https://eu.usatoday.com/story/1", "usatoday.com"),
        ("https://www.bbc.co.uk/news", "bbc.co.uk"),
        ("https://harbour.blogspot.com/2016/12/a.html", "harbour.blogspot.com"),
        ("http://10.0.0.7:8080/a", "10.0.0.7"),
        ("http://localhost/a", "localhost"),
        ("javascript:alert(1)", None),
        ("https://", None),
        ("http://[::1", None),
        (None, None),
    ],
)
def test_outlet_from_url(url: str | None, outlet: str | None) -> None:
    cleaned = clean(Draft(BODY, url=url))
    assert cleaned.outlet == outlet
    assert cleaned.url == (url if outlet else None)


def test_names_are_tidied() -> None:
    draft = Draft(BODY, title=" Pier\u200b \n closes ", outlet=" Courier\t", authors=("Ada  Quill", " ", "Ada Quill"))
    cleaned = clean(draft)
    assert (cleaned.title, cleaned.outlet, cleaned.authors) == ("Pier closes", "Courier", ("Ada Quill",))


@pytest.mark.parametrize(
    ("known", "text", "language"),
    [
        (None, BODY, "en"),
        (None, "Die Hafenbehörde hat am Dienstag beschlossen, den alten Anleger zu schließen.", "de"),
        (None, "Управление порта решило во вторник закрыть старый причал.", "ru"),
        ("en-GB", "Die Hafenbehörde schließt den Anleger.", "en"),
        ("ENG", "Die Hafenbehörde schließt den Anleger.", "en"),
        ("Portuguese", BODY, "pt"),
        ("xx", BODY, "en"),
        ("Deutsch", "Die Hafenbehörde hat am Dienstag beschlossen, den alten Anleger zu schließen.", "de"),
    ],
)
def test_language(known: str | None, text: str, language: str) -> None:
    assert clean(Draft(text, language=known)).language == language


@pytest.mark.parametrize("text", ["", " \n\u200b\n", "Advertisement\nTweet\nPost a Comment", "12.5 %\n— 4 —", "Sund."])
def test_nothing_left_is_an_error(text: str) -> None:
    with pytest.raises(FormatError, match=r"text is empty|no article text"):
        clean(Draft(text, title="Pier closes"))


def test_hostile_lengths_come_back_whole() -> None:
    for unit in ("a", "a ", "hide caption 1 of 1 ", "é\u200d"):
        text = (unit * 400_000).strip(" \u200d")
        assert clean(Draft(text)).text == text


@pytest.mark.parametrize(
    ("draft", "key"),
    [
        (
            Draft(BODY, url="HTTPS://Courier.example:443/a?utm_source=x&id=5&fbclid=1#top"),
            "https://courier.example/a?id=5",
        ),
        (Draft(BODY, url="https://courier.example/a", key="7"), "https://courier.example/a"),
        (Draft(BODY, url="mailto:desk@courier.example", key="7"), "/saved/a.jsonl#7"),
        (Draft(BODY, key="7"), "/saved/a.jsonl#7"),
        (Draft(BODY), "/saved/a.jsonl"),
    ],
)
def test_article_key(draft: Draft, key: str) -> None:
    assert article_key(draft, "/saved/a.jsonl") == key
