"""The chat as a person meets it: a real browser, a real server, the real models."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Locator, expect

from .conftest import ARTICLES, HOSTILE, Open, Server, ask, serving

pytestmark = [pytest.mark.browser, pytest.mark.slow]

KEEPER = "Who retired after forty years in the tower of the lighthouse?"
KEEPER_QUOTE = "Oddny Falk retired after forty years in the tower."
FARES = "By how much will ferry fares rise?"
ZEPPELIN = "Where did the zeppelin of Gorm Thule land?"


def only_from(turn: Locator, source: str) -> None:
    """Expect answers, however many, that all come from one article, and among them that to `FARES`."""
    expect(turn.locator(".nq-quote mark", has_text="twelve per cent")).not_to_have_count(0)
    shown = turn.locator(".nq-from")
    numbered = [re.compile(rf"^\[{number}\] {re.escape(source)} · [^·]+$") for number in range(1, shown.count() + 1)]
    expect(shown).to_have_text(numbered)


def chips(turn: Locator, *words: str) -> None:
    """Expect the filters of a turn."""
    expect(turn.locator(".nq-chip")).to_have_text([f"{word} ×" for word in words])


def test_an_answer_leads_to_its_quote_in_the_article(open_chat: Open) -> None:
    page = open_chat()
    turn = ask(page, KEEPER)
    quotes = turn.locator(".nq-quote").all_text_contents()
    number = [KEEPER_QUOTE in quote for quote in quotes].index(True)
    quote, answers = quotes[number], turn.locator(".nq-quote").nth(number).locator("mark").all_text_contents()
    assert quote in ARTICLES[0]["text"]
    assert any("Oddny Falk" in answer for answer in answers)
    expect(turn.locator(".nq-from").nth(number)).to_contain_text(
        f"[{number + 1}] Harbour Courier · 7 March 2025 · Lighthouse keeper retires after forty years · "
    )
    likely = turn.locator(".nq-from").nth(number).locator(".nq-likely").first
    expect(likely).to_have_attribute("title", re.compile(r"^confidence [01]\.\d\d$"))
    card = page.locator(".nq-card").nth(number)
    expect(card.locator("mark")).to_have_text(quote)
    expect(card.locator("mark strong")).to_have_text(answers)
    with page.expect_popup() as opened:
        card.get_by_role("link", name="Open article at the quote").click()
    article = opened.value
    mark = article.locator("mark#quote")
    expect(mark).to_be_in_viewport(ratio=1)
    assert mark.text_content() == quote
    assert [p.text_content() for p in article.locator(".nq-text p").all()] == ARTICLES[0]["text"].split("\n\n")
    expect(article.locator("main")).to_contain_text("By Ada Moor")
    expect(article.get_by_role("link", name="https://harbour.example/lighthouse")).to_be_visible()


def test_a_long_article_scrolls_to_its_quote(open_chat: Open, server: Server) -> None:
    page = open_chat(viewport={"width": 390, "height": 420})
    ask(page, KEEPER)
    page.goto(f"{server.url}/" + (page.locator(".nq-card a").first.get_attribute("href") or ""))
    expect(page.locator("mark#quote")).to_be_in_viewport(ratio=1)


def test_what_the_archive_does_not_say_is_no_answer(open_chat: Open) -> None:
    page = open_chat()
    turn = ask(page, "Who won the football world cup in Argentina?")
    expect(turn.locator(".nq-verdict")).to_have_text(re.compile(r"^No answer found in \d+ articles\.$"))
    assert turn.locator(".nq-quote").count() == 0
    expect(page.locator(".nq-cards > h2")).to_have_text("Not an answer, but near")
    expect(page.locator("#nq-sources .nq-card.nq-near")).not_to_have_count(0)
    assert page.locator("#nq-sources mark").count() == 0


def test_a_filter_by_outlet_narrows_the_search(open_chat: Open) -> None:
    page = open_chat()
    page.locator("#nq-filters > button").click()
    page.get_by_role("combobox", name="Outlets").click()
    page.get_by_role("option", name="Radio Ilvesk (1)").click()
    turn = ask(page, FARES)
    chips(turn, "only Radio Ilvesk")
    only_from(turn, "Radio Ilvesk · 12 April 2025 · Ferry fares: islanders protest")


def test_a_filter_by_date_narrows_the_search_and_nonsense_is_explained(open_chat: Open) -> None:
    page = open_chat()
    page.locator("#nq-filters > button").click()
    since, until = page.get_by_label("From", exact=True), page.get_by_label("To", exact=True)
    since.fill("2025-04-11")
    until.fill("2025-04-05")
    turn = ask(page, FARES)
    expect(turn.locator(".nq-problem")).to_have_text("'From' (2025-04-11) is later than 'To' (2025-04-05).")
    since.clear()
    turn = ask(page, FARES)
    chips(turn, "to 5 April 2025")
    only_from(turn, "Harbour Courier · 2 April 2025 · Ferry fares to rise in May")


def test_an_added_file_answers_at_once(open_chat: Open, tmp_path: Path) -> None:
    page = open_chat()
    good, bad = tmp_path / "bakery.txt", tmp_path / "picture.bin"
    good.write_text(
        "Bakery fire in Marrow\n\nA fire destroyed the Brandt bakery in Marrow early on Monday. The fire brigade "
        "said that a faulty oven had started the fire at the bakery.\n\nNobody was hurt, said fire chief Ines Korr.\n"
    )
    bad.write_bytes(bytes(range(256)) * 40)
    page.locator("#nq-add > button").click()
    page.locator("#nq-add input[type=file]").set_input_files([good, bad])
    report = page.locator("#nq-added .nq-report")
    expect(report).to_contain_text("Articles: 1 added, 0 updated, 0 unchanged.")
    expect(report.locator("li")).to_have_text(re.compile(r"^picture\.bin: .{5,}"))
    expect(page.locator("#nq-header")).to_contain_text("5 articles")
    turn = ask(page, "Which fire chief said that nobody was hurt?")
    expect(turn.locator(".nq-quote").first).to_contain_text("Nobody was hurt, said fire chief Ines Korr.")


def test_an_error_is_a_message_and_the_box_stays_usable(open_chat: Open) -> None:
    page = open_chat()
    expect(ask(page, "???").locator(".nq-problem")).to_contain_text("The question is empty")
    expect(ask(page, KEEPER).locator(".nq-quote").first).to_contain_text(KEEPER_QUOTE)
    assert page.locator(".nq-turn h2").all_text_contents() == ["???", KEEPER]


STUCK = """
import time
from pathlib import Path
from newsqa.qa import QA
from newsqa.types import Stage
answering = QA.stream
def stream(self, question, **options):
    if question == "stuck":
        yield Stage("search", "Searching for long…")
        while not Path({release!r}).exists():
            time.sleep(0.05)
    yield from answering(self, question, **options)
