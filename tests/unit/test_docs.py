"""The documentation says what the code does."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from newsqa.settings import Settings
from newsqa.types import Answer, Article, Citation, Copy, Rejection, Report, Source
from newsqa.verify import Check

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
JSON = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """The text under a heading, up to the next one."""
    return re.split(r"^#+ ", text.split(f"# {heading}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """Cells of the tables in a text, without heads."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def keys(text: str) -> set[str]:
    """The names that the first column of a table explains."""
    return {name for row in rows(text) for name in re.findall(r"`([^`]+)`", row[0])}


def names(kind: Any) -> set[str]:
    return {field.name for field in fields(kind)}


def test_cli_page_is_what_the_commands_print() -> None:
    made = subprocess.run([sys.executable, ROOT / "docs" / "generate.py"], capture_output=True, text=True, check=True)
    written = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert made.stdout == written, "run: make docs"


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("ask", Answer),
        ("citation", Citation),
        ("copy", Copy),
        ("index, remove, forget, watch", Report),
        ("rejection", Rejection),
    ],
)
def test_json_page_explains_every_key(heading: str, kind: Any) -> None:
    assert keys(section(JSON, heading)) == names(kind)


def test_json_page_explains_articles_and_what_show_adds() -> None:
    assert keys(section(JSON, "show")) == names(Article) | {"revisions", "copies", "marked"}
    assert keys(section(JSON, "articles")) == {"articles", "total"}


@pytest.mark.parametrize(("heading", "kind"), [("sources", Source), ("verify", Check)])
def test_json_page_names_the_keys_of_list_members(heading: str, kind: Any) -> None:
    assert names(kind) <= set(re.findall(r"`([^`]+)`", section(JSON, heading)))


def test_readme_lists_every_setting_with_its_default() -> None:
    listed = {row[0].strip("`"): row[1].strip("`") for row in rows(section(README, "Settings"))}
    assert listed == {field.name: str(field.default) for field in fields(Settings)}


def test_readme_lists_the_exit_codes() -> None:
    assert [row[0] for row in rows(section(README, "Exit codes"))] == ["0", "1", "2", "3", "4", "70", "130"]


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/json.md", "docs/cli.md"])
def test_links_between_files_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    missing = [link for link in links if link and not (ROOT / page).parent.joinpath(link).exists()]
    assert missing == []
