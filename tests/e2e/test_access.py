"""The chat without a mouse, without good eyes, and behind a login: axe in every state, the keyboard, tokens."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import ARTICLES, Open, Server, ask, serving

pytestmark = [pytest.mark.browser, pytest.mark.slow]

KEEPER = "Who retired after forty years in the tower of the lighthouse?"
FARES = "By how much will ferry fares rise?"
WRITE, READ = "write-token-0123456789", "read-token-0123456789"
HANGING = """
import os, time
from pathlib import Path
os.environ["NEWSQA_MIN_CONFIDENCE"] = "0"
from newsqa.ingest import Ingest
from newsqa.qa import QA
from newsqa.types import Progress, Stage
answering, indexing = QA.stream, Ingest.index
STAGES = {{"Hang?": Stage("search", "Searching 4 articles…"), "Busy?": Stage("wait", "Busy: you are 3rd in line…")}}

def hang():
    while not Path({release!r}).exists():
        time.sleep(0.05)

def stream(self, question, **options):
    if question in STAGES:
        yield STAGES[question]
        hang()
    yield from answering(self, question, **options)

def index(self, *locations, **options):
    self._progress(Progress("embedding", 1, 2, "passages"))
    hang()
    return indexing(self, *locations, **options)

QA.stream, Ingest.index = stream, index
"""
STEPS = 80
"""Presses of Tab after which a control counts as out of reach."""


class Hanging(Server):
    """A server of an archive of its own, where "Hang?" and "Busy?", and adding articles, last until `release`."""

    def __init__(self, server: Server, marker: Path) -> None:
        super().__init__(server.url, server.process)
        self._marker = marker

    def hold(self) -> None:
        self._marker.unlink(missing_ok=True)

    def release(self) -> None:
        self._marker.touch()


@pytest.fixture(scope="module")
def hanging(index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hanging]:
    folder = tmp_path_factory.mktemp("hanging")
    marker = folder / "release"
    archive = Path(shutil.copytree(index, folder / "index"))
    with serving(archive, HANGING.format(release=str(marker))) as server:
        yield Hanging(server, marker)
        marker.touch()


@pytest.fixture(scope="module")
def locked(index: Path) -> Iterator[Server]:
    with serving(index, token=WRITE, read_token=READ) as server:
        yield server


@pytest.fixture(scope="module")
def violations() -> Callable[[Page], list[str]]:
    """Return what axe finds in a page: rules and elements."""
    axe = pytest.importorskip("axe_playwright_python.base").AXE_FILE_PATH.read_text()
    # What fades in has its contrast when it has come; it begins with one of the next frames.
    frames = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    moving = "document.getAnimations().filter(one => one.effect.getComputedTiming().iterations !== Infinity)"
    told = "found.violations.flatMap(v => v.nodes.map(node => `${v.id}: ${node.html} ${node.failureSummary}`))"
    still = f"{frames}.then(() => Promise.allSettled({moving}.map(one => one.finished)))"
    run = f"{still}.then(() => axe.run()).then(found => {told})"

    def violations(page: Page) -> list[str]:
        # Not as a script of the page's, which its security policy forbids.
        session = page.context.new_cdp_session(page)
        session.send("Runtime.evaluate", {"expression": axe})
        found = session.send("Runtime.evaluate", {"expression": run, "awaitPromise": True, "returnByValue": True})
        return list(found["result"]["value"])

    return violations


def every(found: dict[str, list[str]]) -> list[str]:
    return [f"{state}: {violation}" for state, violations in found.items() for violation in violations]


LOOKS = pytest.mark.parametrize(
    "look",
    [
        {"viewport": {"width": width, "height": 844}, "color_scheme": scheme}
        for width in (1280, 390)
        for scheme in ("light", "dark")
    ],
    ids=["light", "dark", "light phone", "dark phone"],
)
Axe = Callable[[Page], list[str]]


def begin(page: Page, question: str) -> None:
    """Ask what isn't answered soon."""
    page.locator("#nq-question textarea").fill(question)
    page.locator("#nq-send").click()
    expect(page.locator(".nq-state")).not_to_have_count(0)
    expect(page.locator("#nq-stop")).to_be_visible()