QA.stream = stream
"""


def test_stop_frees_the_page_at_once(open_chat: Open, index: Path, tmp_path: Path) -> None:
    release = tmp_path / "release"
    with serving(index, STUCK.format(release=str(release))) as server:
        page = open_chat(server)
        page.locator("#nq-question textarea").fill("stuck")
        page.locator("#nq-question textarea").press("Enter")
        expect(page.locator(".nq-state")).to_have_text("Searching for long…")
        page.get_by_role("button", name="Stop").click()
        expect(page.locator(".nq-problem")).to_have_text("Stopped.")
        turn = ask(page, KEEPER)  # while the first still hangs
        expect(turn.locator(".nq-quote").first).to_contain_text(KEEPER_QUOTE)
        assert page.locator(".nq-turn h2").all_text_contents() == ["stuck", KEEPER]
        release.touch()


def test_a_new_chat_is_empty(open_chat: Open) -> None:
    page = open_chat()
    ask(page, KEEPER)
    page.get_by_role("button", name="New chat").click()
    expect(page.locator(".nq-turn")).to_have_count(0)
    expect(page.locator(".nq-card")).to_have_count(0)
    ask(page, FARES)
    expect(page.locator(".nq-turn")).to_have_count(1)


def test_a_quote_is_copied_with_its_source(open_chat: Open) -> None:
    page = open_chat(permissions=["clipboard-read", "clipboard-write"])
    turn = ask(page, KEEPER)
    quote = turn.locator(".nq-quote").first.text_content() or ""
    card = page.locator(".nq-card").first
    copied = "() => navigator.clipboard.readText()"
    for name, begins in (
        ("Quote", f"“{quote}"),
        ("Markdown", f"> {quote[:10]}"),
        ("BibTeX", "@article{"),
        ("CSL-JSON", "["),
    ):
        card.get_by_role("button", name=name).click()
        expect(page.locator("#nq-said")).to_have_text("Copied")
        expect(card.get_by_role("button", name=name)).to_have_text(re.compile(f"{name}|Copied"))
        assert page.evaluate(copied).startswith(begins)
    card.get_by_role("button", name="Link", exact=True).click()
    page.wait_for_function("async () => (await navigator.clipboard.readText()).startsWith('http')")
    address = page.evaluate(copied)
    page.goto(address)
    expect(page.locator("mark#quote")).to_have_text(quote)
    page.goto(re.sub("mark=[0-9a-f]+", "mark=0000000000000000", address))
    expect(page.locator("main")).to_contain_text("The link was altered")


def test_an_address_asks_and_changes_with_the_question(open_chat: Open, server: Server) -> None:
    page = open_chat()
    page.goto(f"{server.url}/?q=By+how+much+will+ferry+fares+rise%3F&outlet=Radio+Ilvesk&to=2025-12-31")
    turn = page.locator(".nq-turn").first
    only_from(turn, "Radio Ilvesk · 12 April 2025 · Ferry fares: islanders protest")
    chips(turn, "only Radio Ilvesk", "to 31 December 2025")
    turn.locator(".nq-chip").first.click()
    second = page.locator(".nq-turn").nth(1)
    second.locator(".nq-answer").wait_for()
    chips(second, "to 31 December 2025")
    page.wait_for_url(lambda url: url.endswith("/?q=By+how+much+will+ferry+fares+rise%3F&to=2025-12-31"))
    page.goto(f"{server.url}/?q=a{'&outlet=b' * 50}")
    expect(page.locator(".nq-problem")).to_have_text("This link asks for too much.")
    expect(ask(page, KEEPER).locator(".nq-quote").first).to_contain_text(KEEPER_QUOTE)


def test_a_follow_up_says_how_it_was_understood_and_can_be_corrected(open_chat: Open) -> None:
    page = open_chat()
    ask(page, KEEPER)
    turn = ask(page, "When did she retire?")
    asked = turn.locator(".nq-asked").text_content() or ""
    assert "Oddny Falk" in asked
    turn.get_by_role("button", name="Correct it").click()
    box = page.locator("#nq-question textarea")
    expect(box).to_have_value(asked)
    expect(box).to_be_focused()
    box.fill(KEEPER)
    box.press("Enter")
    corrected = page.locator(".nq-turn").nth(2)
    expect(corrected.locator(".nq-quote").first).to_contain_text(KEEPER_QUOTE)
    expect(corrected.locator("h2")).to_have_text(KEEPER)
    expect(corrected.locator(".nq-asked")).to_have_count(0)


def test_a_conversation_survives_reload_and_restart_and_can_be_deleted(open_chat: Open, index: Path) -> None:
    with serving(index) as first:
        page = open_chat(first)
        ask(page, KEEPER)
        page.reload()
        expect(page.locator(".nq-turn h2")).to_have_text([KEEPER])
        expect(page.locator(".nq-quote").first).to_contain_text(KEEPER_QUOTE)
        ask(page, FARES)
        page.get_by_role("button", name="New chat").click()
        expect(page.locator(".nq-turn")).to_have_count(0)
        ask(page, ZEPPELIN)
        kept = page.evaluate("() => JSON.stringify(localStorage)")
        assert "forty years in the tower." not in kept
        state = page.context.storage_state()
        first.process.send_signal(signal.SIGTERM)  # with the tab still open
        assert first.process.wait(30) in (0, -signal.SIGTERM)
        port = int(first.url.rpartition(":")[2])
    with serving(index, port=port) as second:
        page = open_chat(second, storage_state=state)
        page.locator(".nq-earlier summary").click()
        earlier = page.locator(".nq-chats li")
        expect(earlier.locator("button")).to_have_text([ZEPPELIN, "Delete", KEEPER, "Delete", "Delete all"])
        earlier.nth(1).get_by_role("button").first.click()
        expect(page.locator(".nq-turn h2")).to_have_text([KEEPER, FARES])
        expect(page.locator(".nq-quote").first).to_contain_text(KEEPER_QUOTE)
        page.get_by_role("button", name=f"Delete: {ZEPPELIN}").click()
        expect(earlier.locator("button")).to_have_text([KEEPER, "Delete"])
        page.get_by_role("button", name=f"Delete: {KEEPER}").click()
        expect(page.locator("#nq-history")).to_be_hidden()
        expect(page.locator(".nq-turn")).to_have_count(0)  # nor would the next question keep it again
        kept = "() => [localStorage, sessionStorage].flatMap(store => Object.values(store)).join()"
        assert "lighthouse" not in page.evaluate(kept)
        assert page.evaluate("() => Object.keys(localStorage).filter(key => key.startsWith('newsqa:'))") == []
        assert "q=" not in page.url
        page.close()


def test_a_browser_that_keeps_nothing_can_ask_too(open_chat: Open) -> None:
    page = open_chat()
    page.context.add_init_script(
        "for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty("
        "window, name, { get() { throw new DOMException('Access is denied.', 'SecurityError'); } });"
    )
    page.reload()
    page.locator("#nq-question textarea:enabled").wait_for()
    expect(ask(page, KEEPER).locator(".nq-quote").first).to_contain_text(KEEPER_QUOTE)
    expect(page.locator(".nq-chats button", has_text=KEEPER)).to_have_count(1)


def test_a_read_only_page_answers_and_offers_nothing_that_writes(open_chat: Open, index: Path) -> None:
    with serving(index, read_only=True) as server:
        page = open_chat(server)
        expect(ask(page, KEEPER).locator(".nq-quote").first).to_contain_text(KEEPER_QUOTE)
        for writing in ("#nq-opinion", "#nq-add"):
            expect(page.locator(writing)).to_be_hidden()
        expect(page.locator("#nq-header")).to_contain_text("read-only")
        page.close()


def test_an_opinion_is_kept_in_the_index_folder(open_chat: Open, index: Path) -> None:
    page = open_chat()
    ask(page, KEEPER)
    page.locator("#nq-note textarea, #nq-note input").fill("Checked.")
    page.get_by_role("button", name="Right").click()
    expect(page.locator("#nq-heard")).to_contain_text("Kept in the index folder")
    kept = (index / "feedback" / "right.jsonl").read_text()
    assert '"note": "Checked."' in kept
    for _ in range(2):
        with page.expect_download() as saved:
            page.get_by_role("button", name="Export opinions").click()
        assert re.match(r"opinions-[\d-]+\.jsonl$", saved.value.suggested_filename)
        assert saved.value.path().read_text() == kept


def test_an_address_of_this_machine_is_not_fetched(open_chat: Open, server: Server) -> None:
    page = open_chat()
    page.locator("#nq-add > button").click()
    page.locator("#nq-url input, #nq-url textarea").fill(server.url)
    page.locator("#nq-add").get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#nq-added")).to_contain_text("127.0.0.1")


def test_an_example_is_asked_by_a_click(open_chat: Open) -> None:
    page = open_chat()
    page.locator(".nq-examples a").first.click()
    page.locator(".nq-turn").first.locator(".nq-answer, .nq-none").wait_for()
    expect(page.locator(".nq-turn h2")).to_have_text("Who is the mayor of Marrow?")
    expect(page.locator(".nq-quote mark")).to_contain_text("Tove Lind")


def test_hostile_text_is_inert_everywhere(open_chat: Open) -> None:
    page = open_chat()
    turn = ask(page, f"{ZEPPELIN} {HOSTILE}")
    expect(turn.locator("h2")).to_have_text(f"{ZEPPELIN} {HOSTILE}")
    turn = ask(page, ZEPPELIN)
    expect(turn.locator(".nq-from").first).to_contain_text(f"Zeppelin {HOSTILE}")
    assert "turnip field" in (turn.locator(".nq-quote").first.text_content() or "")
    shown = page.locator("#nq-chat, #nq-sources")
    for tag in ("img", "script", "form", "style", "svg:not(.nq-line)", "iframe", ".katex"):
        assert shown.locator(tag).count() == 0
    hrefs = [link.get_attribute("href") or "" for link in shown.locator("a").all()]
    assert [href for href in hrefs if not re.match(r"articles/|\?q=|#nq-", href)] == []
    page.locator("#nq-filters > button").click()
    page.get_by_role("combobox", name="Outlets").click()
    expect(page.get_by_role("option", name=f"Evil {HOSTILE[:20]}")).to_be_visible()
    with page.expect_popup() as opened:
        page.locator(".nq-card a").first.click()
    article = opened.value
    expect(article.locator("h1")).to_have_text(f"Zeppelin {HOSTILE}")
    assert article.locator("img, script:not([src='newsqa/newsqa.js']), form, style, svg, iframe").count() == 0
    links = [link.get_attribute("href") or "" for link in article.locator("a").all()]
    assert [link for link in links if not re.match(r"\./$|articles/", link)] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_cards_under_the_answer_and_nothing_sideways(open_chat: Open, scheme: str) -> None:
    page = open_chat(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    ask(page, KEEPER)
    answer, card = page.locator(".nq-answer").bounding_box(), page.locator(".nq-card").first.bounding_box()
    assert answer is not None
    assert card is not None
    assert card["y"] >= answer["y"] + answer["height"]
    assert page.evaluate("() => document.documentElement.scrollWidth") == 390
    expect(page.locator("#nq-question textarea")).to_be_in_viewport()


def test_an_empty_archive_is_filled_from_the_page(open_chat: Open, tmp_path: Path) -> None:
    with serving(tmp_path / "index") as empty:
        page = open_chat(empty)
        expect(page.locator("#nq-header")).to_contain_text("No index at")
        expect(ask(page, KEEPER).locator(".nq-problem")).to_contain_text("No index at")
        file = tmp_path / "lighthouse.txt"
        file.write_text(f"{ARTICLES[0]['title']}\n\n{ARTICLES[0]['text']}\n")
        page.locator("#nq-add > button").click()
        page.locator("#nq-add input[type=file]").set_input_files(file)
        expect(page.locator("#nq-header")).to_contain_text("1 article")
        expect(ask(page, KEEPER).locator(".nq-quote").first).to_contain_text(KEEPER_QUOTE)
        page.close()


class Session:
    """Gradio's wire format, without its page."""

    def __init__(self, server: Server) -> None:
        self.client = httpx.Client(base_url=server.url, headers={"origin": server.url}, timeout=60)
        self.functions = {
            function["api_name"]: function["id"] for function in self.client.get("/config").json()["dependencies"]
        }

    def call(self, name: str, *data: object) -> str:
        body = {"data": data, "fn_index": self.functions[name], "session_hash": "session"}
        joined = self.client.post("/gradio_api/queue/join", json=body)
        assert joined.status_code == 200, joined.text
        with self.client.stream("GET", "/gradio_api/queue/data?session_hash=session") as events:
            lines = []
            for line in events.iter_lines():
                lines.append(line)
                if '"process_completed"' in line or '"unexpected_error"' in line:
                    break
        return "\n".join(lines)


