"""The report: one page that needs nothing else, says what the figures say, and keeps strangers' text as text."""

from __future__ import annotations

import base64
import re
import sys
from dataclasses import replace
from typing import Any

import pytest
from lxml import etree, html

from newsqa.errors import UsageError
from newsqa.evaluate import plots
from newsqa.evaluate.outcomes import FAULTS, FIGURES, Way, columns, figures
from newsqa.evaluate.report import page, scope
from outcomes import AGAIN, ALL, BASE, NONE, WHOLE, WRONG

HOSTILE = '<script src="https://evil.example/x.js">alert(1)</script> & {0} "\' <b>'


@pytest.fixture(scope="module")
def tree() -> Any:
    return html.fromstring(page(WHOLE))


def text(element: Any) -> str:
    return " ".join(" ".join(element.itertext()).split())


def test_it_loads_nothing_and_runs_nothing(tree: Any) -> None:
    assert tree.xpath("//script | //link | //iframe | //*[@onload or @onerror]") == []
    loaded = tree.xpath("//@src | //@href")
    assert loaded
    assert all(address.startswith("data:image/svg+xml;base64,") for address in loaded)
    assert "url(" not in page(WHOLE)
    (policy,) = tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_it_shows_every_figure_with_its_meaning(tree: Any) -> None:
    rows = [[text(cell) for cell in row.xpath("./td")] for row in tree.xpath("//tr")]
    for name, value in figures(columns(ALL)).items():
        assert [name, f"{value:.3f}", FIGURES[name]] in rows
    assert ["who", "3", "0.500", "0.500", "0.500", "0.500", "1.000"] in rows
    assert ["total", "300.0", "300.0"] in rows


def test_every_plot_is_told_and_tabled(tree: Any) -> None:
    pictures = tree.xpath("//figure")
    assert [text(picture.xpath("./h3")[0]) for picture in pictures] == ["Reliability", "Risk and coverage", "Recall"]
    for picture in pictures:
        ((image,), (caption,)) = picture.xpath("./img"), picture.xpath("./figcaption")
        assert len(image.get("alt")) > 80
        assert caption.xpath(".//tbody/tr")
        drawn = etree.fromstring(base64.b64decode(image.get("src").partition(",")[2]))
        assert drawn.tag == "{http://www.w3.org/2000/svg}svg"
        assert not re.search(rb"https?://(?!www\.w3\.org|purl\.org|creativecommons\.org)", etree.tostring(drawn))
    assert "For 33% of 3 questions the nearest article" in pictures[2].xpath("./img/@alt")[0]
    assert "25% can be answered with 80% right" in pictures[1].xpath("./img/@alt")[0]
    assert "Expected calibration error: 0.425." in pictures[0].xpath("./img/@alt")[0]


def test_plots_are_the_same_each_time() -> None:
    assert plots.draw(columns(ALL)) == plots.draw(columns(ALL))


def test_without_ranks_there_is_no_recall() -> None:
    unranked = columns([replace(outcome, rank=None) for outcome in (BASE, WRONG, NONE)])
    assert [plot.title for plot in plots.draw(unranked)] == ["Reliability", "Risk and coverage"]


def test_what_went_wrong_can_be_read(tree: Any) -> None:
    wrong = tree.xpath("//h2[text()='What went wrong']/following-sibling::details")
    assert [text(case.xpath("./summary")[0]) for case in wrong] == [
        f"{FAULTS['not found']}: 1",
        f"{FAULTS['withheld']}: 1",
    ]
    told = text(wrong[0].xpath("./article")[0])
    assert told == "Who? 2, who Known: Ada Brandt newsqa: Lund confidence 0.70 Ada Brandt cut the ribbon. Bridge"


def test_it_tells_what_was_asked(tree: Any) -> None:
    told = text(tree.xpath("//main/p")[0])
    assert told.startswith("4 questions, 3 with a known answer and 1 without one; each against everything searched.")
    assert told.endswith("Answers less sure than 0.5 are withheld. 2 left out: why.")


def test_the_way_of_asking_in_words() -> None:
    assert scope(Way(given=True, without=True, half="odd", limit=1000)) == (
        "each against the articles that it comes with, again with the articles that hold its answer left out, "
        "the odd ones only, at most 1,000, evenly spread"
    )


def test_citations_that_fail_are_told_at_the_top() -> None:
    bad = html.fromstring(page(replace(WHOLE, outcomes=(BASE, replace(WRONG, unverified=1)))))
    assert text(bad.xpath("//main/*[@class='bad']")[0]).startswith("Only 75.0% of the citations verify.")
    assert html.fromstring(page(WHOLE)).xpath("//*[@class='bad']") == []


def test_text_stays_text() -> None:
    given = replace(
        WRONG, question=HOSTILE, gold=(HOSTILE,), answer=HOSTILE, quote=HOSTILE, title=HOSTILE, kind=HOSTILE
    )
    hostile = replace(WHOLE, file=HOSTILE, outcomes=(given, BASE, AGAIN), skipped={HOSTILE: 1})
    tree = html.fromstring(page(hostile))
    assert tree.xpath("//script | //b") == []
    assert text(tree.xpath("//article//strong")[0]) == HOSTILE
    assert text(tree.xpath("//h1")[0]) == f"newsqa on {HOSTILE}"


def test_without_matplotlib_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(UsageError, match=r"pip install 'newsqa\[report\]'"):
        plots.check_installed()