def stop(page: Page) -> None:
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".nq-turn").last.locator(".nq-problem")).to_have_text("Stopped.")
    expect(page.locator("#nq-stop")).to_be_hidden()


def unfold(page: Page, *folded: str) -> None:
    for one in folded:
        page.locator(one).first.click()


def article(page: Page) -> str:
    """Return the address of the first article that the last turn leads to."""
    return page.url.partition("?")[0] + (page.locator(".nq-card a").first.get_attribute("href") or "")


@LOOKS
def test_axe_finds_nothing_before_while_and_after_an_answer(
    open_chat: Open, hanging: Hanging, violations: Axe, look: dict[str, object]
) -> None:
    hanging.hold()
    page = open_chat(hanging, **look)
    found = {"empty": violations(page)}
    unfold(page, "#nq-filters > button")
    page.get_by_role("combobox", name="Outlets").click()
    found["choosing an outlet"] = violations(page)
    page.keyboard.press("Escape")
    page.get_by_label("To", exact=True).fill("2025-12-31")
    begin(page, "Busy?")
    found["busy"] = violations(page)
    stop(page)
    begin(page, "Hang?")
    found["answering, one stopped"] = violations(page)
    stop(page)
    hanging.release()
    ask(page, FARES)
    expect(page.locator(".nq-further")).to_have_count(1)
    unfold(page, ".nq-table summary", ".nq-earlier summary")
    found["several answers, timeline, history and filters"] = violations(page)
    assert every(found) == []


@LOOKS
def test_axe_finds_nothing_where_there_is_no_answer_or_an_error_nor_in_articles(
    open_chat: Open, violations: Axe, look: dict[str, object]
) -> None:
    page = open_chat(**look)
    ask(page, "Who won the football world cup in Argentina?")
    found = {"no answer": violations(page)}
    ask(page, "???")
    found["error"] = violations(page)
    ask(page, KEEPER)
    page.goto(article(page))
    page.locator("mark#quote").first.wait_for()
    found["article"] = violations(page)
    page.goto(page.url.replace("mark=", "mark=0"))
    expect(page.locator("h1")).to_be_visible()
    found["altered link"] = violations(page)
    assert every(found) == []


@LOOKS
def test_axe_finds_nothing_while_articles_are_added_and_in_what_they_replace(
    open_chat: Open, hanging: Hanging, violations: Axe, look: dict[str, object], tmp_path: Path
) -> None:
    hanging.release()
    page = open_chat(hanging, **look)
    ask(page, KEEPER)
    cited = article(page)
    hanging.hold()
    changed = tmp_path / "changed.jsonl"
    text = f"{ARTICLES[0]['text']}".replace(
        "forty years", f"forty-one years, in {look['color_scheme']} {tmp_path.name},"
    )
    changed.write_text(json.dumps(ARTICLES[0] | {"text": text}))
    bad = tmp_path / "picture.bin"
    bad.write_bytes(bytes(range(256)) * 40)
    unfold(page, "#nq-add > button")
    page.locator("#nq-add input[type=file]").set_input_files([changed, bad])
    expect(page.locator("#nq-added")).to_contain_text("embedding: 1 of 2 passages…")
    found = {"adding": violations(page)}
    hanging.release()
    expect(page.locator("#nq-added")).to_contain_text("1 updated")
    expect(page.locator("#nq-added")).to_contain_text("picture.bin: ")
    found["rejected"] = violations(page)
    page.goto(cited)
    expect(page.locator(".nq-problem")).to_contain_text("no longer has the quote in these words")
    found["changed since"] = violations(page)
    assert every(found) == []


