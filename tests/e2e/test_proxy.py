"""Behind nginx, configured as docs/server.md says, with a real browser before it."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from serving import WRITE, bearer

from .conftest import ARTICLES, PATIENCE, ROOT, serving

pytestmark = [pytest.mark.browser, pytest.mark.slow]
NAME = "archive.localhost"  # browsers know that it is this machine
FARES = "By how much will ferry fares rise?"
SURROUNDINGS = """
daemon off; pid {folder}/pid; error_log stderr;
events {{}}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    server {{ listen 127.0.0.1:{port}; {location} }}
}}
"""


@contextmanager
def proxied(to: str, folder: Path) -> Iterator[int]:
    """Run nginx before a server; yields its port."""
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if nginx is None:
        pytest.skip("no nginx: apt-get install nginx-light")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (location,) = re.findall(r"```nginx\n(.*?)```", (ROOT / "docs" / "server.md").read_text(), re.DOTALL)
    location = location.replace("http://127.0.0.1:7860", to)
    assert to in location
    config = folder / "nginx.conf"
    config.write_text(SURROUNDINGS.format(folder=folder, port=port, location=location))
    with subprocess.Popen([nginx, "-e", "stderr", "-c", config]) as process:
        try:
            while True:
                assert process.poll() is None
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except ConnectionRefusedError:
                    pass
            yield port
        finally:
            process.terminate()


def test_all_of_it_works_under_the_path_of_a_proxy(index: Path, browser: Browser, tmp_path: Path) -> None:
    options = {"token": WRITE, "allow_hosts": (NAME,), "root_path": "/news"}
    with serving(index, **options) as server, proxied(server.url, tmp_path) as port:
        base = f"http://{NAME}:{port}/news/"
        asked: list[str] = []
        refused: list[str] = []
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("request", lambda request: asked.append(request.url))
        page.on("response", lambda response: refused.append(response.url) if response.status >= 400 else None)

        page.goto(base)
        assert page.url.startswith(f"{base}login?next=")
        page.get_by_label("Token").fill(WRITE)
        page.get_by_role("button", name="Log in").click()
        page.locator("#nq-question textarea:enabled").fill(FARES)
        page.locator("#nq-send").click()
        quote = page.locator(".nq-quote").first
        expect(quote).to_contain_text("twelve per cent", timeout=PATIENCE)

        page.goto(page.locator(".nq-card a[href*='articles/']").first.evaluate("link => link.href"))
        assert page.url.startswith(f"{base}articles/")
        expect(page.locator("mark#quote")).to_contain_text("twelve per cent")
        page.goto(f"{base}docs")
        expect(page.locator("h1")).to_have_text("The API of newsqa")
        assert [url for url in asked if not url.startswith((base, "data:"))] == []
        assert refused == []
        page.close()

        # Nothing is kept back on the way: events come as they are made.
        headers = bearer(WRITE) | {"host": f"{NAME}:{port}"}
        with httpx.stream(
            "POST", f"http://127.0.0.1:{port}/news/api/v1/ask/stream", json={"question": FARES}, headers=headers
        ) as answer:
            assert answer.status_code == 200
            assert [line for line in answer.iter_lines() if line.startswith("event: ")][-1] == "event: answer"
        foreign = httpx.get(f"http://127.0.0.1:{port}/news/", headers=headers | {"host": "evil.example"})
        assert foreign.status_code == 403
        assert ARTICLES[1]["title"] not in foreign.text