def test_the_server_itself_limits_questions(server: Server) -> None:
    said = Session(server).call("ask", "x" * 100_000, None, [], None, None, None)
    assert "100,000 characters" in said.replace("&#44;", ",")


def test_fields_that_nobody_filled_break_nothing(server: Server) -> None:
    session = Session(server)
    for name, fields in {"ask": 6, "go": 2, "add": 2}.items():
        assert '"success":true' in session.call(name, *[None] * fields).replace(" ", "")


@pytest.mark.parametrize("path", ["/etc/passwd", "/proc/self/environ", str(Path(__file__))])
def test_files_that_were_not_uploaded_are_not_added(server: Server, index: Path, path: str) -> None:
    before = sorted(index.rglob("uploads/*/*"))
    file = {"path": path, "orig_name": "a.txt", "meta": {"_type": "gradio.FileData"}}
    said = Session(server).call("add", [file], "")
    assert '"success":false' in said.replace(" ", "")
    assert sorted(index.rglob("uploads/*/*")) == before


def test_gradio_serves_no_file_of_this_machine_and_says_who_may_ask(server: Server) -> None:
    with httpx.Client(base_url=server.url) as client:
        assert client.get("/gradio_api/file=/etc/passwd").status_code == 404
        assert client.get(f"/gradio_api/file={__file__}").status_code == 404
        assert client.get("/", headers={"host": "evil.example"}).status_code == 403
        assert client.post("/gradio_api/upload", headers={"origin": "https://evil.example"}).status_code == 403
        assert "script-src 'self';" in client.get("/").headers["content-security-policy"]
        assert "https://fonts." not in client.get("/theme.css").text