@LOOKS
def test_axe_finds_nothing_at_the_login_and_behind_it(
    open_chat: Open, locked: Server, violations: Axe, look: dict[str, object]
) -> None:
    page = open_chat(locked, "#token", **look)
    found = {"login": violations(page)}
    page.get_by_label("Token").fill("wrong-token-0123456789")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_have_text("This token is wrong.")
    found["login failed"] = violations(page)
    page.get_by_label("Token").fill(READ)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#nq-header")).to_contain_text("read-only")
    ask(page, KEEPER)
    for writing in ("#nq-opinion", "#nq-add"):
        expect(page.locator(writing)).to_be_hidden()
    found["read-only"] = violations(page)
    assert every(found) == []


def test_who_has_the_token_that_may_write_is_offered_to(open_chat: Open, locked: Server) -> None:
    page = open_chat(locked, "#token")
    page.get_by_label("Token").fill(WRITE)
    page.get_by_label("Token").press("Enter")
    ask(page, KEEPER)
    page.get_by_role("button", name="Right").click()
    expect(page.locator("#nq-heard")).to_contain_text("Kept in the index folder")
    expect(page.locator("#nq-add")).to_be_visible()
    expect(page.locator("#nq-header")).not_to_contain_text("read-only")


class Keyboard:
    """A person who has no mouse, and must see where the focus is."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def to(self, wanted: Locator) -> None:
        """Press Tab until something has the focus."""
        wanted.wait_for()
        for _ in range(STEPS):
            self._page.keyboard.press("Tab")
            if wanted.evaluate("element => element === document.activeElement"):
                outline = "({outlineStyle, outlineWidth}) => outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2"
                assert wanted.evaluate(f"element => ({outline})(getComputedStyle(element))")
                return
        raise AssertionError(f"{wanted} can't be reached")

    def use(self, wanted: Locator, key: str = "Enter") -> None:
        self.to(wanted)
        self._page.keyboard.press(key)


def test_the_whole_chat_works_without_a_mouse(open_chat: Open, hanging: Hanging) -> None:
    hanging.hold()
    page = open_chat(hanging)
    keyboard, box, turns = Keyboard(page), page.locator("#nq-question textarea"), page.locator(".nq-turn")
    keyboard.to(box)
    page.keyboard.type("Hang?")
    page.keyboard.press("Enter")
    keyboard.use(page.get_by_role("button", name="Stop"))
    expect(page.locator(".nq-problem")).to_have_text("Stopped.")
    expect(box).to_be_focused()
    hanging.release()
    page.keyboard.type(FARES)
    page.keyboard.press("Enter")
    number = page.locator("#nq-answer-1")
    keyboard.use(number)
    expect(page.locator("#nq-source-1")).to_be_focused()
    keyboard.use(page.locator("#nq-source-1").get_by_role("link", name="Back to the answer"))
    expect(number).to_be_focused()
    with page.expect_popup() as opened:
        keyboard.use(page.locator("#nq-source-1").get_by_role("link", name="Open article at the quote"))
    expect(opened.value.locator("mark#quote").first).to_be_in_viewport()
    opened.value.close()
    keyboard.use(page.locator(".nq-line a").first, "Tab")  # the timeline's points are links
    keyboard.use(page.locator("#nq-filters > button"))
    keyboard.to(page.get_by_role("combobox", name="Outlets"))
    page.keyboard.type("Radio")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    keyboard.to(box)
    page.keyboard.type(FARES)
    page.keyboard.press("Enter")
    chip = turns.nth(2).locator(".nq-chip")
    expect(chip).to_have_text("only Radio Ilvesk ×")
    turns.nth(2).locator(".nq-answer").wait_for()
    keyboard.use(chip)
    expect(page.locator("#nq-chat")).to_be_focused()
    turns.nth(3).locator(".nq-answer").wait_for()
    expect(turns.nth(3).locator(".nq-chip")).to_have_count(0)
    keyboard.use(page.get_by_role("button", name="New chat"))
    expect(turns).to_have_count(0)
