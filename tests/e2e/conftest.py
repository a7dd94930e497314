"""A real server with the real models, and a real Chromium.

The browser is Debian's (``apt-get install chromium``) or the one that
``NEWSQA_CHROMIUM`` names; tests wait for conditions, never for time. Without one they
are skipped, and fail under ``NEWSQA_REQUIRE_BROWSER=1``, which CI sets.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

ROOT = Path(__file__).parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 60_000
"""Milliseconds after which a condition that still doesn't hold is a failure."""
expect.set_options(timeout=PATIENCE)

BOX = "#nq-question textarea:enabled"

HOSTILE = (
    '"><img src=https://evil.example/i.png onerror=alert(1)><script>alert(2)</script> [a](javascript:alert(3)) '
    "![p](https://evil.example/p.png) <form action=https://evil.example><style>*{display:none}</style> "
    "$$\\frac{1}{2}$$ ${alert(4)} {{alert(5)}} <svg onload=alert(6)> <https://evil.example>"
)
ARTICLES = [
    {
        "title": "Lighthouse keeper retires after forty years",
        "text": "The lighthouse on Skerry Point lost its last keeper on Friday. Oddny Falk retired after forty years "
        "in the tower.\n\nHer post was the last of its kind on the coast. The lamp has been automatic since the "
        "summer, and a company in Marrow now watches it from afar.\n\nFalk said that she would miss the storms "
        "most of all. She is moving to a flat behind the fish market.",
        "url": "https://harbour.example/lighthouse",
        "outlet": "Harbour Courier",
        "authors": ["Ada Moor"],
        "published": "2025-03-07",
    },
    {
        "title": "Ferry fares to rise in May",
        "text": "Ferry fares between Marrow and the islands will rise by twelve per cent in May. The operator Nordline "
        "blamed the price of fuel.\n\nPensioners and pupils will go on paying half, Sivert Dahl said.",
        "url": "https://harbour.example/fares",
        "outlet": "Harbour Courier",
        "published": "2025-04-02",
    },
    {
        "title": "Ferry fares: islanders protest",
        "text": "Some two hundred islanders protested on Saturday against higher ferry fares. The operator Nordline "
        "said that the ferry fares would rise by twelve per cent because of fuel.\n\nTove Lind, the mayor of Marrow, "
        "told the crowd that the islands were being priced off the map.",
        "url": "https://ilvesk.example/protest",
        "outlet": "Radio Ilvesk",
        "published": "2025-04-12",
    },
    {
        "title": f"Zeppelin {HOSTILE}",
        "text": f"The zeppelin of Gorm Thule landed in a turnip field on Sunday {HOSTILE} near Marrow.\n\n{HOSTILE}",
        "url": "javascript:alert(7)",
        "outlet": f"Evil {HOSTILE[:60]}",
        "authors": [HOSTILE],
        "published": "2025-05-01",
    },
]


def ask(page: Page, question: str) -> Locator:
    """Ask and return the finished turn."""
    turns = page.locator(".nq-turn")
    number = turns.count()
    page.locator("#nq-question textarea").fill(question)
    page.locator("#nq-send").click()
    turn = turns.nth(number)
    turn.locator(".nq-answer, .nq-none, .nq-problem").first.wait_for()
    expect(page.locator("#nq-stop")).to_be_hidden()
    expect(page.locator("#nq-question textarea")).to_be_enabled()
    return turn


@dataclass
class Server:
    """A running ``newsqa chat``."""

    url: str
    process: subprocess.Popen[str]


def environment(index: Path) -> dict[str, str]:
    return os.environ | {"NEWSQA_INDEX": str(index), "PYTHONPATH": str(ROOT / "src")}


@contextmanager
def serving(index: Path, before: str = "", **options: object) -> Iterator[Server]:
    """Run the chat until the block ends, on a free port unless told which; ``before`` is run first in the server."""
    command = (
        f"{before}\nfrom newsqa.server.app import Options, serve\nfrom newsqa.settings import Settings\n"
        f"serve(Settings.load(), Options(**{ {'port': 0} | options!r}))"
    )
    with (
        NamedTemporaryFile("w", suffix=".log") as log,
        subprocess.Popen(
            [sys.executable, "-c", command], env=environment(index), cwd=ROOT, text=True, stdout=log, stderr=log
        ) as process,
    ):
        try:
            yield Server(address(process, Path(log.name)), process)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def address(process: subprocess.Popen[Any], log: Path) -> str:
    """Wait until a server says where it listens."""
    while (found := re.search(r"http://127\.0\.0\.1:\d+(?=/)", log.read_text())) is None:
        with suppress(subprocess.TimeoutExpired):
            raise AssertionError(f"The server ended with {process.wait(0.1)}: {log.read_text()}")
    return found[0]


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of `ARTICLES`, built by the command."""
    folder = tmp_path_factory.mktemp("archive")
    export = folder / "articles.jsonl"
    export.write_text("".join(f"{json.dumps(article)}\n" for article in ARTICLES))
    command = [sys.executable, "-c", "import sys; from newsqa.cli import main; sys.exit(main())", "index", str(export)]
    subprocess.run(command, env=environment(folder / "index"), cwd=ROOT, check=True, timeout=240)
    return folder / "index"


@pytest.fixture(scope="session")
def server(index: Path) -> Iterator[Server]:
    with serving(index) as running:
        yield running


@pytest.fixture(scope="module")  # while it is open an event loop runs, and no other can
def browser() -> Iterator[Browser]:
    executable = os.environ.get("NEWSQA_CHROMIUM") or shutil.which("chromium")
    if executable is None:
        missing = pytest.fail if os.environ.get("NEWSQA_REQUIRE_BROWSER") else pytest.skip
        missing("no Chromium: apt-get install chromium, or set NEWSQA_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Watch:
    """What pages did that they must not do."""

    origins: set[str] = field(default_factory=set)
    dialogs: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def follow(self, page: Page) -> None:
        page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))
        page.on("pageerror", lambda error: self.errors.append(str(error)))


Open = Callable[..., Page]


@pytest.fixture
def open_chat(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Open]:
    """Open a chat page; at the end, no page may have asked another host, run a script or failed.

    Call it with a server, or without one for the session's, with what is there once the page is ready, and with
    context options such as a viewport.
    """
    watch = Watch()
    contexts: list[BrowserContext] = []

    def open_chat(at: Server | None = None, ready: str = BOX, **options: object) -> Page:
        at = at or request.getfixturevalue("server")
        context = browser.new_context(**options)  # type: ignore[arg-type]
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        context.on("page", watch.follow)
        context.route("**/*", lambda route: (watch.origins.add(_origin(route.request.url)), route.continue_()))
        page = context.new_page()
        page.goto(at.url)
        page.locator(ready).first.wait_for()
        allowed.add(_origin(at.url))
        return page

    allowed: set[str] = set()
    yield open_chat
    for context in contexts:
        context.close()
    assert watch.origins == allowed
    assert watch.dialogs == []
    assert watch.errors == []


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme != "data" else "data:"
