"""The unit of systemd is one, and stays as closed as it is."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "packaging" / "newsqa.service"
EXPOSURE = 1.5
"""What `systemd-analyze security` says of it, of 10; what a newer one counts besides may add to it."""


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd here")
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60)


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name  # the command must be there
    unit.write_text(UNIT.read_text().replace("/opt/newsqa/bin/newsqa", str(Path(sys.executable))))
    verified = analyze("verify", unit)
    assert (verified.returncode, verified.stderr) == (0, "")


def test_the_service_may_do_little() -> None:
    told = analyze("security", "--offline=true", UNIT).stdout
    level = re.search(r"Overall exposure level for newsqa\.service: ([\d.]+)", told)
    assert level is not None, told
    assert float(level[1]) <= EXPOSURE


def test_an_image_is_made_of_the_source_alone() -> None:
    """Not of an environment, nor of an index, which is somebody's archive."""
    left_out, *let_in = (line for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] != "#")
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert left_out == "*"
    assert {line[1:] for line in let_in if line[0] == "!"} == {name for line in copied for name in line.split()}
