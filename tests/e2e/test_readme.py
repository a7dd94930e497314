"""The README's commands, word for word.

Blocks marked ``sh`` are run against the example articles; of blocks marked
``console`` (they need a network, a browser or the reader's own files) only
the commands and options are checked.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from installed import COMMAND, ROOT, environment

README = (ROOT / "README.md").read_text(encoding="utf-8")
HELP = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
NO_ANSWER = "no answer in the example articles"


def lines(kind: str) -> list[str]:
    blocks = re.findall(rf"^```{kind}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line]


RUN = [line for line in lines("sh") if line.startswith("newsqa ")]
SHOWN = lines("console")


@pytest.fixture(scope="module")
def place(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like the project's, after ``make demo``."""
    place = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "examples", place / "examples")
    shutil.copytree(archive, place / "index")
    return place


def test_readme_has_commands() -> None:
    assert len(RUN) >= 8
    assert len(SHOWN) >= 8


def test_commands_do_what_the_readme_says(place: Path) -> None:
    path = f"{COMMAND.parent}:{environment()['PATH']}"
    for line in RUN:
        done = subprocess.run(
            ["bash", "-c", line], cwd=place, env=environment(PATH=path), capture_output=True, text=True, timeout=240
        )
        assert done.returncode == (1 if NO_ANSWER in line else 0), f"{line}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake ([a-z]+)\b", README))))
def test_make_has_the_target(target: str) -> None:
    done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("line", [line for line in SHOWN if re.search(r"\bnewsqa ", line)])
def test_shown_command_has_these_options(line: str) -> None:
    _, command, rest = re.split(r"\bnewsqa ([a-z]+)", line, maxsplit=1)
    described = HELP.split(f"## newsqa {command}\n")[1].split("\n## ")[0]
    for option in (word for word in shlex.split(rest, comments=True) if re.match(r"--?[a-z]", word)):
        assert re.search(rf"(?<![\w-]){option}(?![\w-])", described), option
