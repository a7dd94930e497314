"""Properties of cleaning, on texts put together from what pages are made of."""

from __future__ import annotations

import string

from hypothesis import given, settings
from hypothesis import strategies as st

from newsqa.clean import clean
from newsqa.errors import FormatError
from newsqa.types import Draft, parse_published

PARAGRAPHS = [
    "The harbour board of Veltmark voted on Tuesday to close the old ferry pier, three years after the storm that "
    "tore its planks away and left the island of Sund with one boat a day.",
    "“We have waited long enough,” said Ines Harrow, who has run the ticket office since 1998, and who will now "
    "move her desk to the new terminal on the far side of the bay.",
    "Fares rise by 40 cents in spring.",
    "The board will publish the figures of its survey next month, together with a plan for the repair of the sea "
    "wall, which engineers call the weakest on the coast.",
]
LINES = [
    "Ferry pier to close after three years",
    "Pier closes",
    "What comes next",
    "Wednesday 28 December 2016",
    "29 December 2016",
    "Published: 28 December 2016",
    "Updated Dec. 29, 2016, 4:02 p.m. ET",
    "2016-12-28",
    "Source: Veltmark Courier.",
    "Source: Harbour Board",
    "Source: courier.example",
    "Link: http://courier.example/pier.",
    "Link: http://other.example/pier",
    "URL: https://courier.example/pier",
    "No comments:",
    "Post a Comment",
    "Note: Only a member of this blog may post a comment.",
    "Tweet",
    "Share this:",
    "Email",
    "Print",
    "Facebook",
    "Read more: Sea wall to be raised",
    "Sign up for our newsletter",
    "Advertisement",
    "The pier at dusk. Hide Caption 1 of 12",
    "Hide Caption 2 of 12",
    "Veltmark AP —",
    "Yes.",
    "",
]
NOISE = st.text(st.characters(codec=None, exclude_categories=()), max_size=40)
SPACES = st.text(" \t\u00a0\u200b\u3000\u200d\ufeff", max_size=3)


@st.composite
def pages(draw: st.DrawFn) -> str:
    """Lines in any order, often with a body pasted twice."""
    line = st.sampled_from(PARAGRAPHS) | st.sampled_from(LINES) | NOISE
    lines = draw(st.lists(line, max_size=25))
    if draw(st.booleans()):
        start = draw(st.integers(0, len(lines)))
        lines += lines[start:]
    end = draw(st.sampled_from(["\n", "\r\n", "\n\n", "\r", " \n\t"]))
    return draw(SPACES) + end.join(draw(SPACES) + text for text in lines)


DRAFTS = st.builds(
    Draft,
    text=pages(),
    title=st.sampled_from(["", " ", *LINES]) | NOISE,
    url=st.sampled_from([None, "https://www.courier.example/a?utm_source=x#top", "javascript:alert(1)", "http://["]),
    outlet=st.sampled_from([None, "", "Harbour Board", "courier.example"]),
    authors=st.lists(st.sampled_from(["Ada  Quill", "", "Ada Quill", "B\u200b. Moor"]), max_size=3).map(tuple),
    published=st.sampled_from([None, "2016/12/28", "2016-12-29T08:00:00Z", "3016-01-01", "soon"]),
    language=st.sampled_from([None, "en-GB", "english"]),
)


def cleaned(draft: Draft) -> Draft | None:
    """The cleaned draft, None where no article is left."""
    try:
        return clean(draft)
    except FormatError:
        return None


@settings(max_examples=400, deadline=None)
@given(DRAFTS)
def test_cleaning_twice_is_cleaning_once(draft: Draft) -> None:
    once = cleaned(draft)
    assert once is None or clean(once) == once


@settings(max_examples=200, deadline=None)
@given(DRAFTS)
def test_final_text_is_tidy(draft: Draft) -> None:
    once = cleaned(draft)
    if once is None:
        return
    lines = once.text.split("\n")
    assert all(line == line.strip() and "  " not in line for line in lines)
    assert "\n\n\n" not in once.text
    assert lines[0]
    assert lines[-1]
    once.text.encode()  # no lone surrogates, which no database takes
    assert not set(once.text) & set("\x00\x07\x0b\r\u200b\u202e\u2066\u2028\ufeff\u00a0")


@settings(max_examples=200, deadline=None)
@given(DRAFTS)
def test_metadata_is_usable(draft: Draft) -> None:
    once = cleaned(draft)
    if once is None:
        return
    assert once.title.strip() == once.title != ""
    assert "\n" not in once.title
    assert once.published is None or parse_published(once.published).isoformat() == once.published
    assert once.url is None or once.url.startswith(("http://", "https://"))
    assert once.outlet is None or once.outlet.strip() == once.outlet != ""
    assert once.language is not None
    assert len(once.language) == 2


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PARAGRAPHS), min_size=1, unique=True), st.lists(st.sampled_from(LINES), max_size=12))
def test_reporting_is_never_lost(paragraphs: list[str], around: list[str]) -> None:
    page = "\n".join([*around, *paragraphs, *around])
    kept = clean(Draft(text=page, title="Given")).text.split("\n")
    assert [line for line in kept if line in PARAGRAPHS] == paragraphs


@settings(max_examples=200, deadline=None)
@given(st.text(string.ascii_letters + " .,'\u00e9\u4e2d\u0301\u200d", min_size=20).filter(lambda t: t.strip(" \u200d")))
def test_words_stay_as_they_came(text: str) -> None:
    line = "Mara said, and " + " ".join(text.split()) + " was the reply that the board of the harbour gave her then."
    once = clean(Draft(text=line, title="Given"))
    assert [c for c in once.text if c not in " \u200d"] == [c for c in line if c not in " \u200d"]
